package scheduler

import (
	"context"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
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
	case b == nil || s.written.IsZero() || len(s.targets) == 0:
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
	view := t.State.View()
	checked := t.Operations.Platform.Pool(s.key.Provider, s.key.Name).HasHealthCheck
	drained := map[autoscaling.UID][]autoscaling.InstanceID{}
	for _, status := range statuses {
		i := view.FindInstance(autoscaling.InstanceID(status.Instance))
		if i == nil || i.State.Final() {
			continue
		}
		for _, b := range i.Balancers {
			if b.Provider != s.key.Provider || b.Pool != s.key.Name {
				continue
			}
			switch {
			case b.State == autoscaling.AttachmentActive:
				t.heardHealth(s.key, i, b, status, checked)
			case b.State == autoscaling.AttachmentDraining && status.OpenRequests == 0 && began.After(s.written) && s.drains(status.Instance):
				drained[i.Group] = append(drained[i.Group], i.ID)
			}
		}
	}
	for group, ids := range drained {
		r := control.DrainReport{Group: group, Provider: s.key.Provider, Pool: s.key.Name, Instances: slices.Compact(ids)}
		t.reporter.report(fact{apply: func(tx *fsm.Tx, o control.Operations) error { return o.ReportDrained(tx, r) }})
	}
}

// drains says whether the set that was written last lets the target drain: one
// that is still open to traffic proves nothing by having no request.
func (s *set) drains(instance string) bool {
	return slices.ContainsFunc(s.targets, func(t providers.Target) bool { return t.Instance == instance && t.Drain })
}

func (t *term) heardHealth(key plan.SetKey, i *autoscaling.Instance, b autoscaling.BalancerAttachment, status providers.TargetStatus, checked bool) {
	healthy := status.Health == providers.TargetHealthy
	switch {
	case status.Health == providers.TargetUnknown && checked:
		return // no check has ended yet
	case status.Health == providers.TargetUnknown:
		healthy = true // nobody checks
	}
	if b.Checked && b.Healthy == healthy {
		return
	}
	r := control.HealthReport{
		Group: i.Group, Instance: i.ID, Provider: key.Provider, Pool: key.Name, Healthy: healthy, Message: status.Message,
	}
	if !healthy && r.Message == "" {
		r.Message = "pool " + key.Provider + "/" + key.Name + " finds it unhealthy"
	}
	t.reporter.report(fact{apply: func(tx *fsm.Tx, o control.Operations) error { return o.ReportTargetHealth(tx, r) }})
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
