package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// openActivity numbers and puts the activity, and emits ACTIVITY_STARTED. The
// caller fills Kind, Trigger, Cause, From, To and Cooldown; the group's balancers
// and lists are fixed here. What it answers is the caller's own copy.
func (o Operations) openActivity(tx *fsm.Tx, g *autoscaling.Group, a autoscaling.Activity) *autoscaling.Activity {
	a = *o.startActivity(tx, g, a)
	putActivity(tx, &a)
	return &a
}

// startActivity is openActivity without putting it: for one that is put when it
// ends, in the same function.
func (o Operations) startActivity(tx *fsm.Tx, g *autoscaling.Group, a autoscaling.Activity) *autoscaling.Activity {
	a.ID = tx.NewActivityID()
	a.Namespace, a.GroupID, a.Group = g.Namespace, g.ID, g.UID
	a.Status = autoscaling.ActivityInProgress
	a.StartTime = tx.Now()
	a.Balancers, a.AccessLists = g.Balancers, g.AccessLists
	e := groupEvent(g, autoscaling.EventActivityStarted, "", a.Cause)
	e.Activity = a.ID
	e.Details = details("kind", string(a.Kind), "from", decimal(a.From), "to", decimal(a.To), "trigger", string(a.Trigger.Kind), "rule", a.Trigger.Rule)
	tx.Emit(e)
	return &a
}

// putActivity puts a copy, so that a stays the caller's.
func putActivity(tx *fsm.Tx, a *autoscaling.Activity) {
	c := *a
	tx.PutActivity(&c)
}

// addNote tells the reader of an activity what is not as expected.
func addNote(a *autoscaling.Activity, text string) {
	if !slices.Contains(a.Notes, text) {
		a.Notes = append(slices.Clone(a.Notes), text)
	}
}
