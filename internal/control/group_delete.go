package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// DeleteGroupRequest asks to delete a group.
type DeleteGroupRequest struct {
	Caller
	Name  GroupName
	Etag  string
	Force bool // terminate what it has
	// SkipHooks, with Force: terminate hooks hold nobody.
	SkipHooks bool
}

// DeleteGroup opens the DELETE_GROUP activity. Without force only an empty, idle
// group goes, and is gone at once. With force everything leaves, whatever
// protects it, and the group is gone with the last of it.
//
// Of a group that is being deleted it may be asked again with force and
// SkipHooks: that ends the waits in terminate hooks, and answers the activity.
func (o Operations) DeleteGroup(tx *fsm.Tx, req DeleteGroupRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkEtag(groupResource(g), req.Etag, &g.Meta); err != nil {
		return nil, err
	}
	if req.SkipHooks && !req.Force {
		return nil, autoscaling.FieldErrorf("skip_hooks", "goes with force only: without it nothing is terminated")
	}
	if g.State == autoscaling.GroupDeleting && req.SkipHooks && !g.SkipHooks {
		return skipHooks(tx, g, req.name()), nil
	}
	a := manual(req.Caller, "deleted group "+g.ID)
	a.kind = autoscaling.DeleteGroup
	if r := refuseDelete(tx, g, req.Force); r != nil {
		return o.refuse(tx, g, &a, r), nil
	}
	return o.deleteGroup(tx, *g, req, &a), nil
}

// skipHooks lets a deletion that is under way wait for hooks no longer.
func skipHooks(tx *fsm.Tx, g *autoscaling.Group, who string) *autoscaling.Activity {
	c := *g
	c.SkipHooks = true
	touch(tx, &c.Meta)
	putGroup(tx, &c)
	noteOnActivity(tx, g.DeleteActivity, who+" ended the waits in terminate hooks (skip_hooks)")
	endHooks(tx, g.UID)
	return tx.Activity(g.DeleteActivity)
}

func refuseDelete(tx *fsm.Tx, g *autoscaling.Group, force bool) *refusal {
	switch {
	case g.State == autoscaling.GroupDeleting:
		return refusef(autoscaling.GroupIsDeleting, "group %s is being deleted", g.ID)
	case g.DeletionProtection == autoscaling.ProtectionAll:
		return refusef(autoscaling.Protected, "group %s is protected: its deletion_protection is ALL", g.ID)
	case g.DeletionProtection == autoscaling.ProtectionForceOnly && force:
		return refusef(autoscaling.Protected, "group %s is protected from forced deletion: its deletion_protection is FORCE_ONLY", g.ID)
	case force:
		return nil
	}
	if live := tx.Counts(g.UID).Live; live > 0 {
		return refusef(autoscaling.InUse, "group %s has %d instances; remove them first, or delete with force", g.ID, live)
	}
	for running := range tx.RunningActivities(g.UID) {
		return refusef(autoscaling.InUse, "activity %d (%s) of group %s is in progress", running.ID, running.Kind, g.ID)
	}
	return nil
}

func (o Operations) deleteGroup(tx *fsm.Tx, g autoscaling.Group, req DeleteGroupRequest, a *asking) *autoscaling.Activity {
	a.fired(tx, &g)
	activity := o.openActivity(tx, &g, autoscaling.Activity{
		Kind: autoscaling.DeleteGroup, Trigger: a.trigger, Cause: a.who, From: g.Desired,
	})
	g.State = autoscaling.GroupDeleting
	g.ForceDelete, g.SkipHooks = req.Force, req.SkipHooks
	g.RebalanceAsked, g.RebalanceTime = false, 0
	g.DeleteActivity = activity.ID
	touch(tx, &g.Meta)
	putGroup(tx, &g)
	tx.Emit(groupEvent(&g, autoscaling.EventGroupDeleting, "", a.who))
	o.noteMissing(tx.Reader, &g, activity)
	for _, i := range slices.Collect(tx.Instances(g.UID)) { // it is changed meanwhile
		beginRemoval(tx, &g, i, activity, "the group is deleted")
	}
	putActivity(tx, activity)
	if req.SkipHooks {
		endHooks(tx, g.UID)
	}
	if tx.Counts(g.UID).Live == 0 {
		settle(tx, activity.ID)
		finishDelete(tx, tx.Group(g.UID))
	}
	return tx.Activity(activity.ID)
}

// finishDelete makes a DELETING group that has nothing left DELETED: what
// belongs to it goes, its activities stay until their retention ends.
func finishDelete(tx *fsm.Tx, g *autoscaling.Group) {
	deleteHooks(tx, g.UID)
	for _, r := range slices.Collect(tx.Rules(g.UID)) {
		tx.DeleteRule(g.UID, r.ID)
	}
	for _, a := range slices.Collect(tx.AlarmTasks(g.UID)) {
		tx.DeleteAlarmTask(g.UID, a.ID)
	}
	for _, t := range slices.Collect(tx.ScheduledTasks(g.UID)) {
		tx.DeleteScheduledTask(g.UID, t.ID)
	}
	c := *g
	c.State = autoscaling.GroupDeleted
	c.DeleteTime = tx.Now()
	c.Conditions, c.Backoffs = nil, nil
	c.CooldownUntil, c.CooldownCause = 0, ""
	tx.PutGroup(&c)
	tx.Emit(groupEvent(&c, autoscaling.EventGroupDeleted, "", ""))
	deleteNotifications(tx, g.UID) // now that this was told as well
}
