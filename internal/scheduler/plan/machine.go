package plan

import (
	"github.com/asctl/as/internal/autoscaling"
)

// Action is what to do to a machine.
type Action uint8

const (
	Ensure Action = iota + 1
	Start
	Stop
	Remove
	Adopt
	Release
)

var actionNames = [...]string{"", "ensure", "start", "stop", "remove", "adopt", "release"}

func (a Action) String() string { return actionNames[a] }

// Machine is an effect on one instance's machine. At most one per instance is
// under way at a time; a pass names it until the fact that it leads to is
// written.
type Machine struct {
	Action   Action
	Instance *autoscaling.Instance // as of the pass; nobody changes it
}

// Key tells effects apart: one per key at a time.
func (m Machine) Key() autoscaling.InstanceID { return m.Instance.ID }

// MachineOf is the effect that an instance's step asks for now, if there is one;
// else when there will be one (0: when something changes).
func MachineOf(i *autoscaling.Instance, now autoscaling.Time) (m Machine, ok bool, wake autoscaling.Time) {
	action := actionOf(i)
	switch {
	case action == 0:
		return m, false, 0
	case now < i.RetryTime:
		return m, false, i.RetryTime
	}
	return Machine{Action: action, Instance: i}, true, 0
}

func (l *look) machine(i *autoscaling.Instance) {
	m, ok, wake := MachineOf(i, l.now)
	if ok {
		l.pass.Machines = append(l.pass.Machines, m)
	}
	l.wake(wake)
}

func actionOf(i *autoscaling.Instance) Action {
	switch {
	case i.State == autoscaling.Pending && i.Step == autoscaling.StepCreate && i.Origin == autoscaling.OriginAttached:
		return Adopt
	case i.State == autoscaling.Pending && i.Step == autoscaling.StepCreate:
		return Ensure
	case i.State == autoscaling.Pending && i.Step == autoscaling.StepStart && !i.MachineRunning:
		return Start
	case i.State == autoscaling.TerminatingProceed && i.Step == autoscaling.StepStop:
		return Stop
	case i.State == autoscaling.TerminatingProceed && i.Step == autoscaling.StepDelete:
		return Remove
	case i.Step == autoscaling.StepRelease:
		return Release
	}
	return 0
}
