package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// DeadlineOf is when the instance's step, or its wait, gives up; 0: never.
func DeadlineOf(g *autoscaling.Group, i *autoscaling.Instance) autoscaling.Time {
	if i.State == autoscaling.Initial && i.Deadline == 0 {
		return i.CreateTime.Add(launchTimeout(g))
	}
	return i.Deadline
}

// ExpireDeadline does what is due when a deadline passed: a launch fails, a drain
// ends, a removal is tried on and called overdue. It says why.
func (o Operations) ExpireDeadline(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) error {
	g, i := tx.Group(group), live(tx, group, id)
	if g == nil || i == nil {
		return nil
	}
	if d := DeadlineOf(g, i); d == 0 || tx.Now() < d {
		return nil
	}
	c := *i
	switch {
	case i.Step == autoscaling.StepHooks:
		expireWaits(tx, g, &c)
	case i.State == autoscaling.Initial:
		failLaunch(tx, i, fmt.Sprintf("not begun within %s: %s", launchTimeout(g), waitsFor(g)))
	case i.State.Launching():
		failLaunch(tx, i, timeoutSentence(g, i))
	case i.State == autoscaling.TerminatingProceed, i.State == autoscaling.Detaching && i.Step != autoscaling.StepDrain:
		overdue(tx, &c)
	case anyBalancer(i, autoscaling.AttachmentDraining):
		setBalancers(&c, autoscaling.AttachmentRemoving, autoscaling.AttachmentDraining)
		c.Deadline = tx.Now().Add(DeregisterPatience)
		if c.Step != autoscaling.StepDrain {
			c.Deadline = 0 // in service: a pool that the group left
		}
		c.StatusReason = "drain_timeout passed"
		put(tx, &c)
	case c.Step == autoscaling.StepDrain:
		// The pool does not answer. The instance goes on; its address is taken out
		// before it is final, see StepRevoke.
		finishStep(tx, &c, "not confirmed by the balancer within its time")
	default:
		c.Deadline = 0
		put(tx, &c)
	}
	return nil
}

func timeoutSentence(g *autoscaling.Group, i *autoscaling.Instance) string {
	s := fmt.Sprintf("%s not done within launch_timeout (%s)", i.Step, launchTimeout(g))
	switch {
	case i.Step == autoscaling.StepCheck && i.HealthMessage != "":
		return s + ": " + i.HealthMessage
	case i.Attempts > 0 && i.StatusReason != "":
		return s + ": " + i.StatusReason
	}
	return s
}

func waitsFor(g *autoscaling.Group) string {
	if len(g.Conditions) > 0 {
		return g.Conditions[0].Message
	}
	return "launches were held"
}

// overdue keeps at it: nothing of an instance may be left behind. That it is late
// the group says, see MarkOverdue.
func overdue(tx *fsm.Tx, c *autoscaling.Instance) {
	c.Deadline = tx.Now().Add(RemovalPatience)
	c.RetryTime = 0
	if c.Attempts == 0 || c.StatusReason == "" {
		c.StatusReason = fmt.Sprintf("%s takes longer than expected", c.Step)
	}
	put(tx, c)
}
