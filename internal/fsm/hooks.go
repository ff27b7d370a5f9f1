package fsm

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
)

// Lifecycle hooks of a group, by id.

func (r Reader) LifecycleHook(group autoscaling.UID, id string) *autoscaling.LifecycleHook {
	if s := r.st.shard(group); s != nil {
		return getChild(s.hooks, id, hookID)
	}
	return nil
}

func (r Reader) LifecycleHooks(group autoscaling.UID) iter.Seq[*autoscaling.LifecycleHook] {
	if s := r.st.shard(group); s != nil {
		return eachChild(s.hooks)
	}
	return none
}

func (tx *Tx) PutLifecycleHook(h *autoscaling.LifecycleHook) {
	repairTexts(kindHook, h)
	tx.mustHaveGroup(h.Group, kindHook, h.ID)
	st, prev := tx.st, tx.LifecycleHook(h.Group, h.ID)
	st.replaceHook(h.Group, prev, h)
	tx.put(kindHook, groupChild(h.Group, h.ID), h, func() { st.replaceHook(h.Group, h, prev) })
}

func (tx *Tx) DeleteLifecycleHook(group autoscaling.UID, id string) {
	st, prev := tx.st, tx.LifecycleHook(group, id)
	if prev == nil {
		return
	}
	st.replaceHook(group, prev, nil)
	tx.remove(kindHook, groupChild(group, id), func() { st.replaceHook(group, nil, prev) })
}

func hookID(h *autoscaling.LifecycleHook) string { return h.ID }

func (st *state) replaceHook(group autoscaling.UID, prev, next *autoscaling.LifecycleHook) {
	s := st.own(st.shard(group))
	s.hooks = replaceChild(s.hooks, prev, next, hookID)
}
