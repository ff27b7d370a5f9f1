package fsm

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// putTarget makes a notification target in a batch of its own.
func (l *leader) putTarget(id string) autoscaling.UID {
	var uid autoscaling.UID
	l.do(func(tx *Tx) {
		uid = tx.NewUID()
		tx.PutNotificationTarget(&autoscaling.NotificationTarget{Meta: autoscaling.Meta{UID: uid, Namespace: "default", ID: id}})
	})
	return uid
}

func (l *leader) subscribe(group autoscaling.UID, id, target string, types ...autoscaling.EventType) {
	l.do(func(tx *Tx) {
		tx.PutNotification(&autoscaling.Notification{Meta: autoscaling.Meta{ID: id}, Group: group, Target: target, EventTypes: types})
	})
}

// pending describes a target's deliveries: number, type, instance.
func pending(r Reader, target autoscaling.UID) []string {
	var all []string
	for d := range r.Deliveries(target) {
		all = append(all, fmt.Sprintf("%d %s %s%s", d.ID, d.EventType, d.Instance, map[bool]string{true: " dead"}[d.State == autoscaling.DeliveryDead]))
	}
	return all
}

func due(r Reader, target autoscaling.UID, now autoscaling.Time) []uint64 {
	var ids []uint64
	for d := range r.DueDeliveries(target, now) {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestEventsGoToTheTargetsThatWantThem(t *testing.T) {
	l := newLeader(t)
	web, other := l.putGroup("web"), l.putGroup("other")
	all, some, hooks, off := l.putTarget("all"), l.putTarget("some"), l.putTarget("hooks"), l.putTarget("off")
	l.subscribe(web, "everything", "all")
	l.subscribe(web, "everything-again", "all", autoscaling.EventInstanceState) // one delivery all the same
	l.subscribe(web, "states", "some", autoscaling.EventInstanceState)
	l.subscribe(web, "nowhere", "no-such-target")
	l.do(func(tx *Tx) {
		tx.PutNotification(&autoscaling.Notification{Meta: autoscaling.Meta{ID: "off"}, Group: web, Target: "off", Disabled: true})
	})
	l.do(func(tx *Tx) {
		emit := func(g autoscaling.UID, t autoscaling.EventType, i autoscaling.InstanceID, target string) {
			tx.Emit(autoscaling.Event{Type: t, Namespace: "default", Group: g, Instance: i, Details: map[string]string{"target": target}})
		}
		emit(web, autoscaling.EventInstanceState, "i-1", "")
		emit(web, autoscaling.EventGroupUpdated, "", "hooks") // only a hook's notice has a target of its own
		emit(web, autoscaling.EventHookWaiting, "i-1", "hooks")
		emit(web, autoscaling.EventHookWaiting, "i-2", "all") // who wants it anyway gets it once
		emit(other, autoscaling.EventInstanceState, "i-3", "")
		emit(other, autoscaling.EventHookWaiting, "i-3", "hooks")
		emit("", autoscaling.EventNodeChanged, "", "")
		emit(web, autoscaling.EventNotificationDead, "i-1", "all") // not to whom it is about
	})
	for target, want := range map[autoscaling.UID][]string{
		all:   {"1 INSTANCE_STATE i-1", "3 GROUP_UPDATED ", "4 LIFECYCLE_ACTION_OPENED i-1", "6 LIFECYCLE_ACTION_OPENED i-2"},
		some:  {"2 INSTANCE_STATE i-1"},
		hooks: {"5 LIFECYCLE_ACTION_OPENED i-1", "7 LIFECYCLE_ACTION_OPENED i-3"},
		off:   nil,
	} {
		if got := pending(l.m.View().Reader, target); !slices.Equal(got, want) {
			t.Errorf("%s gets %q, not %q", l.m.View().NotificationTarget(target).ID, got, want)
		}
	}
	d, e := l.m.View().Delivery(some, 2), *l.m.View().st.events.get(l.m.View().FirstEvent())
	if d.EventIndex != e.Index || d.EventTime != e.Time || d.State != autoscaling.DeliveryPending ||
		d.GiveUp != e.Time.Add(autoscaling.DeliveryPatience) || d.NextTime != 0 {
		t.Errorf("the delivery of %+v is %+v", e, d)
	}
	follower := replay(t, l.log)
	if !bytes.Equal(snapshotOf(t, l.m), snapshotOf(t, follower)) {
		t.Error("leader and follower differ")
	}
	if broken := follower.View().CheckInvariants(); broken != nil {
		t.Error(broken)
	}
}

func TestDeliveriesOfAnInstanceAreDueOneAfterAnother(t *testing.T) {
	l := newLeader(t)
	web, target := l.putGroup("web"), l.putTarget("all")
	l.subscribe(web, "all", "all")
	l.do(func(tx *Tx) {
		for _, i := range []autoscaling.InstanceID{"i-1", "i-2", "i-1", "", "", "i-1"} {
			tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState, Group: web, Instance: i})
		}
	})
	expect := func(after string, now autoscaling.Time, want ...uint64) {
		t.Helper()
		if got := due(l.m.View().Reader, target, now); !slices.Equal(got, want) {
			t.Errorf("after %s %v are due, not %v", after, got, want)
		}
	}
	change := func(id uint64, change func(d *autoscaling.Delivery)) {
		l.do(func(tx *Tx) {
			d := *tx.Delivery(target, id)
			change(&d)
			tx.PutDelivery(&d)
		})
	}
	now := l.now
	expect("the events", now, 1, 2, 4)
	l.do(func(tx *Tx) { tx.DeleteDelivery(target, 1) })
	expect("the first was taken", now, 2, 3, 4)
	later := now.Add(time.Minute)
	change(3, func(d *autoscaling.Delivery) { d.Attempts, d.NextTime = 1, later })
	expect("one failed", now, 2, 4) // and those behind it wait
	expect("one failed and its time came", later, 2, 4, 3)
	if next, ok := l.m.View().NextDelivery(target); !ok || next != 0 {
		t.Errorf("the next is at %v", next)
	}
	l.do(func(tx *Tx) { tx.DeleteDelivery(target, 2); tx.DeleteDelivery(target, 4); tx.DeleteDelivery(target, 5) })
	if next, ok := l.m.View().NextDelivery(target); !ok || next != later {
		t.Errorf("the next is at %v, not %v", next, later)
	}
	change(3, func(d *autoscaling.Delivery) { d.State, d.EndTime = autoscaling.DeliveryDead, now })
	expect("it is dead", now, 6)
	change(3, func(d *autoscaling.Delivery) { d.State, d.EndTime, d.NextTime = autoscaling.DeliveryPending, 0, 0 })
	expect("it is sent again", now, 3)
	if c := l.m.View().OutboxCounts(target); c != (OutboxCounts{Pending: 2}) {
		t.Errorf("counts are %+v", c)
	}
}

