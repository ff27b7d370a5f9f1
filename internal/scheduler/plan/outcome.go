package plan

import (
	"errors"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// Outcome is the fact that a call's answer is. unknown says that the call may
// have worked: the fact is to be written, and the call repeated, only after a
// listing that began later.
func (m Machine) Outcome(answer providers.Machine, err error) (fact Fact, unknown bool) {
	if err == nil {
		return m.succeeded(answer), false
	}
	return m.failed(providers.ClassOf(err), err)
}

func (m Machine) succeeded(answer providers.Machine) Fact {
	i := m.Instance
	switch {
	case m.Action == Stop:
		return stopped(i)
	case m.Action == Remove:
		return deleted(i)
	case m.Action == Release:
		return released(i)
	case m.Action == Adopt && answer.State == providers.MachineRunning:
		return adopted(i, answer)
	case m.Action == Adopt:
		return m.LaunchFailure(providers.Errorf(providers.Failed, "machine %s does not run: %s", answer.ID, answer.Message))
	case m.Action == Ensure:
		r := machineReport(i, answer)
		return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineCreated(tx, r) }
	case answer.State == providers.MachineRunning:
		r := machineReport(i, answer)
		return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineRunning(tx, r) }
	case answer.State == providers.MachineStopped:
		return gone(i, false, answer.Message)
	}
	return m.Failure("the machine is starting", time.Second)
}

// failed is what an error means, by its class.
func (m Machine) failed(class providers.Class, err error) (fact Fact, unknown bool) {
	i := m.Instance
	switch class {
	case providers.OutOfCapacity, providers.QuotaExceeded, providers.InvalidConfiguration, providers.Unauthorized,
		providers.Conflict, providers.Failed, providers.StaleEpoch:
		if m.Action == Ensure || m.Action == Start || m.Action == Adopt {
			return m.LaunchFailure(err), false
		}
	case providers.NotFound:
		switch m.Action {
		case Start:
			return gone(i, true, err.Error()), false
		case Stop:
			return stopped(i), false
		case Remove:
			return deleted(i), false
		case Adopt:
			return m.LaunchFailure(err), false
		case Release:
			return released(i), false
		}
	case providers.UnknownOutcome:
		return m.Failure(err.Error(), 0), true
	}
	return m.Failure(err.Error(), RetryAfter(err)), false
}

// Failure is the fact that the effect is tried again after a pause.
func (m Machine) Failure(message string, retryAfter time.Duration) Fact {
	i := m.Instance
	r := control.EffectFailure{Group: i.Group, Instance: i.ID, State: i.State, Step: i.Step, Message: message, RetryAfter: retryAfter}
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportEffectFailed(tx, r) }
}

// LaunchFailure is the fact that the machine cannot be made, here or at all.
func (m Machine) LaunchFailure(err error) Fact {
	r := control.LaunchFailure{
		Group: m.Instance.Group, Instance: m.Instance.ID, OutOfCapacity: providers.ClassOf(err) == providers.OutOfCapacity, Message: err.Error(),
	}
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportLaunchFailed(tx, r) }
}

// RetryAfter is what the provider said of when to come back.
func RetryAfter(err error) time.Duration {
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

func gone(i *autoscaling.Instance, lost bool, message string) Fact {
	r := control.MachineGone{Group: i.Group, Instance: i.ID, Lost: lost, Message: message}
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineGone(tx, r) }
}

func stopped(i *autoscaling.Instance) Fact {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineStopped(tx, i.Group, i.ID) }
}

func adopted(i *autoscaling.Instance, m providers.Machine) Fact {
	r := machineReport(i, m)
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineAdopted(tx, r) }
}

func released(i *autoscaling.Instance) Fact {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineReleased(tx, i.Group, i.ID) }
}

func deleted(i *autoscaling.Instance) Fact {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineDeleted(tx, i.Group, i.ID) }
}
