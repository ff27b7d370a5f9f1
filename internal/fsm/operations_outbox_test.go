package fsm

import (
	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

// anyOutboxWrite draws the writes about hooks, notifications and machines that
// were let go.
func anyOutboxWrite(t *rapid.T, tx *Tx, what string) {
	switch what {
	case "hook":
		if g := anyGroup(t, tx); g != nil {
			tx.PutLifecycleHook(&autoscaling.LifecycleHook{Meta: autoscaling.Meta{ID: word(t)}, Group: g.UID, Metadata: word(t)})
		}
	case "delete hook":
		if g := anyGroup(t, tx); g != nil {
			tx.DeleteLifecycleHook(g.UID, word(t))
		}
	case "notification":
		if g := anyGroup(t, tx); g != nil {
			tx.PutNotification(&autoscaling.Notification{
				Meta: autoscaling.Meta{ID: word(t)}, Group: g.UID, Target: word(t), Disabled: rapid.Bool().Draw(t, "disabled"),
			})
		}
	case "delete notification":
		if g := anyGroup(t, tx); g != nil {
			tx.DeleteNotification(g.UID, word(t))
		}
	case "target":
		namespace, id := namespace(t), word(t)
		target := autoscaling.NotificationTarget{Meta: autoscaling.Meta{UID: tx.NewUID(), Namespace: namespace, ID: id}}
		if old := tx.NotificationTargetByID(namespace, id); old != nil {
			target = *old
			target.Disabled = !target.Disabled
		}
		tx.PutNotificationTarget(&target)
	case "delete target":
		if target := anyTarget(t, tx); target != nil {
			tx.DeleteNotificationTarget(target.UID)
		}
	case "notice":
		if g := anyGroup(t, tx); g != nil {
			tx.Emit(autoscaling.Event{
				Type:     rapid.SampledFrom([]autoscaling.EventType{autoscaling.EventHookWaiting, autoscaling.EventInstanceState}).Draw(t, "type"),
				Group:    g.UID,
				Instance: rapid.SampledFrom([]autoscaling.InstanceID{"", "i-1", "i-12"}).Draw(t, "instance"),
				Details:  map[string]string{"target": word(t)},
			})
		}
	case "delivery":
		if d := anyDelivery(t, tx); d != nil {
			next := *d
			next.Attempts++
			next.NextTime = tx.Now() + autoscaling.Time(rapid.IntRange(-1, 2).Draw(t, "wait"))
			if rapid.Bool().Draw(t, "dead") {
				next.State, next.EndTime = autoscaling.DeliveryDead, tx.Now()
			} else {
				next.State, next.EndTime = autoscaling.DeliveryPending, 0
			}
			tx.PutDelivery(&next)
		}
	case "delete delivery":
		if d := anyDelivery(t, tx); d != nil {
			tx.DeleteDelivery(d.Target, d.ID)
		}
	case "released":
		tx.PutReleased(&autoscaling.Released{Provider: word(t), MachineID: word(t), Time: tx.Now()})
	case "delete released":
		tx.DeleteReleased(word(t), word(t))
	}
}

// anyTarget is a notification target, or nil.
func anyTarget(t *rapid.T, tx *Tx) *autoscaling.NotificationTarget {
	var all []*autoscaling.NotificationTarget
	for target := range tx.NotificationTargets("") {
		all = append(all, target)
	}
	if len(all) == 0 {
		return nil
	}
	return rapid.SampledFrom(all).Draw(t, "target")
}

// anyDelivery is a delivery of any target, or nil.
func anyDelivery(t *rapid.T, tx *Tx) *autoscaling.Delivery {
	target := anyTarget(t, tx)
	if target == nil {
		return nil
	}
	var all []*autoscaling.Delivery
	for d := range tx.Deliveries(target.UID) {
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil
	}
	return rapid.SampledFrom(all).Draw(t, "delivery")
}
