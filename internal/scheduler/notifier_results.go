package scheduler

import (
	"context"
	"sync"

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

// deliveryResults writes what came of deliveries, in batches: those that gather
// while one is on its way are the next one. They are functions of their own, so
// that no fact about a machine waits behind many of them.
type deliveryResults struct {
	n     *notifier
	ready chan struct{}

	mu      sync.Mutex
	results []delivered // bounded by maxOpen and expireBatch
}

func newDeliveryResults(n *notifier) *deliveryResults {
	return &deliveryResults{n: n, ready: make(chan struct{}, 1)}
}

func (q *deliveryResults) put(r delivered) {
	q.mu.Lock()
	q.results = append(q.results, r)
	q.mu.Unlock()
	q.signal()
}

func (q *deliveryResults) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *deliveryResults) take() []delivered {
	q.mu.Lock()
	defer q.mu.Unlock()
	most := min(len(q.results), maxFacts)
	taken := q.results[:most:most]
	q.results = q.results[most:]
	if len(q.results) > 0 {
		q.signal()
	}
	return taken
}

func (q *deliveryResults) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.ready:
		}
		if results := q.take(); len(results) > 0 {
			q.write(ctx, results)
		}
	}
}

// write writes a batch; when one spoils it, each on its own.
func (q *deliveryResults) write(ctx context.Context, results []delivered) {
	t := q.n.t
	err := t.do(ctx, func(tx *fsm.Tx, o control.Operations) error { return report(tx, o, results) })
	if err != nil && len(results) > 1 && ctx.Err() == nil && !lost(err) {
		for _, r := range results {
			q.write(ctx, []delivered{r})
		}
		return
	}
	if err != nil && ctx.Err() == nil {
		t.complain("outcome of a delivery not written", err)
	}
	if err == nil {
		q.count(results)
	}
	q.n.inbox.put(func(context.Context) { q.n.written(results, err) })
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

// count counts those that became dead letters.
func (q *deliveryResults) count(results []delivered) {
	view := q.n.t.State.View()
	for _, r := range results {
		if r.failure.Message == "" && !r.expired {
			continue
		}
		if d := view.Delivery(r.delivery.Target, r.delivery.ID); d != nil && d.State == autoscaling.DeliveryDead {
			q.n.t.meter.dead.Inc()
		}
	}
}
