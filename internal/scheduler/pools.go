package scheduler

import (
	"context"
	"time"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// lookAtPool sees to it that a pool's status is read: often while an instance
// waits to be healthy or drained, else now and then.
func (t *term) lookAtPool(ctx context.Context, s *set) {
	if s.key.Kind != plan.Pool || s.polling {
		return
	}
	interval := t.Limits.PoolInterval
	if s.awaited() {
		interval = t.Limits.WaitInterval
	}
	if s.poll != nil {
		s.poll.Stop()
	}
	s.poll = time.AfterFunc(interval, func() { t.post(func(ctx context.Context) { t.readPool(ctx, s) }) })
}

// awaited says whether somebody waits for the pool's opinion.
func (s *set) awaited() bool {
	for _, share := range s.shares {
		if len(share.Draining)+len(share.Checking) > 0 {
			return true
		}
	}
	return false
}

// readPool asks for the status once.
func (t *term) readPool(ctx context.Context, s *set) {
	if t.sets[s.key] != s || ctx.Err() != nil {
		return
	}
	b := t.Balancers[s.key.Provider]
	switch {
	case s.polling:
		s.again = true
		return
	case b == nil || s.written.IsZero() || len(s.whole.Targets) == 0:
		t.lookAtPool(ctx, s)
		return
	}
	s.polling, s.again = true, false
	began := time.Now()
	t.calls.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, t.Limits.CallTimeout)
		defer cancel()
		statuses, err := b.Status(ctx, s.key.Name)
		t.post(func(ctx context.Context) {
			s.polling = false
			if err == nil && ctx.Err() == nil {
				t.heardOf(s, began, statuses)
			}
			if s.again {
				t.readPool(ctx, s)
				return
			}
			t.lookAtPool(ctx, s)
		})
	})
}

// heardOf reports what changed: samples stay out of the log.
func (t *term) heardOf(s *set, began time.Time, statuses []providers.TargetStatus) {
	status := plan.PoolStatus{
		Key: s.key, Statuses: statuses,
		HasHealthCheck: t.Operations.Platform.Pool(s.key.Provider, s.key.Name).HasHealthCheck,
		Drains:         func(instance string) bool { return began.After(s.written) && s.whole.Drains(instance) },
	}
	t.reporter.all(status.Heard(t.State.View()))
}

// watchPools has pools read at once when their balancer notices a change by
// itself.
func (t *term) watchPools(ctx context.Context) {
	var ended []chan struct{}
	for name, b := range t.Balancers {
		w, ok := b.(providers.StatusWatcher)
		if !ok {
			continue
		}
		done := make(chan struct{})
		ended = append(ended, done)
		go func() { // waited for below
			defer close(done)
			for ctx.Err() == nil {
				wait := w.WatchStatus()
				t.post(func(ctx context.Context) { t.readPools(ctx, name) })
				if wait(ctx) != nil {
					return
				}
			}
		}()
	}
	for _, done := range ended {
		<-done
	}
}

func (t *term) readPools(ctx context.Context, provider string) {
	for key, s := range t.sets {
		if key.Kind == plan.Pool && key.Provider == provider {
			t.readPool(ctx, s)
		}
	}
}
