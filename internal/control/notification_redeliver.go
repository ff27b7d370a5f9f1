package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// RedeliverNotification sends dead letters again, under their ids, as if they had
// happened now: for 24 hours more.
func (o Operations) RedeliverNotification(tx *fsm.Tx, req RedeliverNotificationRequest) (Redelivered, error) {
	t, err := FindNotificationTarget(tx.Reader, req.Name)
	if err != nil {
		return Redelivered{}, err
	}
	var again []*autoscaling.Delivery
	if req.Delivery != 0 {
		d := tx.Delivery(t.UID, req.Delivery)
		if d == nil || d.State != autoscaling.DeliveryDead {
			return Redelivered{}, notFound(fmt.Sprintf("%s/deadLetters/%d", targetResource(t), req.Delivery))
		}
		again = append(again, d)
	} else {
		for d := range tx.DeadLetters(t.UID) {
			if again = append(again, d); len(again) == MaxRedeliveries {
				break
			}
		}
	}
	pending := tx.OutboxCounts(t.UID).Pending
	if pending+len(again) > autoscaling.MaxPending {
		err := autoscaling.Errorf(autoscaling.LimitExceeded, "%d deliveries are on their way to notification target %s, of at most %d", pending, t.ID, autoscaling.MaxPending)
		err.Resource = targetResource(t)
		return Redelivered{}, err
	}
	for _, d := range again {
		c := *d
		c.State, c.Attempts, c.NextTime, c.EndTime = autoscaling.DeliveryPending, 0, 0, 0
		c.GiveUp = tx.Now().Add(autoscaling.DeliveryPatience)
		if c.IsTest() {
			c.GiveUp = tx.Now().Add(autoscaling.TestPatience)
		}
		tx.PutDelivery(&c)
	}
	return Redelivered{Queued: len(again), Left: tx.OutboxCounts(t.UID).Dead}, nil
}
