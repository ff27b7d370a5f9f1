package scheduler

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// carryOut makes one call and reports what came of it. The machine stays busy
// until that is written.
func (l *lane) carryOut(ctx context.Context, m plan.Machine) {
	t := l.t
	view := t.State.View()
	i := view.Instance(m.Instance.Group, m.Instance.ID)
	if i != nil {
		m2, ok, _ := plan.MachineOf(i, t.Now())
		if !ok || m2.Action != m.Action {
			i = nil
		}
	}
	if i == nil { // it moved on while it waited here
		l.breaker.done(true)
		t.post(func(ctx context.Context) { t.release(ctx, m.Instance) })
		return
	}
	m.Instance = i
	var spec providers.MachineSpec
	if m.Action == plan.Ensure {
		var err error
		if spec, err = plan.Spec(view.Reader, i); err != nil {
			l.breaker.done(true)
			l.finish(m, m.LaunchFailure(err))
			return
		}
	}
	machine, err := l.call(ctx, view, m, spec)
	machine = machine.Clean()
	class := providers.Class("OK")
	if err != nil {
		class = providers.ClassOf(err)
	}
	l.breaker.done(class != providers.Unavailable && class != providers.UnknownOutcome)
	t.meter.effects.WithLabelValues(m.Action.String(), string(class)).Inc()
	if ctx.Err() != nil {
		return // the next leader lists and goes on
	}
	report, unknown := m.Outcome(machine, err)
	if unknown { // nothing is repeated before a listing has told
		l.watch.afterListing(func() { l.finish(m, report) })
		return
	}
	l.finish(m, report)
}

// call makes the call, with a time-out of its own.
func (l *lane) call(ctx context.Context, v fsm.View, m plan.Machine, spec providers.MachineSpec) (providers.Machine, error) {
	i, limits := m.Instance, &l.t.Limits
	timeout := limits.CallTimeout
	switch m.Action {
	case plan.Ensure, plan.Start, plan.Adopt:
		timeout = limits.LaunchTimeout
	case plan.Stop:
		timeout += stopTimeout(i)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch m.Action {
	case plan.Ensure:
		return l.compute.Ensure(ctx, l.t.fence, spec)
	case plan.Start:
		return l.compute.Start(ctx, l.t.fence, string(i.ID))
	case plan.Stop:
		return providers.Machine{}, l.compute.Stop(ctx, l.t.fence, string(i.ID), stopTimeout(i))
	case plan.Adopt:
		adopter, ok := l.compute.(providers.Adopter)
		if !ok {
			return providers.Machine{}, providers.Errorf(providers.InvalidConfiguration, "provider %s takes no machines over", i.Provider)
		}
		return adopter.Adopt(ctx, l.t.fence, plan.AdoptSpec(v.Reader, i))
	case plan.Release:
		if adopter, ok := l.compute.(providers.Adopter); ok {
			return providers.Machine{}, adopter.Release(ctx, l.t.fence, string(i.ID))
		}
		return providers.Machine{}, nil // the mark stays where it cannot be taken off
	}
	return providers.Machine{}, l.compute.Remove(ctx, l.t.fence, string(i.ID))
}

// finish reports, and lets go of the machine when that is written.
func (l *lane) finish(m plan.Machine, report plan.Fact) {
	l.t.reporter.report(fact{apply: report, then: func(ctx context.Context, err error) {
		if err != nil { // not written: do not repeat the call at once
			delete(l.t.busy, m.Key())
			l.t.wakeIn(l.t.group(m.Instance.Group), unchangedPause)
			return
		}
		l.t.release(ctx, m.Instance)
	}})
}

func stopTimeout(i *autoscaling.Instance) time.Duration {
	if i.StopTimeout > 0 {
		return i.StopTimeout
	}
	return autoscaling.DefaultStopTimeout
}
