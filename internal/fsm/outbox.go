package fsm

import (
	"encoding/binary"
	"iter"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

// outbox is a notification target with its deliveries. Copying the struct is
// what copy-on-write costs per target and batch, as of a shard.
//
// Deliveries about one instance (or, about none, of one group) form a lane: they
// go out in the order of their ids, so only the first pending one of each lane,
// its head, can be due.
type outbox struct {
	owner  *epoch
	record *autoscaling.NotificationTarget

	deliveries table[uint64, *autoscaling.Delivery]
	dead       table[uint64, *autoscaling.Delivery] // those of deliveries that are DEAD
	lanes      table[string, *autoscaling.Delivery] // the pending ones: lane, id
	due        table[string, *autoscaling.Delivery] // the heads of lanes: NextTime, id
}

// OutboxCounts says how many deliveries of a target are in each state.
type OutboxCounts struct{ Pending, Dead int }

func (o *outbox) counts() OutboxCounts {
	return OutboxCounts{Pending: o.lanes.len(), Dead: o.dead.len()}
}

// lanePrefix is what the keys of the delivery's lane begin with.
func lanePrefix(d *autoscaling.Delivery) string {
	if d.Instance != "" {
		return string(d.Instance) + "\x00"
	}
	return string(d.Group) + "\x00"
}

func laneKey(d *autoscaling.Delivery) string {
	lane := lanePrefix(d)
	key := append(make([]byte, 0, len(lane)+8), lane...)
	return string(binary.BigEndian.AppendUint64(key, d.ID))
}

func dueKey(d *autoscaling.Delivery) string {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(d.NextTime))
	return string(binary.BigEndian.AppendUint64(key, d.ID))
}

// head is the first pending delivery of the lane, nil when there is none.
func (o *outbox) head(lane string) (first *autoscaling.Delivery) {
	o.lanes.tree.Ascend(lane, func(key string, h held[*autoscaling.Delivery]) bool {
		if strings.HasPrefix(key, lane) {
			first = h.v
		}
		return false
	})
	return first
}

// moveHead puts the lane's head into the place of the one before.
func (o *outbox) moveHead(lane string, before *autoscaling.Delivery) {
	now := o.head(lane)
	if now == before {
		return
	}
	if before != nil {
		o.due.delete(o.owner, dueKey(before))
	}
	if now != nil {
		o.due.set(o.owner, dueKey(now), now)
	}
}

func (o *outbox) add(d *autoscaling.Delivery) {
	o.deliveries.set(o.owner, d.ID, d)
	if d.State == autoscaling.DeliveryDead {
		o.dead.set(o.owner, d.ID, d)
		return
	}
	lane := lanePrefix(d)
	before := o.head(lane)
	o.lanes.set(o.owner, laneKey(d), d)
	o.moveHead(lane, before)
}

func (o *outbox) remove(d *autoscaling.Delivery) {
	o.deliveries.delete(o.owner, d.ID)
	if d.State == autoscaling.DeliveryDead {
		o.dead.delete(o.owner, d.ID)
		return
	}
	lane := lanePrefix(d)
	before := o.head(lane)
	o.lanes.delete(o.owner, laneKey(d))
	o.moveHead(lane, before)
}

// outbox answers the target's outbox for reading, nil when there is none.
func (st *state) outbox(target autoscaling.UID) *outbox {
	o, _ := st.targets.get(target)
	return o
}

// ownOutbox answers the outbox for writing.
func (st *state) ownOutbox(o *outbox) *outbox {
	if o.owner != st.mutable {
		own := *o
		own.owner = st.mutable
		o = &own
		st.targets.set(st.mutable, o.record.UID, o)
	}
	return o
}