func TestFullOutboxTakesNoMoreAndForgetsTheOldestDead(t *testing.T) {
	l := newLeader(t)
	web, target := l.putGroup("web"), l.putTarget("all")
	l.subscribe(web, "all", "all")
	const over = autoscaling.MaxDeadLetters + 50
	for made := 0; made < autoscaling.MaxPending+over; {
		l.do(func(tx *Tx) {
			for range 10_010 {
				tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState, Group: web, Instance: "i-1"})
				made++
			}
		})
	}
	want := OutboxCounts{Pending: autoscaling.MaxPending, Dead: autoscaling.MaxDeadLetters}
	for name, m := range map[string]*Machine{"leader": l.m, "follower": replay(t, l.log), "restored": restored(t, snapshotOf(t, l.m))} {
		if got := m.View().OutboxCounts(target); got != want {
			t.Errorf("%s: %+v", name, got)
		}
		for d := range m.View().DeadLetters(target) {
			if d.ID <= autoscaling.MaxPending+50 || d.LastError == "" {
				t.Errorf("%s: the oldest dead one is %+v", name, *d)
			}
			break
		}
		if broken := m.View().CheckInvariants(); broken != nil {
			t.Errorf("%s: %v", name, broken)
		}
	}
}

func TestTargetTakesItsDeliveriesAlong(t *testing.T) {
	l := newLeader(t)
	web, target := l.putGroup("web"), l.putTarget("all")
	l.subscribe(web, "all", "all")
	emit := func(tx *Tx) { tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupUpdated, Group: web}) }
	l.do(emit, func(tx *Tx) {
		tx.DeleteNotificationTarget(target)
		emit(tx) // to nobody
	})
	if l.m.View().NotificationTarget(target) != nil || l.m.View().NotificationTargetByID("default", "all") != nil || l.m.View().Delivery(target, 1) != nil {
		t.Error("something is left")
	}
	again := l.putTarget("all")
	l.do(emit)
	if d := l.m.View().Delivery(again, 2); d == nil {
		t.Errorf("numbers are used again: %q", pending(l.m.View().Reader, again))
	}
	if !bytes.Equal(snapshotOf(t, l.m), snapshotOf(t, replay(t, l.log))) {
		t.Error("leader and follower differ")
	}
}

func TestSubscriptionNamesTheTargetsThatHaveSomethingNew(t *testing.T) {
	l := newLeader(t)
	web, target := l.putGroup("web"), l.putTarget("all")
	l.putTarget("idle")
	l.subscribe(web, "all", "all")
	follower := replay(t, l.log)
	subscriptions := []*Subscription{l.m.Subscribe(), follower.Subscribe()}
	l.do(func(tx *Tx) { tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupUpdated, Group: web}) })
	applyEntry(t, follower, l.log[len(l.log)-1])
	for _, s := range subscriptions {
		<-s.Ready
		if c := s.Take(); !slices.Equal(c.Targets, []autoscaling.UID{target}) || len(c.Groups) != 0 {
			t.Errorf("changed: %+v", c)
		}
	}
}

func TestSubscriptionToTargetsIsNotWokenByAnythingElse(t *testing.T) {
	l := newLeader(t)
	web, target := l.putGroup("web"), l.putTarget("all")
	s := l.m.Subscribe().OnlyTargets()
	defer s.Close()
	event := func(tx *Tx) { tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupUpdated, Group: web}) }
	l.do(event)
	select {
	case <-s.Ready:
		t.Errorf("woken by %+v", s.Take())
	default:
	}
	l.subscribe(web, "all", "all")
	l.do(event)
	<-s.Ready
	if c := s.Take(); !slices.Equal(c.Targets, []autoscaling.UID{target}) || len(c.Groups) != 0 || c.Events {
		t.Errorf("%+v", c)
	}
}

// TestSnapshotFromBeforeThereWereDeliveriesIsRead: its head is shorter, and so is
// ours as long as there was none.
func TestSnapshotFromBeforeThereWereDeliveriesIsRead(t *testing.T) {
	l := newLeader(t)
	l.putGroup("web")
	if parts := l.m.View().st.appendHead(nil)[0]; parts != majorArray|5 {
		t.Errorf("the head begins with %#x", parts)
	}
	restored(t, snapshotOf(t, l.m))
}
