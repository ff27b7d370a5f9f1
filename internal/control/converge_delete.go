package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// DeletionDue says whether AdvanceDeletion would write.
func DeletionDue(r fsm.Reader, g *autoscaling.Group) bool {
	if g.State != autoscaling.GroupDeleting {
		return false
	}
	c := r.Counts(g.UID)
	return c.Live == 0 || staying(c) > 0 || !sameCondition(g, autoscaling.ConditionDeletionWaiting, deletionWaits(r, g))
}

// deletionWaits is what keeps the group from being gone that nobody else says: a
// provider that is down and a removal that is late have conditions of their own.
// It names no instances, so that it is written once for thousands.
func deletionWaits(r fsm.Reader, g *autoscaling.Group) *autoscaling.Condition {
	by := r.Counts(g.UID).ByState
	if by[autoscaling.TerminatingWait]+by[autoscaling.Detaching] == 0 {
		return nil
	}
	var hooks []string
	for a := range PendingActions(r, g.UID) {
		if at, found := slices.BinarySearch(hooks, a.Hook); !found {
			hooks = slices.Insert(hooks, at, a.Hook)
		}
	}
	if len(hooks) == 0 {
		return nil
	}
	return &autoscaling.Condition{
		Type: autoscaling.ConditionDeletionWaiting, Reason: "HOOKS",
		Message: fmt.Sprintf("instances wait in terminate hooks (%s) until each is completed or its deadline passes; "+
			"deleting the group again with force and skip_hooks ends the waits", strings.Join(hooks, ", ")),
	}
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
	if want := deletionWaits(tx.Reader, g); !sameCondition(g, autoscaling.ConditionDeletionWaiting, want) {
		c := *g
		if want != nil {
			raise(tx, &c, want.Type, want.Reason, want.Message)
		} else {
			clearCondition(tx, &c, autoscaling.ConditionDeletionWaiting)
		}
		putGroup(tx, &c)
		g = tx.Group(group)
	}
	if staying(tx.Counts(group)) > 0 {
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