// replaceTarget changes the target's own record; without a next one the target
// must have no deliveries.
func (st *state) replaceTarget(prev, next *autoscaling.NotificationTarget) {
	if prev != nil {
		st.targetNames.delete(st.mutable, name(prev.Namespace, prev.ID))
	}
	if next == nil {
		st.targets.delete(st.mutable, prev.UID)
		return
	}
	if prev == nil {
		st.targets.set(st.mutable, next.UID, &outbox{owner: st.mutable, record: next})
	} else {
		st.ownOutbox(st.outbox(next.UID)).record = next
	}
	st.targetNames.set(st.mutable, name(next.Namespace, next.ID), next.UID)
}

// removeOutbox removes a target with its deliveries; addOutbox brings it back.
func (st *state) removeOutbox(o *outbox) {
	st.targetNames.delete(st.mutable, name(o.record.Namespace, o.record.ID))
	st.targets.delete(st.mutable, o.record.UID)
}

func (st *state) addOutbox(o *outbox) {
	st.targets.set(st.mutable, o.record.UID, o)
	st.targetNames.set(st.mutable, name(o.record.Namespace, o.record.ID), o.record.UID)
}

func (st *state) replaceDelivery(target autoscaling.UID, prev, next *autoscaling.Delivery) {
	o := st.ownOutbox(st.outbox(target))
	if prev != nil {
		o.remove(prev)
	}
	if next != nil {
		o.add(next)
	}
}

// sawDelivery keeps the number from being given again.
func (st *state) sawDelivery(id uint64) { st.lastDelivery = max(st.lastDelivery, id) }

// Deliveries of a target, by id. Delivery finds one, nil when there is none.

func (r Reader) Delivery(target autoscaling.UID, id uint64) *autoscaling.Delivery {
	if o := r.st.outbox(target); o != nil {
		d, _ := o.deliveries.get(id)
		return d
	}
	return nil
}

func (r Reader) Deliveries(target autoscaling.UID) iter.Seq[*autoscaling.Delivery] {
	if o := r.st.outbox(target); o != nil {
		return values(o.deliveries.all(r.st.mutable))
	}
	return none
}

// DeadLetters are the target's DEAD deliveries, by id.
func (r Reader) DeadLetters(target autoscaling.UID) iter.Seq[*autoscaling.Delivery] {
	if o := r.st.outbox(target); o != nil {
		return values(o.dead.all(r.st.mutable))
	}
	return none
}

// LaneDeliveries are the pending deliveries of the target about an instance, or
// about a group and none of its instances, or, without either, about the target
// itself; by id.
func (r Reader) LaneDeliveries(target, group autoscaling.UID, instance autoscaling.InstanceID) iter.Seq[*autoscaling.Delivery] {
	o := r.st.outbox(target)
	if o == nil {
		return none
	}
	return values(withPrefix(&o.lanes, r.st.mutable, lanePrefix(&autoscaling.Delivery{Group: group, Instance: instance})))
}

// DueDeliveries are the pending deliveries of the target that may be tried now:
// of each instance (of each group, where they are about no instance) the first
// one, when its NextTime has come; in the order of NextTime.
func (r Reader) DueDeliveries(target autoscaling.UID, now autoscaling.Time) iter.Seq[*autoscaling.Delivery] {
	o := r.st.outbox(target)
	if o == nil {
		return none
	}
	return func(yield func(*autoscaling.Delivery) bool) {
		for _, d := range o.due.all(r.st.mutable) {
			if d.NextTime > now || !yield(d) {
				return
			}
		}
	}
}

// NextDelivery is the NextTime of the delivery of the target that comes first;
// false when none is pending.
func (r Reader) NextDelivery(target autoscaling.UID) (autoscaling.Time, bool) {
	if o := r.st.outbox(target); o != nil {
		if _, first, ok := o.due.tree.Min(); ok {
			return first.v.NextTime, true
		}
	}
	return 0, false
}

// OutboxCounts of a target, in constant time.
func (r Reader) OutboxCounts(target autoscaling.UID) OutboxCounts {
	if o := r.st.outbox(target); o != nil {
		return o.counts()
	}
	return OutboxCounts{}
}
