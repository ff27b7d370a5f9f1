package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// DeletionDue says whether AdvanceDeletion would write.
func DeletionDue(r fsm.Reader, g *autoscaling.Group) bool {
	if g.State != autoscaling.GroupDeleting {
		return false
	}
	c := r.Counts(g.UID)
	return c.Live == 0 || staying(c) > 0
}

// staying are the instances that nobody has sent away.
func staying(c fsm.Counts) int32 {
	return c.Counted + c.ByState[autoscaling.EnteringStandby] + c.ByState[autoscaling.Standby] + c.ByState[autoscaling.Warmed]
}

// AdvanceDeletion sends away what is left of a group that is being deleted, and
// finishes when nothing is.
func (o Operations) AdvanceDeletion(tx *fsm.Tx, group autoscaling.UID) error {
	g := tx.Group(group)
	if g == nil || !DeletionDue(tx.Reader, g) {
		return nil
	}
	if tx.Counts(group).Live > 0 {
		a := tx.Activity(g.DeleteActivity)
		if a == nil {
			return nil
		}
		c := *a
		for _, i := range slices.Collect(tx.Instances(group)) { // it is changed meanwhile
			beginRemoval(tx, g, i, &c, "the group is deleted")
		}
		tx.PutActivity(&c)
	}
	if tx.Counts(group).Live == 0 {
		settle(tx, g.DeleteActivity)
		finishDelete(tx, tx.Group(group))
	}
	return nil
}
