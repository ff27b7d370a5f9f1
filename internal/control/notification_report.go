package control

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/autoscaling/text"
	"github.com/asctl/as/internal/fsm"
)

// ReportDelivered records what targets have taken. What is no more, or is no
// longer pending, is left as it is.
func (o Operations) ReportDelivered(tx *fsm.Tx, taken []DeliveryKey) error {
	for _, k := range taken {
		if d := tx.Delivery(k.Target, k.ID); d != nil && d.State == autoscaling.DeliveryPending {
			tx.DeleteDelivery(k.Target, k.ID)
		}
	}
	return nil
}

// ReportDeliveryFailed records attempts that failed: each is tried again later,
// or is a dead letter when its time is over or the target wants it never.
func (o Operations) ReportDeliveryFailed(tx *fsm.Tx, failures []DeliveryFailure) error {
	var dead []*autoscaling.Delivery
	for _, f := range failures {
		d := tx.Delivery(f.Target, f.ID)
		if d == nil || d.State != autoscaling.DeliveryPending {
			continue
		}
		c := *d
		c.Attempts++
		c.LastError = text.Short(f.Message, maxDeliveryError)
		if f.Final || tx.Now() >= c.GiveUp {
			dead = append(dead, &c)
			continue
		}
		c.NextTime = max(tx.Now().Add(autoscaling.RedeliveryDelay(c.Target, c.ID, c.Attempts)), min(f.NotBefore, tx.Now().Add(autoscaling.MaxRetryAfter)))
		c.NextTime = min(c.NextTime, c.GiveUp)
		tx.PutDelivery(&c)
	}
	bury(tx, dead)
	return nil
}

// ReportDeliveryExpired records deliveries whose time was over without another
// attempt: the target is disabled, or takes nothing at all.
func (o Operations) ReportDeliveryExpired(tx *fsm.Tx, expired []DeliveryFailure) error {
	var dead []*autoscaling.Delivery
	for _, f := range expired {
		d := tx.Delivery(f.Target, f.ID)
		if d == nil || d.State != autoscaling.DeliveryPending || tx.Now() < d.GiveUp {
			continue
		}
		c := *d
		if c.LastError == "" {
			c.LastError = f.Message
		}
		dead = append(dead, &c)
	}
	bury(tx, dead)
	return nil
}

// bury makes deliveries dead letters and says so: once per target and group, not
// once per letter, so that a target that comes back after days does not push
// everything else out of the event log.
func bury(tx *fsm.Tx, dead []*autoscaling.Delivery) {
	type grave struct{ target, group autoscaling.UID }
	told := map[grave][]*autoscaling.Delivery{}
	for _, d := range dead {
		d.State, d.EndTime, d.NextTime = autoscaling.DeliveryDead, tx.Now(), 0
		tx.PutDelivery(d)
		// That one of these died is told to nobody: it was told to somebody, who did
		// not listen.
		if d.EventType != autoscaling.EventNotificationDead && !d.IsTest() {
			at := grave{d.Target, d.Group}
			told[at] = append(told[at], d)
		}
	}
	for _, letters := range slices.SortedFunc(maps.Values(told), func(a, b []*autoscaling.Delivery) int { return cmp.Compare(a[0].ID, b[0].ID) }) {
		d := letters[0]
		t := tx.NotificationTarget(d.Target)
		message := fmt.Sprintf("%s was not delivered to %s: %s", d.EventType, t.ID, d.LastError)
		if n := len(letters); n > 1 {
			message = fmt.Sprintf("%d events were not delivered to %s: %s", n, t.ID, d.LastError)
		}
		tx.Emit(autoscaling.Event{
			Type: autoscaling.EventNotificationDead, Namespace: d.Namespace, GroupID: d.GroupID, Group: d.Group, Instance: d.Instance, Activity: d.Activity,
			Subject: t.ID, Message: message,
			Details: details("target", t.ID, "delivery", strconv.FormatUint(d.ID, 10), "count", strconv.Itoa(len(letters)), "event_type", string(d.EventType)),
		})
	}
}

// maxDeliveryError bounds what is kept of an error, in bytes.
const maxDeliveryError = 500
