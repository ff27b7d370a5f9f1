package control

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// PendingAction is one hook's hold on one instance, as callers see it.
type PendingAction struct {
	Instance   autoscaling.InstanceID
	Activity   autoscaling.ActivityID // that moves the instance; 0: none
	Transition autoscaling.Transition
	autoscaling.HookWait
}

// PendingActions are the actions that instances of the group wait for now, by
// instance.
func PendingActions(r fsm.Reader, group autoscaling.UID) iter.Seq[PendingAction] {
	return func(yield func(PendingAction) bool) {
		c := r.Counts(group).ByState
		if c[autoscaling.PendingWait]+c[autoscaling.TerminatingWait]+c[autoscaling.Detaching] == 0 {
			return
		}
		for i := range r.Instances(group) {
			if i.Step != autoscaling.StepHooks {
				continue
			}
			for n := range i.Waits {
				if i.Waits[n].Open() && !yield(actionOf(i, n)) {
					return
				}
			}
		}
	}
}

func actionOf(i *autoscaling.Instance, n int) PendingAction {
	a := PendingAction{Instance: i.ID, Activity: activityOf(i), Transition: autoscaling.TransitionTerminating, HookWait: i.Waits[n]}
	if i.State.Launching() {
		a.Transition = autoscaling.TransitionLaunching
	}
	return a
}
