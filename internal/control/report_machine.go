package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ReportMachineCreated records that the instance's machine exists.
func (o Operations) ReportMachineCreated(tx *fsm.Tx, r MachineReport) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil || i.State == autoscaling.Initial || i.MachineID != "" {
		return nil
	}
	c := *i
	learn(tx, &c, r)
	if at(i, autoscaling.Pending, autoscaling.StepCreate) {
		finishStep(tx, &c, r.MachineID)
		return nil
	}
	// It left before the answer came: its removal has to know of the machine.
	put(tx, &c)
	return nil
}

// ReportMachineRunning records that the instance's machine runs. Where lists or
// balancers wait for an address, START ends only once that is known.
func (o Operations) ReportMachineRunning(tx *fsm.Tx, r MachineReport) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil || i.State != autoscaling.Pending || (i.Step != autoscaling.StepStart && i.Step != autoscaling.StepCreate) {
		return nil
	}
	c := *i
	learn(tx, &c, r)
	c.MachineRunning = true
	if c.Step == autoscaling.StepCreate {
		finishStep(tx, &c, r.MachineID)
		return nil
	}
	if len(c.Addresses) == 0 && len(c.Balancers)+len(c.AccessLists) > 0 {
		if !i.MachineRunning {
			c.StatusReason = "runs; waiting for its address"
			put(tx, &c)
		}
		return nil
	}
	finishStep(tx, &c, "")
	return nil
}

// ReportMachineStopped records that the machine no longer runs, by our doing.
func (o Operations) ReportMachineStopped(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) error {
	i := live(tx, group, id)
	if i == nil || !at(i, autoscaling.TerminatingProceed, autoscaling.StepStop) {
		return nil
	}
	c := *i
	c.MachineRunning, c.Stopped = false, true
	finishStep(tx, &c, "")
	return nil
}

// ReportMachineDeleted records that nothing is left of the machine.
func (o Operations) ReportMachineDeleted(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) error {
	i := live(tx, group, id)
	if i == nil || !at(i, autoscaling.TerminatingProceed, autoscaling.StepDelete) {
		return nil
	}
	c := *i
	finishStep(tx, &c, "")
	return nil
}

// learn takes over what the provider says of the machine.
func learn(tx *fsm.Tx, c *autoscaling.Instance, r MachineReport) {
	if c.MachineID == "" {
		c.MachineID = r.MachineID
		c.MachineCreateTime = r.CreateTime
		if c.MachineCreateTime == 0 {
			c.MachineCreateTime = tx.Now()
		}
		if r.Adopted {
			tx.Emit(instanceEvent(tx, c, autoscaling.EventMachineAdopted, r.MachineID))
		}
	}
	if len(c.Addresses) == 0 {
		c.Addresses = r.Addresses
	}
}
