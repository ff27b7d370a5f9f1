package plan

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// Listing is a compute provider's listing and what the state was around it.
type Listing struct {
	Provider string
	Machines []providers.Machine
	// Before is the state from before the listing began: only what was in it can
	// be missed. Now is the newest.
	Before, Now fsm.View
	// Began is when, on any clock that does not go back.
	Began time.Duration
	// Lag is for how long a machine that exists may be missing from listings.
	Lag time.Duration
}

// Missing remembers since when instances' machines are not listed.
type Missing map[autoscaling.InstanceID]time.Duration

// Compare finds where the listing and the state differ: machines to adopt,
// machines that ended, machines that were lost. Strangers are machines that
// belong to no live instance.
func (l *Listing) Compare(missing Missing) (facts []Fact, strangers []providers.Machine) {
	listed := make(map[autoscaling.InstanceID]struct{}, len(l.Machines))
	for _, m := range l.Machines {
		id := autoscaling.InstanceID(m.Instance)
		listed[id] = struct{}{}
		switch i := l.Now.FindInstance(id); {
		case i == nil || i.State.Final():
			strangers = append(strangers, m)
		case i.Provider == l.Provider:
			delete(missing, id)
			if f := seen(i, m); f != nil {
				facts = append(facts, f)
			}
		}
	}
	for g := range l.Before.LiveGroups() {
		for i := range l.Before.Instances(g.UID) {
			if i.Provider != l.Provider {
				continue
			}
			if _, ok := listed[i.ID]; ok {
				continue
			}
			if l.lost(i, missing) {
				facts = append(facts, gone(i, true, ""))
			}
		}
	}
	return facts, strangers
}

// seen compares a machine with its instance. It is nil when they agree.
func seen(i *autoscaling.Instance, m providers.Machine) Fact {
	r := machineReport(i, m)
	r.Adopted = true
	switch {
	case m.State == providers.MachineStopped && i.MachineID != "" && !i.Stopped:
		// A machine never starts twice: once stopped is stopped for ever.
		return gone(i, false, m.Message)
	case i.Origin == autoscaling.OriginAttached && !i.Adopted && m.State == providers.MachineRunning:
		return adopted(i, m)
	case i.State != autoscaling.Pending || i.Origin == autoscaling.OriginAttached:
	case i.Step == autoscaling.StepCreate:
		return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineCreated(tx, r) }
	case i.Step == autoscaling.StepStart && m.State == providers.MachineRunning && (!i.MachineRunning || len(m.Addresses) > 0):
		return func(tx *fsm.Tx, o control.Operations) error { return o.ReportMachineRunning(tx, r) }
	}
	return nil
}

// lost says whether two listings, further apart than the provider may lag, did
// not have the machine that was there before they began.
func (l *Listing) lost(was *autoscaling.Instance, missing Missing) bool {
	i := l.Now.Instance(was.Group, was.ID)
	if i == nil || !expected(was) || !expected(i) {
		delete(missing, was.ID)
		return false
	}
	since, again := missing[was.ID]
	if !again {
		missing[was.ID] = l.Began
		return false
	}
	if l.Began-since < l.Lag {
		return false
	}
	delete(missing, was.ID)
	return true
}

// expected says whether the instance's machine should be listed.
func expected(i *autoscaling.Instance) bool {
	return !i.State.Final() && i.HasMachine() && !i.Stopped && i.Step != autoscaling.StepRelease &&
		(i.State != autoscaling.TerminatingProceed || i.Step == autoscaling.StepStop)
}

// IsStranger says whether a machine had no live instance before the listing
// began, too: one that was removed meanwhile is no orphan. Those that were
// released alive, or attached without being entrusted, are not ours to remove;
// nor is one of another incarnation of the state, which may be the one that is
// right.
func IsStranger(before fsm.View, provider string, m providers.Machine, incarnation string) bool {
	if m.Incarnation != incarnation || before.Released(provider, m.ID) != nil {
		return false
	}
	i := before.FindInstance(autoscaling.InstanceID(m.Instance))
	switch {
	case i == nil:
		return true
	case i.State == autoscaling.Detached:
		return false
	case i.Origin == autoscaling.OriginAttached && !i.Entrusted:
		return false
	}
	return i.State.Final()
}
