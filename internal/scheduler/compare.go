package scheduler

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// compare reports where a listing and the state differ. before is the state
// from before the listing began: only what was in it can be missed.
func (o *observer) compare(before fsm.View, began time.Time, listing providers.Listing) {
	now := o.t.State.View()
	listed := make(map[autoscaling.InstanceID]struct{}, len(listing.Machines))
	strangers := map[autoscaling.InstanceID]providers.Machine{}
	for _, m := range listing.Machines {
		id := autoscaling.InstanceID(m.Instance)
		listed[id] = struct{}{}
		switch i := now.FindInstance(id); {
		case i == nil || i.State.Final():
			strangers[id] = m
		case i.Provider == o.provider:
			o.seen(i, m)
		}
	}
	for g := range before.Groups("") {
		if before.Counts(g.UID).Live == 0 {
			continue
		}
		for i := range before.Instances(g.UID) {
			if i.Provider == o.provider {
				o.mayMiss(i, now, listed, began)
			}
		}
	}
	o.orphans(before, now, strangers, listed, len(listing.Machines))
}

// seen compares a machine with its instance: adoption, and machines that ended.
func (o *observer) seen(i *autoscaling.Instance, m providers.Machine) {
	delete(o.missing, i.ID)
	r := machineReport(i, m)
	r.Adopted = true
	switch {
	case m.State == providers.MachineStopped && i.MachineID != "" && !i.Stopped:
		// A machine never starts twice: once stopped is stopped for ever.
		o.t.reporter.report(fact{apply: reportGone(control.MachineGone{Group: i.Group, Instance: i.ID, Message: m.Message})})
	case i.State != autoscaling.Pending:
	case i.Step == autoscaling.StepCreate:
		o.t.reporter.report(fact{apply: reportCreated(r)})
	case i.Step == autoscaling.StepStart && m.State == providers.MachineRunning && (!i.MachineRunning || len(m.Addresses) > 0):
		o.t.reporter.report(fact{apply: reportRunning(r)})
	}
}

// mayMiss reports a machine as lost that two listings in a row did not have,
// further apart than the provider may lag.
func (o *observer) mayMiss(was *autoscaling.Instance, now fsm.View, listed map[autoscaling.InstanceID]struct{}, began time.Time) {
	if _, ok := listed[was.ID]; ok || was.MachineID == "" || was.Stopped || (was.State == autoscaling.TerminatingProceed && was.Step != autoscaling.StepStop) {
		delete(o.missing, was.ID)
		return
	}
	i := now.Instance(was.Group, was.ID)
	if i == nil || i.State.Final() || i.Stopped {
		delete(o.missing, was.ID)
		return
	}
	since, again := o.missing[was.ID]
	switch {
	case !again:
		o.missing[was.ID] = began
	case began.Sub(since) >= o.t.Limits.VisibilityLag:
		delete(o.missing, was.ID)
		o.t.reporter.report(fact{apply: reportGone(control.MachineGone{Group: i.Group, Instance: i.ID, Lost: true})})
	}
}
