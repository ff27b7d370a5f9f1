package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// MachineGone is the observation that a machine has ended without our stopping
// it.
type MachineGone struct {
	Group    autoscaling.UID
	Instance autoscaling.InstanceID
	// Lost: the provider no longer lists it; else it lists it as stopped.
	Lost    bool
	Message string
}

// ReportMachineGone records the end of a machine. A launch fails, waits end,
// what leaves skips the rest of its drain; one in service is marked by the next
// pass, which replaces it.
func (o Operations) ReportMachineGone(tx *fsm.Tx, r MachineGone) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil || i.MachineID == "" || i.Stopped {
		return nil
	}
	c := *i
	c.MachineRunning, c.Stopped = false, true
	reason := "the machine ended: " + r.Message
	if r.Lost {
		reason = "the provider no longer has the machine"
		tx.Emit(instanceEvent(tx, i, autoscaling.EventMachineLost, reason))
	}
	switch c.State {
	case autoscaling.Pending, autoscaling.PendingWait, autoscaling.PendingProceed:
		failLaunch(tx, &c, reason)
	case autoscaling.EnteringStandby:
		enter(tx, &c, autoscaling.Terminating, reason)
	case autoscaling.TerminatingWait:
		enter(tx, &c, autoscaling.TerminatingProceed, reason)
	case autoscaling.TerminatingProceed:
		if c.Step == autoscaling.StepStop {
			finishStep(tx, &c, reason)
			return nil
		}
		put(tx, &c)
	default:
		c.StatusReason, c.HealthMessage = reason, reason
		if c.Step == autoscaling.StepDrain {
			c.Deadline = tx.Now().Add(beginDrain(&c))
		}
		put(tx, &c)
	}
	return nil
}
