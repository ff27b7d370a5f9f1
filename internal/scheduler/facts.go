package scheduler

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// The functions here bind a report to its operation.

type apply = func(tx *fsm.Tx, o control.Operations) error

func reportDegraded(group autoscaling.UID, message string) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportDegraded(tx, group, message) }
}

func reportCreated(r control.MachineReport) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineCreated(tx, r) }
}

func reportRunning(r control.MachineReport) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineRunning(tx, r) }
}

func reportStopped(i *autoscaling.Instance) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineStopped(tx, i.Group, i.ID) }
}

func reportDeleted(i *autoscaling.Instance) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineDeleted(tx, i.Group, i.ID) }
}

func reportGone(r control.MachineGone) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineGone(tx, r) }
}

func reportLaunchFailed(r control.LaunchFailure) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportLaunchFailed(tx, r) }
}

func reportEffectFailed(r control.EffectFailure) apply {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportEffectFailed(tx, r) }
}
