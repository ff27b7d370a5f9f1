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
		by := interrupted(i)
		c.Moving = 0
		enter(tx, &c, autoscaling.Terminating, reason)
		endMove(tx, i, by)
	case autoscaling.TerminatingWait:
		enter(tx, &c, autoscaling.TerminatingProceed, reason)
	case autoscaling.Detaching:
		machineGoneDetaching(tx, &c, reason)
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

// machineGoneDetaching goes on with what there is left to do for a machine that
// has ended on its way out of the group: nobody waits for it.
func machineGoneDetaching(tx *fsm.Tx, c *autoscaling.Instance, reason string) {
	switch c.Step {
	case autoscaling.StepHooks:
		leaveWaits(tx, c)
		finishStep(tx, c, reason)
		return
	case autoscaling.StepDrain:
		c.Deadline = tx.Now().Add(beginDrain(c))
	}
	c.StatusReason = reason
	put(tx, c)
}
