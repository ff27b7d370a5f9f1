package fsm

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
)

// Emit appends an event; Index and Time are filled in. Only the newest
// MaxEvents are kept. What the group's notifications want of it goes into the
// outbox, and so does the notice of a lifecycle hook that has a target of its own
// (Details["target"]): one delivery per target, whoever names it.
func (tx *Tx) Emit(e autoscaling.Event) {
	st, last := tx.st, tx.st.events.last
	e.Index, e.Time = last+1, tx.b.now
	repairTexts(kindEvent, &e)
	st.events.append(st.mutable, &e)
	tx.put(kindEvent, key{n: e.Index}, &e, func() { st.events.truncate(last) })
	if e.Group != "" {
		tx.notify(&e)
	}
}

// notify makes the event's deliveries. It is called for every event, and groups
// mostly have no notifications.
func (tx *Tx) notify(e *autoscaling.Event) {
	s := tx.st.shard(e.Group)
	if s == nil || len(s.notifications) == 0 && e.Type != autoscaling.EventHookWaiting {
		return
	}
	var few [4]autoscaling.UID
	targets := few[:0]
	add := func(id string) {
		if uid, exists := tx.st.targetNames.get(name(s.record.Namespace, id)); exists && !slices.Contains(targets, uid) {
			targets = append(targets, uid)
		}
	}
	for _, n := range s.notifications {
		// That a delivery died is not told to the target that it was for: it would
		// die there again, and so on.
		dead := e.Type == autoscaling.EventNotificationDead && e.Details["target"] == n.Target
		if n.Wants(e.Type) && !dead {
			add(n.Target)
		}
	}
	if own := e.Details["target"]; e.Type == autoscaling.EventHookWaiting && own != "" {
		add(own)
	}
	for _, uid := range targets {
		tx.deliver(e, uid)
	}
}

// deliver puts the event into the target's outbox. When that is full it is dead
// at once: a target that nobody answers for must not fill the state.
func (tx *Tx) deliver(e *autoscaling.Event, target autoscaling.UID) {
	d := &autoscaling.Delivery{
		Target: target, ID: tx.NewDeliveryID(), State: autoscaling.DeliveryPending,
		Namespace: e.Namespace, GroupID: e.GroupID, Group: e.Group, Instance: e.Instance, Activity: e.Activity,
		EventIndex: e.Index, EventType: e.Type, EventTime: e.Time, Subject: e.Subject, Message: e.Message, Details: e.Details,
		InstanceState: e.State, Step: e.Step, GiveUp: e.Time.Add(autoscaling.DeliveryPatience),
	}
	if tx.OutboxCounts(target).Pending >= autoscaling.MaxPending {
		d.State, d.EndTime, d.LastError = autoscaling.DeliveryDead, e.Time, "the target has too many deliveries pending"
	}
	tx.PutDelivery(d)
}
