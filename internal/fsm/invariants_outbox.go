package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// outboxes checks the notification targets and what is on its way to them.
func (c *check) outboxes() {
	for uid, o := range c.st.targets.all(c.st.mutable) {
		c.targets++
		target := fmt.Sprintf("notification target %s/%s (%s)", o.record.Namespace, o.record.ID, uid)
		c.where = target
		c.must(o.record.UID == uid, "its record has uid %q", o.record.UID)
		named, _ := c.st.targetNames.get(name(o.record.Namespace, o.record.ID))
		c.must(named == uid, "its name leads to %q", named)
		dead, pending, lanes := 0, 0, map[string]*autoscaling.Delivery{}
		for id, d := range o.deliveries.all(c.st.mutable) {
			c.where = fmt.Sprintf("%s, delivery %d", target, id)
			c.must(d.ID == id && d.Target == uid, "its record has number %d and target %q", d.ID, d.Target)
			c.must(id <= c.st.lastDelivery, "its number is above the last one given, %d", c.st.lastDelivery)
			switch d.State {
			case autoscaling.DeliveryPending:
				pending++
				c.pendingDelivery(o, d)
				if lane := lanePrefix(d); lanes[lane] == nil {
					lanes[lane] = d
				}
			case autoscaling.DeliveryDead:
				dead++
				found, _ := o.dead.get(id)
				c.must(found == d, "it is dead and not among the dead ones")
				c.must(d.EndTime != 0, "it is dead and has no end")
			default:
				c.must(false, "its state is %q", d.State)
			}
		}
		c.where = target
		c.must(o.counts() == OutboxCounts{Pending: pending, Dead: dead}, "it counts %+v and has %d pending and %d dead", o.counts(), pending, dead)
		c.must(pending <= autoscaling.MaxPending && dead <= autoscaling.MaxDeadLetters, "%d pending and %d dead are too many", pending, dead)
		c.must(o.due.len() == len(lanes), "%d lanes have something pending and %d may be due", len(lanes), o.due.len())
		for _, head := range lanes { // each in the index and as many as it has: all that it has
			found, _ := o.due.get(dueKey(head))
			if found != head {
				c.must(false, "delivery %d is the first of its lane and not where what is due is looked for", head.ID)
			}
		}
	}
}

// pendingDelivery has an owner, the delivery loop, a next step, its next
// attempt, and an end.
func (c *check) pendingDelivery(o *outbox, d *autoscaling.Delivery) {
	found, _ := o.lanes.get(laneKey(d))
	c.must(found == d, "it is pending and not in its lane")
	c.must(d.GiveUp != 0, "it is pending and nothing ends it")
	c.must(d.NextTime <= d.GiveUp, "its next attempt, %s, is after its end, %s", d.NextTime, d.GiveUp)
	c.must(d.EndTime == 0, "it is pending and has ended at %s", d.EndTime)
}

func (c *check) released() {
	for at, m := range c.st.released.all(c.st.mutable) {
		c.where = fmt.Sprintf("released machine %s of %s", m.MachineID, m.Provider)
		c.must(at == name(m.Provider, m.MachineID), "it is kept under another name")
		c.must(m.Provider != "" && m.MachineID != "", "its provider or its id is missing")
	}
}
