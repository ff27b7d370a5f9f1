package metrics

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// Put takes pushed samples of one group on the leader and returns, with how many
// it took, when the next leader has them, too. An *autoscaling.Error refuses the
// first that it did not take, and the rest; OUTCOME_UNKNOWN: it is not known
// whether the next leader has them.
func (sh *Shipper) Put(ctx context.Context, group autoscaling.UID, batch []Sample) (int, error) {
	number, own, n, err := sh.keep(group, autoscaling.MetricSourcePush, batch)
	if n == 0 {
		return 0, err
	}
	if unknown := sh.await(ctx, own, number); unknown != nil {
		return 0, unknown
	}
	return n, err
}

// PutProvider takes samples that a compute provider measured. They are shipped
// like others, but confirmed to no caller, so none waits.
func (sh *Shipper) PutProvider(group autoscaling.UID, batch []Sample) error {
	_, _, _, err := sh.keep(group, autoscaling.MetricSourceProvider, batch)
	return err
}

// Query returns a metric's points.
func (sh *Shipper) Query(group autoscaling.UID, q Query) ([]Point, error) {
	return sh.cfg.Store.Query(group, q)
}

// keep puts samples into the store and into the stream.
func (sh *Shipper) keep(group autoscaling.UID, source string, batch []Sample) (number uint64, own stream, n int, err error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case !sh.leads || sh.cfg.Carrier.Term() != sh.own.Term:
		return 0, own, 0, &autoscaling.Error{
			Reason: autoscaling.NoLeader, Message: "this node does not take samples: it does not lead, or has only just begun to", RetryAfter: 50 * time.Millisecond,
		}
	case sh.bytes > maxShipWaiting:
		return 0, own, 0, autoscaling.Errorf(autoscaling.LimitExceeded, "%d MiB of samples wait for other nodes; send fewer, or later", maxShipWaiting>>20)
	}
	now := sh.cfg.Now()
	if n, err = sh.cfg.Store.put(group, source, batch, now); n > 0 {
		number = sh.append(newEntry(group, source, batch[:n], now))
	}
	return number, sh.own, n, err
}

// await waits until an entry is confirmed.
func (sh *Shipper) await(ctx context.Context, own stream, number uint64) error {
	patience := time.NewTimer(3 * sh.lease())
	defer patience.Stop()
	for {
		sh.mu.Lock()
		over, confirmed, changed := !sh.leads || sh.own != own, sh.confirmed(number), sh.changed
		sh.mu.Unlock()
		switch {
		case over:
			return autoscaling.Errorf(autoscaling.OutcomeUnknown, "the leader changed while the samples were taken: they may count or not")
		case confirmed:
			return nil
		}
		select {
		case <-changed:
		case <-patience.C:
			return autoscaling.Errorf(autoscaling.OutcomeUnknown, "a majority of the nodes did not take the samples in time: they may count or not")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
