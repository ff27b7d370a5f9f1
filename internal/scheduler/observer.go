package scheduler

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// observer lists one compute provider's machines again and again and compares
// them with the state. Its first listing of the term is the takeover: before it
// nothing is made or removed at the provider.
type observer struct {
	t        *term
	provider string
	compute  providers.Compute
	released atomic.Bool
	kick     chan struct{}

	mu      sync.Mutex
	waiting []func() // run after a listing that began later

	missing  plan.Missing
	failures int
	down     string // why the provider counts as unreachable; empty: it does not
	told     time.Time
	// lastReleased is the released machine that was looked at last, and when.
	lastReleased     string
	lookedAtReleased time.Time
}

const (
	failuresUntilDown = 2
	// listingShare bounds the time that listing and comparing may take: a twentieth.
	listingShare = 20
	tellEvery    = 10 * time.Second
)

func newObserver(t *term, provider string, c providers.Compute) *observer {
	return &observer{t: t, provider: provider, compute: c, kick: make(chan struct{}, 1), missing: plan.Missing{}}
}

// afterListing runs fn once a listing that began after this call has been
// compared, and asks for one.
func (o *observer) afterListing(fn func()) {
	o.mu.Lock()
	o.waiting = append(o.waiting, fn)
	o.mu.Unlock()
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

func (o *observer) run(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		o.observe(ctx)
		pause := max(o.t.Limits.ObserveInterval, listingShare*time.Since(began))
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-o.kick:
			// Not more often than ten times in an interval, whatever times out.
			sleep(ctx, o.t.Limits.ObserveInterval/10)
		}
		timer.Stop()
	}
}

// observe makes one listing.
func (o *observer) observe(ctx context.Context) {
	o.mu.Lock()
	waiting := o.waiting
	o.waiting = nil
	o.mu.Unlock()
	before := o.t.State.View()
	began := time.Now()
	calling, cancel := context.WithTimeout(ctx, o.t.Limits.CallTimeout)
	listing, err := o.compute.List(calling, o.t.fence.Cluster)
	cancel()
	if ctx.Err() != nil {
		return
	}
	listing = listing.Clean()
	if err == nil {
		err = o.checkStore(ctx, before, listing.Store)
	}
	if err != nil {
		o.t.meter.observed.WithLabelValues(string(providers.ClassOf(err))).Inc()
		o.failed(err, waiting)
		return
	}
	o.t.meter.observed.WithLabelValues("OK").Inc()
	o.failures, o.down = 0, ""
	o.tell()
	compared := plan.Listing{
		Provider: o.provider, Machines: listing.Machines, Before: before, Now: o.t.State.View(),
		Began: began.Sub(o.t.began), Lag: o.t.Limits.VisibilityLag,
	}
	facts, strangers := compared.Compare(o.missing)
	o.t.reporter.all(facts)
	o.orphans(&compared, strangers)
	for _, fn := range waiting {
		fn()
	}
	if !o.released.Swap(true) {
		o.t.log.Info("provider taken over", "provider", o.provider, "machines", len(listing.Machines))
	}
	o.t.post(o.answered)
	o.lookAtReleased(ctx, compared.Now)
}

// answered lets the provider's lanes go on.
func (o *observer) answered(ctx context.Context) {
	for key, l := range o.t.lanes {
		if key.provider == o.provider {
			l.breaker.listed()
			l.staff(ctx)
		}
	}
}

// checkStore compares the place that the machines live in with the one that was
// recorded at first use. A listing of another place says nothing of ours: who
// believed it would launch everything again.
func (o *observer) checkStore(ctx context.Context, v fsm.View, store string) error {
	known := v.ProviderStore(o.provider)
	if known == nil || known.Store == "" {
		return o.t.do(ctx, func(tx *fsm.Tx, op control.Operations) error { return op.ReportProviderStore(tx, o.provider, store) })
	}
	if known.Store != store {
		return providers.Errorf(providers.Unavailable, "provider %s answers from another or empty store (%s, not %s): nothing is launched or replaced there until it is back", o.provider, store, known.Store)
	}
	return nil
}

// failed keeps those that wait for the next listing, and after a while calls the
// provider unreachable. Another store is not a matter of waiting.
func (o *observer) failed(err error, waiting []func()) {
	o.mu.Lock()
	o.waiting = append(waiting, o.waiting...)
	o.mu.Unlock()
	o.failures++
	if o.failures < failuresUntilDown && o.released.Load() {
		return
	}
	if message := fmt.Sprintf("provider %s cannot be reached: %s", o.provider, err); message != o.down {
		o.down, o.told = message, time.Time{}
		o.t.log.Warn("provider unreachable", "provider", o.provider, "error", err)
	}
	o.tell()
}

// tell shows on the groups of the provider whether it can be reached.
func (o *observer) tell() {
	if o.down == "" && o.told.IsZero() && o.released.Load() || time.Since(o.told) < tellEvery {
		return
	}
	o.told = time.Now()
	v := o.t.State.View()
	for g := range v.Groups("") {
		told := toldDown(g, o.provider)
		switch {
		case told != "" && (o.down == "" || control.ProviderOf(v.Reader, g) != o.provider):
			o.t.reporter.report(fact{apply: func(tx *fsm.Tx, op control.Operations) error { return op.ReportProviderUp(tx, g.UID) }})
		case o.down != "" && told != o.down && control.ProviderOf(v.Reader, g) == o.provider:
			message := o.down
			o.t.reporter.report(fact{apply: func(tx *fsm.Tx, op control.Operations) error {
				return op.ReportProviderDown(tx, g.UID, o.provider, message)
			}})
		}
	}
	if o.down == "" {
		o.told = time.Time{} // all is well: no need to look again
	}
}

// toldDown is what the group's condition says of the provider.
func toldDown(g *autoscaling.Group, provider string) string {
	for _, c := range g.Conditions {
		if c.Type == autoscaling.ConditionProviderDown && c.Reason == provider {
			return c.Message
		}
	}
	return ""
}
