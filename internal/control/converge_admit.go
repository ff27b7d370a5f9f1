package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Admission says which INITIAL instances may begin now.
type Admission struct {
	g    *autoscaling.Group
	now  autoscaling.Time
	room int32 // how many more; negative: no bound
	open bool
	held autoscaling.Time // nobody before then; 0: no such time
}

// AdmissionOf looks at a group. While LAUNCH_SUSPENDED holds, one instance at a
// time is tried; while the provider is down, none; while machines crash one after
// another, none before a pause.
func AdmissionOf(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) Admission {
	a := Admission{g: g, now: now, room: -1, open: g.State != autoscaling.GroupDeleted && !Holds(g, autoscaling.ConditionProviderDown)}
	if Holds(g, autoscaling.ConditionLaunchSuspended) {
		by := r.Counts(g.UID).ByState
		a.room = max(0, 1-by[autoscaling.Pending]-by[autoscaling.PendingWait]-by[autoscaling.PendingProceed])
	}
	a.held, _ = crashHold(r, g, now)
	return a
}

// Admit says whether the instance may begin, taking a place if so; else when to
// look again (0: when something changes).
func (a *Admission) Admit(i *autoscaling.Instance) (bool, autoscaling.Time) {
	if !a.open || i.State != autoscaling.Initial {
		return false, 0
	}
	if i.Origin == autoscaling.OriginAttached {
		return true, 0 // it exists: what failed of launches says nothing about it
	}
	if a.room == 0 {
		return false, 0
	}
	if a.held != 0 {
		return false, a.held
	}
	if b := autoscaling.FindBackoff(a.g.Backoffs, i.Provider, i.Zone, i.InstanceType); b != nil && a.now < b.Until {
		return false, b.Until
	}
	if a.room > 0 {
		a.room--
	}
	return true, 0
}

// Begin lets an INITIAL instance begin: from here on its machine may exist.
func (o Operations) Begin(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) error {
	g, i := tx.Group(group), tx.Instance(group, id)
	if g == nil || i == nil {
		return nil
	}
	a := AdmissionOf(tx.Reader, g, tx.Now())
	if ok, _ := a.Admit(i); ok {
		c := *i
		enter(tx, &c, autoscaling.Pending, "")
	}
	return nil
}
