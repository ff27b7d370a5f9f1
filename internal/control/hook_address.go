package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// actionAddress says which lifecycle actions of a group are meant: that of a
// token, that of an instance in a hook, or those of all instances that an
// activity moves and that wait in a hook.
type actionAddress struct {
	Group    GroupName
	Token    string
	Instance string // id or uid
	Hook     string // id or uid
	Activity string // number or uid
}

// addressed is an open wait of an instance as it is.
type addressed struct {
	instance *autoscaling.Instance
	wait     int
}

// find looks the open waits up. Nothing but an activity makes it look at more
// than one instance.
func (a actionAddress) find(tx *fsm.Tx) (*autoscaling.Group, []addressed, error) {
	g, err := FindGroup(tx.Reader, a.Group)
	if err != nil {
		return nil, nil, err
	}
	var found []addressed
	switch {
	case a.Token != "":
		found, err = a.byToken(tx, g)
	case a.Hook == "":
		err = autoscaling.FieldErrorf("token", "name the action by token, by instance and hook, or by activity and hook")
	case a.Instance != "" && a.Activity == "":
		found, err = a.byInstance(tx, g)
	case a.Activity != "" && a.Instance == "":
		found, err = a.byActivity(tx, g)
	default:
		err = autoscaling.FieldErrorf("hook", "name the action by token, by instance and hook, or by activity and hook")
	}
	return g, found, err
}

func (a actionAddress) byToken(tx *fsm.Tx, g *autoscaling.Group) ([]addressed, error) {
	token := autoscaling.UID(a.Token)
	id, ok := autoscaling.InstanceOfToken(token)
	if !ok {
		return nil, autoscaling.FieldErrorf("token", "%q is not a token of a lifecycle action", a.Token)
	}
	if a.Instance != "" && instanceID(a.Instance) != id {
		return nil, autoscaling.FieldErrorf("token", "it is a token of instance %s, not of %s", id, a.Instance)
	}
	i := tx.Instance(g.UID, id)
	if i == nil {
		if tx.FindInstance(id) != nil {
			return nil, noAction(g, "token %s is that of an instance of another group", token)
		}
		return nil, noAction(g, "token %s was not given out in group %s, or its instance is forgotten", token, g.ID)
	}
	for n := range i.Waits {
		if i.Waits[n].Token == token {
			return openWait(tx, i, n)
		}
	}
	return nil, noAction(g, "token %s was not given out, or is that of an earlier transition of instance %s, which is %s", token, i.ID, i.State)
}

func (a actionAddress) byInstance(tx *fsm.Tx, g *autoscaling.Group) ([]addressed, error) {
	i := tx.Instance(g.UID, instanceID(a.Instance))
	if i == nil {
		return nil, notFound(autoscaling.InstanceResource(g.Namespace, g.ID, autoscaling.InstanceID(a.Instance)))
	}
	hook, known := a.hook(tx, g)
	for n := range i.Waits {
		if i.Waits[n].Hook == hook {
			return openWait(tx, i, n)
		}
	}
	if !known {
		return nil, notFound(autoscaling.LifecycleHookResource(g.Namespace, g.ID, a.Hook))
	}
	return nil, autoscaling.Errorf(autoscaling.WrongState, "instance %s is %s and does not wait in hook %s", i.ID, i.State, hook)
}

func (a actionAddress) byActivity(tx *fsm.Tx, g *autoscaling.Group) ([]addressed, error) {
	_, activity, err := FindActivity(tx.Reader, ChildName{g.Namespace, g.ID, a.Activity})
	if err != nil {
		return nil, err
	}
	hook, known := a.hook(tx, g)
	var found []addressed
	for i := range tx.Instances(g.UID) {
		if i.Step != autoscaling.StepHooks || activityOf(i) != activity.ID {
			continue
		}
		for n := range i.Waits {
			if w := &i.Waits[n]; w.Hook == hook && w.Open() && tx.Now() < w.Deadline {
				found = append(found, addressed{i, n})
			}
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case !known:
		return nil, notFound(autoscaling.LifecycleHookResource(g.Namespace, g.ID, a.Hook))
	}
	return nil, autoscaling.Errorf(autoscaling.WrongState, "no instance of activity %d (%s %s) waits in hook %s", activity.ID, activity.Kind, activity.Status, hook)
}

// hook is the id of the hook that is named, and whether there is one: instances
// may still wait in one that is deleted.
func (a actionAddress) hook(tx *fsm.Tx, g *autoscaling.Group) (string, bool) {
	if _, h, err := FindLifecycleHook(tx.Reader, ChildName{g.Namespace, g.ID, a.Hook}); err == nil {
		return h.ID, true
	}
	return a.Hook, false
}

// openWait refuses a wait that is over, and says why it is. One whose deadline
// has passed is over, whether or not anybody has acted on that yet.
func openWait(tx *fsm.Tx, i *autoscaling.Instance, n int) ([]addressed, error) {
	w := &i.Waits[n]
	switch {
	case !w.Open():
		return nil, autoscaling.Errorf(autoscaling.WrongState, "hook %s of instance %s %s", w.Hook, i.ID, endedSentence(w))
	case tx.Now() >= w.Deadline:
		return nil, autoscaling.Errorf(autoscaling.WrongState, "hook %s of instance %s expired at %s: its default result, %s, holds", w.Hook, i.ID, w.Deadline, w.DefaultResult)
	}
	return []addressed{{i, n}}, nil
}

func noAction(g *autoscaling.Group, format string, args ...any) error {
	err := autoscaling.Errorf(autoscaling.NotFound, format, args...)
	err.Resource = groupResource(g)
	return err
}

// endedSentence says how a wait ended; it goes on after "hook H of instance I".
func endedSentence(w *autoscaling.HookWait) string {
	switch {
	case w.EndedBy == endedByDeadline:
		return fmt.Sprintf("ended with its default result, %s, at its deadline, %s", w.Result, w.Deadline)
	case endedBecause[w.EndedBy] != "":
		return fmt.Sprintf("ended with %s at %s: %s", w.Result, w.EndTime, endedBecause[w.EndedBy])
	}
	return fmt.Sprintf("was completed with %s by %s at %s", w.Result, w.EndedBy, w.EndTime)
}
