package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ReportMachineAdopted records that our mark is on an attached instance's machine,
// which runs.
func (o Operations) ReportMachineAdopted(tx *fsm.Tx, r MachineReport) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil || i.Origin != autoscaling.OriginAttached || i.Adopted || i.State == autoscaling.Initial {
		return nil
	}
	c := *i
	c.Adopted, c.MachineRunning = true, !c.Stopped
	c.Addresses = r.Addresses
	if r.CreateTime != 0 {
		c.MachineCreateTime = r.CreateTime
	}
	tx.DeleteReleased(c.Provider, c.MachineID)
	tx.Emit(instanceEvent(tx, &c, autoscaling.EventMachineAdopted, c.MachineID))
	if at(i, autoscaling.Pending, autoscaling.StepCreate) {
		finishStep(tx, &c, c.MachineID)
		return nil
	}
	// It left before the answer came: its removal has to know of the mark.
	put(tx, &c)
	return nil
}
