package scheduler

import (
	"context"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// delivered is what came of a delivery.
type delivered struct {
	target   *targetState
	delivery *autoscaling.Delivery
	failure  control.DeliveryFailure // without a message: the target has taken it
	expired  bool                    // its time was over without an attempt
}

// newDeliveryResults writes what came of deliveries, bounded by maxOpen and
// expireBatch. They are functions of their own, so that no fact about a machine
// waits behind many of them.
func newDeliveryResults(n *notifier) *batcher[delivered] {
	return newBatcher(n.t, "outcome of a delivery not written", report, func(results []delivered, err error) {
		if err == nil {
			n.countDead(results)
		}
		n.inbox.put(func(context.Context) { n.written(results, err) })
	})
}

func report(tx *fsm.Tx, o control.Operations, results []delivered) error {
	var taken []control.DeliveryKey
	var failed, expired []control.DeliveryFailure
	for _, r := range results {
		switch key := (control.DeliveryKey{Target: r.delivery.Target, ID: r.delivery.ID}); {
		case r.expired:
			expired = append(expired, control.DeliveryFailure{DeliveryKey: key, Message: "the target took nothing, or was disabled, until its time was over"})
		case r.failure.Message != "":
			failed = append(failed, r.failure)
		default:
			taken = append(taken, key)
		}
	}
	if err := o.ReportDelivered(tx, taken); err != nil {
		return err
	}
	if err := o.ReportDeliveryFailed(tx, failed); err != nil {
		return err
	}
	return o.ReportDeliveryExpired(tx, expired)
}

// countDead counts those that became dead letters.
func (n *notifier) countDead(results []delivered) {
	view := n.t.State.View()
	for _, r := range results {
		if r.failure.Message == "" && !r.expired {
			continue
		}
		if d := view.Delivery(r.delivery.Target, r.delivery.ID); d != nil && d.State == autoscaling.DeliveryDead {
			n.t.meter.dead.Inc()
		}
	}
}
