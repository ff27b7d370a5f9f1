package controltest

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// Answer reports that the instance's current step is done, as a world without
// faults would, for tests that have a state of their own.
func Answer(tx *fsm.Tx, ops control.Operations, i *autoscaling.Instance) error {
	known := NewPlatform()
	known.Machines[i.Provider+"/"+i.MachineID] = ops.Platform.Machine(i.Provider, i.MachineID)
	return (&World{Ops: ops, Platform: known}).answer(tx, i)
}
