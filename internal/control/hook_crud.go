package control

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateLifecycleHookRequest asks for a new hook. Hook begins as
// autoscaling.DefaultLifecycleHook.
type CreateLifecycleHookRequest struct {
	Caller
	Parent GroupName
	NewMeta
	Hook autoscaling.LifecycleHook
}

// UpdateLifecycleHookRequest asks for a change of a hook. Change edits a copy.
type UpdateLifecycleHookRequest struct {
	Caller
	Name   ChildName
	Etag   string
	Change func(*autoscaling.LifecycleHook) error
}

// DeleteLifecycleHookRequest asks to delete a hook.
type DeleteLifecycleHookRequest struct {
	Caller
	Name ChildName
	Etag string
}

// NewHook is a hook that is declared with its group.
type NewHook struct {
	NewMeta
	Hook autoscaling.LifecycleHook
}

// CreateLifecycleHook makes a hook. It holds the instances that reach its
// transition from now on.
func (o Operations) CreateLifecycleHook(tx *fsm.Tx, req CreateLifecycleHookRequest) (*autoscaling.LifecycleHook, error) {
	g, err := changeableGroup(tx, req.Parent)
	if err != nil {
		return nil, err
	}
	return createHook(tx, g, NewHook{req.NewMeta, req.Hook})
}

func createHook(tx *fsm.Tx, g *autoscaling.Group, n NewHook) (*autoscaling.LifecycleHook, error) {
	h := n.Hook
	h.Meta, h.Group = newMeta(tx, g.Namespace, n.NewMeta), g.UID
	if err := autoscaling.ValidateMeta("lifecycle_hook_id", &h.Meta); err != nil {
		return nil, err
	}
	if tx.LifecycleHook(g.UID, h.ID) != nil {
		return nil, alreadyExists(autoscaling.LifecycleHookResource(g.Namespace, g.ID, h.ID))
	}
	if err := checkHook(tx, &h, nil); err != nil {
		return nil, err
	}
	if err := checkLimit("lifecycle hooks in group "+g.ID, tx.LifecycleHooks(g.UID), autoscaling.MaxHooks); err != nil {
		return nil, err
	}
	h.UID = tx.NewUID()
	tx.PutLifecycleHook(&h)
	tx.Emit(groupEvent(g, autoscaling.EventHookCreated, h.ID, ""))
	return &h, nil
}

// UpdateLifecycleHook changes a hook. Instances that wait go on by what their
// notice said.
func (o Operations) UpdateLifecycleHook(tx *fsm.Tx, req UpdateLifecycleHookRequest) (*autoscaling.LifecycleHook, error) {
	g, was, err := FindLifecycleHook(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkChild(g, autoscaling.LifecycleHookResource(g.Namespace, g.ID, was.ID), req.Etag, &was.Meta); err != nil {
		return nil, err
	}
	h := *was
	if err := req.Change(&h); err != nil {
		return nil, err
	}
	h.Meta, h.Group = fixedMeta(was.Meta, h.Meta), was.Group
	if err := autoscaling.ValidateMeta("lifecycle_hook_id", &h.Meta); err != nil {
		return nil, err
	}
	if err := checkHook(tx, &h, was); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(h, *was) {
		return was, nil
	}
	touch(tx, &h.Meta)
	tx.PutLifecycleHook(&h)
	tx.Emit(groupEvent(g, autoscaling.EventHookUpdated, h.ID, ""))
	return &h, nil
}

// DeleteLifecycleHook deletes a hook. Instances that wait for it go on waiting,
// by what their notice said.
func (o Operations) DeleteLifecycleHook(tx *fsm.Tx, req DeleteLifecycleHookRequest) error {
	g, h, err := FindLifecycleHook(tx.Reader, req.Name)
	if err != nil {
		return err
	}
	if err := checkChild(g, autoscaling.LifecycleHookResource(g.Namespace, g.ID, h.ID), req.Etag, &h.Meta); err != nil {
		return err
	}
	tx.DeleteLifecycleHook(g.UID, h.ID)
	tx.Emit(groupEvent(g, autoscaling.EventHookDeleted, h.ID, ""))
	return nil
}

// FindLifecycleHook looks a hook up, with its group.
func FindLifecycleHook(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.LifecycleHook, error) {
	g, err := FindGroup(r, GroupName{name.Namespace, name.Group})
	if err != nil {
		return nil, nil, err
	}
	h := r.LifecycleHook(g.UID, name.ID)
	if h == nil {
		h = byUID(r.LifecycleHooks(g.UID), name.ID, func(h *autoscaling.LifecycleHook) autoscaling.UID { return h.UID })
	}
	if h == nil {
		return nil, nil, notFound(autoscaling.LifecycleHookResource(name.Namespace, name.Group, name.ID))
	}
	return g, h, nil
}

// checkHook checks what a hook says. was is what it said before, nil of a new
// one: a target that is gone must not keep a hook from being changed otherwise.
func checkHook(tx *fsm.Tx, h, was *autoscaling.LifecycleHook) error {
	if err := autoscaling.ValidateHook(h); err != nil {
		return err
	}
	if h.NotificationTarget != "" && (was == nil || was.NotificationTarget != h.NotificationTarget) {
		if tx.NotificationTargetByID(h.Namespace, h.NotificationTarget) == nil {
			return missing("notification_target", "notification target %s does not exist in namespace %s", h.NotificationTarget, h.Namespace)
		}
	}
	return checkExternalNames(&h.Meta, inGroups(tx.Groups(h.Namespace), func(h *autoscaling.LifecycleHook) *autoscaling.Meta { return &h.Meta }, tx.LifecycleHooks))
}

// declareHooks makes the hooks that a new group is created with.
func declareHooks(tx *fsm.Tx, g *autoscaling.Group, hooks []NewHook) error {
	for n, h := range hooks {
		if _, err := createHook(tx, g, h); err != nil {
			return inEntry(err, "hooks", n)
		}
	}
	return nil
}

// deleteHooks deletes what a group that is gone had.
func deleteHooks(tx *fsm.Tx, group autoscaling.UID) {
	for _, h := range slices.Collect(tx.LifecycleHooks(group)) {
		tx.DeleteLifecycleHook(group, h.ID)
	}
}

// inEntry says in which entry of a list the offending field is.
func inEntry(err error, list string, n int) error {
	e, ok := err.(*autoscaling.Error)
	if !ok {
		return err
	}
	c := *e
	at := fmt.Sprintf("%s[%d]", list, n)
	c.Message = at + "." + c.Message
	if c.Field == "" {
		c.Message = at + ": " + e.Message
	} else {
		at += "." + c.Field
	}
	c.Field = at
	return &c
}
