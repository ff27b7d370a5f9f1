package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// noWayBack says why a machine that is terminating does not go back into service
// although a hook says ROLLBACK; "" when it does. Only what somebody asked to
// leave, and what is well, can stay after all.
func noWayBack(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) string {
	a := tx.Activity(i.Leaving)
	switch {
	case g.State == autoscaling.GroupDeleting:
		return "the group is deleted"
	case i.Health == autoscaling.HealthUnhealthy:
		return "the instance is unhealthy"
	case !i.Served:
		return "the instance never was in service"
	case a == nil:
		return "no activity takes it out"
	case a.Kind != autoscaling.ScaleIn && a.Kind != autoscaling.Remove:
		return fmt.Sprintf("it leaves by activity %d (%s)", a.ID, a.Kind)
	}
	return ""
}

// roomToRollBack refuses what would bring the group above its bounds: desired,
// where this leaving lowered it, and otherwise what is counted.
func roomToRollBack(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) error {
	to, bound := g.Desired+i.Capacity(), g.Max+g.Surge()
	switch {
	case i.LoweredDesired && to > g.Max:
		return outOfRange(g, "ROLLBACK of instance %s would raise desired capacity to %d, above max_size %d of group %s", i.ID, to, g.Max, g.ID)
	case !i.LoweredDesired && bounded(tx, g)+i.Capacity() > bound:
		return outOfRange(g, "ROLLBACK of instance %s would bring group %s above its bound of %d instances: its place is taken", i.ID, g.ID, bound)
	}
	return nil
}

func outOfRange(g *autoscaling.Group, format string, args ...any) error {
	err := autoscaling.Errorf(autoscaling.OutOfRange, format, args...)
	err.Resource = groupResource(g)
	return err
}

// bounded is what uses the runaway bound now.
func bounded(tx *fsm.Tx, g *autoscaling.Group) int32 {
	c := tx.Counts(g.UID)
	if c.Unproven == 0 {
		return c.Capacity // without a look at everybody
	}
	var u autoscaling.Usage
	for i := range tx.Instances(g.UID) {
		u.Add(i)
	}
	return u.Bound
}

// rollBack brings the instance back into service: its leaving is undone, with
// what it did to desired, and the activity goes on without it. What it did not do
// to desired is too much for a while, and converges. c is the caller's own copy.
func rollBack(tx *fsm.Tx, g *autoscaling.Group, c *autoscaling.Instance, why string) {
	leaving, lowered := c.Leaving, c.LoweredDesired
	c.Leaving, c.LoweredDesired = 0, false
	if lowered {
		changed := *g
		moveDesired(tx, &changed, g.Desired+c.Capacity(), fmt.Sprintf("instance %s stays: %s", c.ID, why), leaving)
	}
	enter(tx, c, autoscaling.PendingProceed, why)
	countActivity(tx, leaving, func(a *autoscaling.Activity) {
		a.RemovalsEnded++
		addNote(a, fmt.Sprintf("instance %s stays: %s", c.ID, why))
	})
	settle(tx, leaving)
}
