package control

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// How long sub-steps of leaving may take before the instance moves on or is
// called overdue. Those of the launch share launch_timeout.
const (
	DeregisterPatience = 30 * time.Second
	StopPatience       = 60 * time.Second // beyond stop_timeout
	RemovalPatience    = 120 * time.Second
)

// nextStep is the first step after done, in the order of the state, that has
// something to do; StepNone when there is none.
func nextStep(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance, done autoscaling.Step) autoscaling.Step {
	steps := i.State.Steps()
	for _, s := range steps[after(steps, i, done):] {
		if needed(tx, g, i, s) {
			return s
		}
	}
	return autoscaling.StepNone
}

// after is the position behind done. A machine that runs has passed START, so
// ALLOW is the second one.
func after(steps []autoscaling.Step, i *autoscaling.Instance, done autoscaling.Step) int {
	if done == autoscaling.StepNone {
		return 0
	}
	from := 0
	if done == autoscaling.StepAllow && i.MachineRunning {
		from = 2
	}
	for n := from; n < len(steps); n++ {
		if steps[n] == done {
			return n + 1
		}
	}
	return len(steps)
}

// needed says whether the step has something to do.
func needed(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance, s autoscaling.Step) bool {
	switch s {
	case autoscaling.StepCreate:
		return !i.HasMachine()
	case autoscaling.StepAllow:
		return len(i.Addresses) > 0 && anyList(i, autoscaling.AttachmentPending, autoscaling.AttachmentAdding)
	case autoscaling.StepStart:
		return !i.MachineRunning
	case autoscaling.StepRegister:
		return !suspends(g, autoscaling.ProcessLoadBalancer) &&
			anyBalancer(i, autoscaling.AttachmentPending, autoscaling.AttachmentAdding, autoscaling.AttachmentRemoved)
	case autoscaling.StepCheck:
		return !checked(g, i)
	case autoscaling.StepHooks:
		return held(tx, g, i)
	case autoscaling.StepDrain:
		return anyBalancer(i, autoscaling.AttachmentAdding, autoscaling.AttachmentActive, autoscaling.AttachmentDraining, autoscaling.AttachmentRemoving)
	case autoscaling.StepStop:
		return i.MachineID != "" && !i.Stopped && !onlyReleased(i)
	case autoscaling.StepRevoke:
		return attached(i)
	case autoscaling.StepDelete:
		return !onlyReleased(i)
	case autoscaling.StepRelease:
		return onlyReleased(i) && !i.Released
	}
	return false
}

// onlyReleased says whether the machine is not ours to destroy: it leaves alive.
func onlyReleased(i *autoscaling.Instance) bool {
	return i.State == autoscaling.Detaching || i.Origin == autoscaling.OriginAttached && !i.Entrusted
}

// begin makes s the current step: what it wants of the attachments, and its
// deadline.
func begin(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance, s autoscaling.Step) {
	now := tx.Now()
	i.Step = s
	switch s {
	case autoscaling.StepCreate, autoscaling.StepStart, autoscaling.StepCheck:
		i.Deadline = i.LaunchDeadline
	case autoscaling.StepAllow:
		setLists(i, autoscaling.AttachmentAdding, autoscaling.AttachmentPending)
		i.Deadline = i.LaunchDeadline
	case autoscaling.StepRegister:
		setBalancers(i, autoscaling.AttachmentAdding, autoscaling.AttachmentPending, autoscaling.AttachmentRemoved)
		i.Deadline = i.LaunchDeadline
	case autoscaling.StepDrain:
		i.Deadline = now.Add(beginDrain(i))
	case autoscaling.StepStop:
		i.Deadline = now.Add(stopTimeout(i) + StopPatience)
	case autoscaling.StepRevoke:
		setLists(i, autoscaling.AttachmentRemoving, autoscaling.AttachmentAdding, autoscaling.AttachmentActive)
		setBalancers(i, autoscaling.AttachmentRemoving, autoscaling.AttachmentAdding, autoscaling.AttachmentActive, autoscaling.AttachmentDraining)
		i.Deadline = now.Add(RemovalPatience)
	case autoscaling.StepDelete, autoscaling.StepRelease:
		i.Deadline = now.Add(RemovalPatience)
	case autoscaling.StepHooks:
		openWaits(tx, g, i)
	default:
		i.Deadline = 0
	}
}

// beginDrain asks the balancers to drain and answers how long that may take. A
// machine that does not run has no open requests: it is taken out at once.
func beginDrain(i *autoscaling.Instance) time.Duration {
	if i.MachineRunning {
		setBalancers(i, autoscaling.AttachmentDraining, autoscaling.AttachmentAdding, autoscaling.AttachmentActive)
	} else {
		setBalancers(i, autoscaling.AttachmentRemoving, autoscaling.AttachmentAdding, autoscaling.AttachmentActive, autoscaling.AttachmentDraining)
	}
	longest, draining := time.Duration(0), false
	for _, b := range i.Balancers {
		if b.State == autoscaling.AttachmentDraining {
			longest, draining = max(longest, drainTimeout(b)), true
		}
	}
	if !draining {
		return DeregisterPatience
	}
	return longest
}

// leaveStep is what a step's end means beyond the next step.
func leaveStep(tx *fsm.Tx, i *autoscaling.Instance, done autoscaling.Step) {
	if done == autoscaling.StepDrain && i.Leaving != 0 {
		countActivity(tx, i.Leaving, func(a *autoscaling.Activity) { a.LastServed = max(a.LastServed, tx.Now()) })
	}
}

// checked says whether health said yes: every pool that it is registered with,
// and the group's own probe.
func checked(g *autoscaling.Group, i *autoscaling.Instance) bool {
	for _, b := range i.Balancers {
		if b.State == autoscaling.AttachmentActive && !b.Healthy {
			return false
		}
	}
	return !Probes(g) || i.ProbeHealthy
}

// Probes says whether the service checks the group's instances itself.
func Probes(g *autoscaling.Group) bool {
	return g != nil && g.HealthCheck.Probe != nil && checksBy(g, autoscaling.HealthProbe)
}

func checksBy(g *autoscaling.Group, t autoscaling.HealthType) bool {
	for _, h := range g.HealthCheck.Types {
		if h == t {
			return true
		}
	}
	return false
}

func launchTimeout(g *autoscaling.Group) time.Duration {
	if g == nil || g.LaunchTimeout <= 0 {
		return autoscaling.DefaultGroupSpec().LaunchTimeout
	}
	return g.LaunchTimeout
}

func warmup(g *autoscaling.Group) time.Duration {
	if g.DefaultWarmup > 0 {
		return g.DefaultWarmup
	}
	return g.DefaultCooldown
}

func stopTimeout(i *autoscaling.Instance) time.Duration {
	if i.StopTimeout > 0 {
		return i.StopTimeout
	}
	return autoscaling.DefaultStopTimeout
}

func drainTimeout(b autoscaling.BalancerAttachment) time.Duration {
	if b.DrainTimeout > 0 {
		return b.DrainTimeout
	}
	return autoscaling.DefaultDrainTimeout
}
