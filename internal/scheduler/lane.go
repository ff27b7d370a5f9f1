package scheduler

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// laneKey is one zone of one compute provider.
type laneKey struct {
	provider, zone string
}

// lane carries out the effects on one zone's machines: so many at a time, at a
// bounded rate, and none while the zone does not answer.
type lane struct {
	t       *term
	key     laneKey
	compute providers.Compute
	watch   *observer
	limiter *rate.Limiter
	breaker breaker

	mu      sync.Mutex
	queue   []plan.Machine // bounded by what is busy: one per instance
	workers int
}

// enqueue starts an effect, unless one for the same machine is under way.
func (t *term) enqueue(ctx context.Context, m plan.Machine) {
	id := m.Key()
	if _, busy := t.busy[id]; busy {
		return
	}
	o := t.observed[m.Instance.Provider]
	if o == nil {
		t.reporter.report(fact{apply: t.withoutProvider(m)})
		return
	}
	key := laneKey{m.Instance.Provider, m.Instance.Zone}
	l := t.lanes[key]
	if l == nil {
		limit := rate.Inf
		if t.Limits.CallsPerSecond > 0 {
			limit = rate.Limit(t.Limits.CallsPerSecond)
		}
		l = &lane{t: t, key: key, compute: o.compute, watch: o, limiter: rate.NewLimiter(limit, max(1, int(t.Limits.CallsPerSecond)))}
		t.lanes[key] = l
	}
	t.busy[id] = struct{}{}
	l.mu.Lock()
	l.queue = append(l.queue, m)
	l.mu.Unlock()
	l.staff(ctx)
}

// withoutProvider is the outcome of an effect at a provider that this node does
// not have. Where its machines were said to be lost, there is nothing to take away.
func (t *term) withoutProvider(m plan.Machine) plan.Fact {
	provider := m.Instance.Provider
	message := "no compute provider " + provider + " is configured on this node"
	if s := t.State.View().ProviderStore(provider); s != nil && s.Store == "" {
		outcome, _ := m.Outcome(providers.Machine{}, providers.Errorf(providers.NotFound, "%s, and its machines were said to be lost", message))
		return outcome
	}
	return m.Failure(message, time.Minute)
}

// staff starts a worker when there is work and room. Nothing is made or removed
// before the provider's first listing of the term: see observer.
func (l *lane) staff(ctx context.Context) {
	if !l.watch.released.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for range min(len(l.queue), l.t.Limits.Workers-l.workers) {
		l.workers++
		l.t.calls.Go(func() { l.work(ctx) })
	}
}

// work carries out effects until none is left.
func (l *lane) work(ctx context.Context) {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 || ctx.Err() != nil {
			l.workers--
			l.mu.Unlock()
			return
		}
		m := l.queue[0]
		l.queue[0] = plan.Machine{}
		l.queue = l.queue[1:]
		l.mu.Unlock()
		if l.admit(ctx) {
			l.carryOut(ctx, m)
		} else {
			l.t.post(func(ctx context.Context) { l.t.release(ctx, m.Instance) })
		}
	}
}

// admit waits for breaker and rate limit; false: ctx ended.
func (l *lane) admit(ctx context.Context) bool {
	for wait := l.breaker.wait(); wait > 0; wait = l.breaker.wait() {
		if !sleep(ctx, wait) {
			return false
		}
	}
	if l.limiter.Wait(ctx) != nil {
		l.breaker.done(true) // nothing was learnt
		return false
	}
	return true
}

// release lets the next effect on the machine begin: usually the next step's,
// at once, without a pass over its group.
func (t *term) release(ctx context.Context, was *autoscaling.Instance) {
	delete(t.busy, was.ID)
	i := t.State.View().Instance(was.Group, was.ID)
	if i == nil || ctx.Err() != nil {
		return
	}
	m, ok, wake := plan.MachineOf(i, t.Now())
	if ok {
		t.enqueue(ctx, m)
	}
	if wake != 0 {
		t.wakeAt(t.group(was.Group), wake)
	}
}

// sleep waits; false: ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
