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
)

var actionNames = [...]string{"", "ensure", "start", "stop", "remove"}

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

// machine is the effect that an instance's step asks for.
func (l *look) machine(i *autoscaling.Instance) {
	action := actionOf(i)
	if action == 0 {
		return
	}
	if l.now < i.RetryTime {
		l.wake(i.RetryTime)
		return
	}
	l.pass.Machines = append(l.pass.Machines, Machine{Action: action, Instance: i})
}

func actionOf(i *autoscaling.Instance) Action {
	switch {
	case i.State == autoscaling.Pending && i.Step == autoscaling.StepCreate:
		return Ensure
	case i.State == autoscaling.Pending && i.Step == autoscaling.StepStart && !i.MachineRunning:
		return Start
	case i.State == autoscaling.TerminatingProceed && i.Step == autoscaling.StepStop:
		return Stop
	case i.State == autoscaling.TerminatingProceed && i.Step == autoscaling.StepDelete:
		return Remove
	}
	return 0
}
