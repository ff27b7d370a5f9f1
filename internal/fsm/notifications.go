package fsm

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
)

// Notifications of a group, by id.

func (r Reader) Notification(group autoscaling.UID, id string) *autoscaling.Notification {
	if s := r.st.shard(group); s != nil {
		return getChild(s.notifications, id, notificationID)
	}
	return nil
}

func (r Reader) Notifications(group autoscaling.UID) iter.Seq[*autoscaling.Notification] {
	if s := r.st.shard(group); s != nil {
		return eachChild(s.notifications)
	}
	return none
}

func (tx *Tx) PutNotification(n *autoscaling.Notification) {
	repairTexts(kindNotification, n)
	tx.mustHaveGroup(n.Group, kindNotification, n.ID)
	st, prev := tx.st, tx.Notification(n.Group, n.ID)
	st.replaceNotification(n.Group, prev, n)
	tx.put(kindNotification, groupChild(n.Group, n.ID), n, func() { st.replaceNotification(n.Group, n, prev) })
}

func (tx *Tx) DeleteNotification(group autoscaling.UID, id string) {
	st, prev := tx.st, tx.Notification(group, id)
	if prev == nil {
		return
	}
	st.replaceNotification(group, prev, nil)
	tx.remove(kindNotification, groupChild(group, id), func() { st.replaceNotification(group, nil, prev) })
}

func notificationID(n *autoscaling.Notification) string { return n.ID }

func (st *state) replaceNotification(group autoscaling.UID, prev, next *autoscaling.Notification) {
	s := st.own(st.shard(group))
	s.notifications = replaceChild(s.notifications, prev, next, notificationID)
}
