package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// maxRetirements bounds the replacements of one activity.
const maxRetirements = 20

// retire launches the replacements, in one activity that begins as given. Its
// victims are committed here, and leave one by one as their replacements serve.
func (o Operations) retire(tx *fsm.Tx, g *autoscaling.Group, a autoscaling.Activity, all []retirement) *autoscaling.Activity {
	group := *g
	capacity := tx.Counts(g.UID).Capacity
	a.From, a.To = capacity, capacity
	by := o.startActivity(tx, &group, a)
	if l := o.prepare(tx, &group, by); l != nil {
		for _, r := range all {
			addVictim(by, r.victim.ID, r.why)
			l.make(r.zone, r.kind, r.victim.ID)
		}
	}
	putGroup(tx, &group)
	putActivity(tx, by)
	settle(tx, by.ID)
	return tx.Activity(by.ID)
}

// relieve begins the removal of the instance that one that serves now replaces.
// To be called in the function in which the replacement enters service, before
// the activity that launched it may end.
func relieve(tx *fsm.Tx, i *autoscaling.Instance) {
	if i.Replaces == "" {
		return
	}
	g, was, by := tx.Group(i.Group), tx.Instance(i.Group, i.Replaces), tx.Activity(i.Activity)
	if g == nil || was == nil || by == nil || by.Status != autoscaling.ActivityInProgress || !was.State.Counted() {
		return // it left by itself, or is in standby: nobody has to make room
	}
	a := *by
	switch {
	case suspends(g, autoscaling.ProcessTerminate):
		addNote(&a, "instance "+string(was.ID)+" stays although it was replaced: process TERMINATE is suspended")
	case was.Protected && a.Kind == autoscaling.Rebalance:
		addNote(&a, "instance "+string(was.ID)+" stays although it was replaced: it was protected meanwhile")
	default:
		beginRemoval(tx, g, was, &a, victimWhy(&a, was.ID))
	}
	putActivity(tx, &a)
}

// addVictim keeps why an instance was chosen to leave by the activity.
func addVictim(a *autoscaling.Activity, id autoscaling.InstanceID, why string) {
	if len(a.Victims) >= autoscaling.MaxVictims || victimWhy(a, id) != "" {
		return
	}
	a.Victims = append(a.Victims[:len(a.Victims):len(a.Victims)], autoscaling.Victim{Instance: id, Why: why})
}

// victimWhy is why an instance was chosen; "" when it was not.
func victimWhy(a *autoscaling.Activity, id autoscaling.InstanceID) string {
	for _, v := range a.Victims {
		if v.Instance == id {
			return v.Why
		}
	}
	return ""
}
