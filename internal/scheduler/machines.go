package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
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
			l.finish(m, reportLaunchFailed(launchFailure(i, err, false)))
			return
		}
	}
	machine, err := l.call(ctx, m, spec)
	class := providers.Class("OK")
	if err != nil {
		class = providers.ClassOf(err)
	}
	l.breaker.done(class != providers.Unavailable && class != providers.UnknownOutcome)
	t.meter.effects.WithLabelValues(m.Action.String(), string(class)).Inc()
	if ctx.Err() != nil {
		return // the next leader lists and goes on
	}
	if err == nil {
		l.finish(m, succeeded(m, machine))
		return
	}
	l.failed(m, class, err)
}

// call makes the call, with a time-out of its own.
func (l *lane) call(ctx context.Context, m plan.Machine, spec providers.MachineSpec) (providers.Machine, error) {
	i, limits := m.Instance, &l.t.Limits
	timeout := limits.CallTimeout
	switch m.Action {
	case plan.Ensure, plan.Start:
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
	}
	return providers.Machine{}, l.compute.Remove(ctx, l.t.fence, string(i.ID))
}

// finish reports, and lets go of the machine when that is written.
func (l *lane) finish(m plan.Machine, report apply) {
	l.t.reporter.report(fact{apply: report, then: func(ctx context.Context, err error) {
		if err != nil { // not written: do not repeat the call at once
			delete(l.t.busy, m.Key())
			l.t.wakeIn(l.t.group(m.Instance.Group), unchangedPause)
			return
		}
		l.t.release(ctx, m.Instance)
	}})
}

// succeeded is the fact that a call's answer is.
func succeeded(m plan.Machine, machine providers.Machine) apply {
	i := m.Instance
	switch {
	case m.Action == plan.Stop:
		return reportStopped(i)
	case m.Action == plan.Remove:
		return reportDeleted(i)
	case m.Action == plan.Ensure:
		return reportCreated(machineReport(i, machine))
	case machine.State == providers.MachineRunning:
		return reportRunning(machineReport(i, machine))
	case machine.State == providers.MachineStopped:
		return reportGone(control.MachineGone{Group: i.Group, Instance: i.ID, Message: machine.Message})
	}
	return reportEffectFailed(failure(m, "the machine is starting", time.Second))
}

// failed reports an error by its class.
func (l *lane) failed(m plan.Machine, class providers.Class, err error) {
	launching := m.Action == plan.Ensure || m.Action == plan.Start
	switch class {
	case providers.OutOfCapacity, providers.QuotaExceeded, providers.InvalidConfiguration, providers.Unauthorized,
		providers.Conflict, providers.Failed, providers.StaleEpoch:
		if launching {
			l.finish(m, reportLaunchFailed(launchFailure(m.Instance, err, class == providers.OutOfCapacity)))
			return
		}
	case providers.NotFound:
		switch m.Action {
		case plan.Stop:
			l.finish(m, reportStopped(m.Instance))
			return
		case plan.Remove:
			l.finish(m, reportDeleted(m.Instance))
			return
		case plan.Start:
			l.finish(m, reportGone(control.MachineGone{Group: m.Instance.Group, Instance: m.Instance.ID, Lost: true, Message: err.Error()}))
			return
		}
	case providers.UnknownOutcome:
		// It may have worked: nothing is repeated before a listing has told.
		l.watch.afterListing(func() { l.finish(m, reportEffectFailed(failure(m, err.Error(), 0))) })
		return
	}
	l.finish(m, reportEffectFailed(failure(m, err.Error(), retryAfterOf(err))))
}

func retryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*providers.Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

func machineReport(i *autoscaling.Instance, m providers.Machine) control.MachineReport {
	return control.MachineReport{
		Group: i.Group, Instance: i.ID, MachineID: m.ID, Addresses: m.Addresses, CreateTime: autoscaling.TimeOf(m.CreateTime),
	}
}

func launchFailure(i *autoscaling.Instance, err error, outOfCapacity bool) control.LaunchFailure {
	return control.LaunchFailure{Group: i.Group, Instance: i.ID, OutOfCapacity: outOfCapacity, Message: err.Error()}
}

func failure(m plan.Machine, message string, retryAfter time.Duration) control.EffectFailure {
	i := m.Instance
	return control.EffectFailure{Group: i.Group, Instance: i.ID, State: i.State, Step: i.Step, Message: message, RetryAfter: retryAfter}
}

func stopTimeout(i *autoscaling.Instance) time.Duration {
	if i.StopTimeout > 0 {
		return i.StopTimeout
	}
	return autoscaling.DefaultStopTimeout
}
