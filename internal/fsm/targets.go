package fsm

import (
	"fmt"
	"iter"

	"github.com/asctl/as/internal/autoscaling"
)

// Notification targets, by namespace and id. An empty namespace means all of
// them.

func (r Reader) NotificationTarget(uid autoscaling.UID) *autoscaling.NotificationTarget {
	if o := r.st.outbox(uid); o != nil {
		return o.record
	}
	return nil
}

func (r Reader) NotificationTargetByID(namespace, id string) *autoscaling.NotificationTarget {
	uid, _ := r.st.targetNames.get(name(namespace, id))
	return r.NotificationTarget(uid)
}

func (r Reader) NotificationTargets(namespace string) iter.Seq[*autoscaling.NotificationTarget] {
	return func(yield func(*autoscaling.NotificationTarget) bool) {
		for _, uid := range withPrefix(&r.st.targetNames, r.st.mutable, prefix(namespace)) {
			if t := r.NotificationTarget(uid); t != nil && !yield(t) {
				return
			}
		}
	}
}

// PutNotificationTarget panics when another target has the name.
func (tx *Tx) PutNotificationTarget(t *autoscaling.NotificationTarget) {
	repairTexts(kindTarget, t)
	if other, taken := tx.st.targetNames.get(name(t.Namespace, t.ID)); taken && other != t.UID {
		panic(fmt.Sprintf("fsm: notification target %s/%s exists with another uid", t.Namespace, t.ID))
	}
	st, prev := tx.st, tx.NotificationTarget(t.UID)
	st.replaceTarget(prev, t)
	tx.put(kindTarget, key{a: string(t.UID)}, t, func() { st.replaceTarget(t, prev) })
}

// DeleteNotificationTarget removes the target with its deliveries.
func (tx *Tx) DeleteNotificationTarget(uid autoscaling.UID) {
	st, o := tx.st, tx.st.outbox(uid)
	if o == nil {
		return
	}
	st.removeOutbox(o)
	tx.b.barrier()
	tx.remove(kindTarget, key{a: string(uid)}, func() { st.addOutbox(o) })
	tx.b.barrier()
}
