package virtual

import (
	"errors"
	"slices"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// hooked is a group of so many, and two hooks that hold whoever comes, or goes,
// from then on.
func hooked(desired int32, transition autoscaling.Transition) func(*World) {
	return func(w *World) {
		w.Group("web", desired, nil)
		w.Settle(patience)
		w.twoHooks(transition)
	}
}

func (w *World) twoHooks(transition autoscaling.Transition) {
	w.Hook("web", "first", transition, nil)
	w.Hook("web", "second", transition, nil)
}

// saying is a program: hook "first" wants more time once, and then both say the
// result; who waits longer than for that is told CONTINUE.
func saying(result autoscaling.HookResult) func(*World) func() {
	return func(w *World) func() {
		beaten, said := map[autoscaling.UID]bool{}, false
		return func() {
			for _, a := range w.Actions("web") {
				w.checkHeld(a)
				switch {
				case a.Hook == "first" && !beaten[a.Token]:
					beaten[a.Token] = true
					w.answered(w.Heartbeat("web", a.Token))
				case result != autoscaling.ResultContinue && !said:
					said = true
					w.answered(w.Complete("web", a.Token, result))
				default:
					w.answered(w.Complete("web", a.Token, autoscaling.ResultContinue))
				}
			}
		}
	}
}

// answered fails when a program was refused for anything but being late.
func (w *World) answered(err error) {
	w.t.Helper()
	if e, refused := errors.AsType[*autoscaling.Error](err); err != nil && (!refused || e.Reason != autoscaling.WrongState) {
		w.fail("a hook's program: %v", err)
	}
}

// checkHeld looks at what is so while hooks hold: the machine runs and is let in,
// and gets no traffic.
func (w *World) checkHeld(a control.PendingAction) {
	w.t.Helper()
	v := w.Leader().View()
	if i := v.FindInstance(a.Instance); i == nil || !slices.ContainsFunc(i.Waits, func(x autoscaling.HookWait) bool { return x.Token == a.Token && x.Open() }) {
		return // no longer
	}
	id := string(a.Instance)
	if m, there := w.machine(id); !there || m.State != providers.MachineRunning {
		w.fail("%s waits in hook %s and its machine is %q", id, a.Hook, m.State)
	}
	if len(w.Lists.in(id)) == 0 {
		w.fail("%s waits in hook %s and is in no access list", id, a.Hook)
	}
	if in := w.Pools.serving(id); len(in) > 0 {
		w.fail("%s waits in hook %s and gets traffic from %v", id, a.Hook, in)
	}
}

var hookJourneys = []journey{
	{name: "launch with hooks", before: hooked(1, autoscaling.TransitionLaunching), begin: resize(3), program: saying(autoscaling.ResultContinue), machines: 3, live: 3, points: []point{
		afterStep(autoscaling.StepStart),
		afterState(autoscaling.PendingWait),
		afterEvent(autoscaling.EventHookWaiting), afterEvent(autoscaling.EventHookWaiting).again(3),
		afterEvent(autoscaling.EventHookHeartbeat),
		afterEvent(autoscaling.EventHookEnded), afterEvent(autoscaling.EventHookEnded).again(3),
		afterStep(autoscaling.StepHooks),
		afterState(autoscaling.PendingProceed),
		afterStep(autoscaling.StepRegister),
		afterStep(autoscaling.StepCheck),
		afterEffect(SetTargets, 0),
	}},
	{name: "launch abandoned", before: hooked(1, autoscaling.TransitionLaunching), begin: resize(2), program: saying(autoscaling.ResultAbandon), machines: 3, live: 2, end: autoscaling.ActivityFailed, points: []point{
		afterEvent(autoscaling.EventHookEnded),
		afterEvent(autoscaling.EventLaunchFailed),
		afterState(autoscaling.TerminatingProceed),
		afterState(autoscaling.Terminated),
		afterEffect(Stop, 0),
	}},
	{name: "removal with hooks", before: hooked(3, autoscaling.TransitionTerminating), begin: resize(1), program: saying(autoscaling.ResultContinue), machines: 3, live: 1, points: []point{
		afterStep(autoscaling.StepDrain),
		afterState(autoscaling.TerminatingWait),
		afterEvent(autoscaling.EventHookWaiting), afterEvent(autoscaling.EventHookWaiting).again(3),
		afterEvent(autoscaling.EventHookHeartbeat),
		afterEvent(autoscaling.EventHookEnded), afterEvent(autoscaling.EventHookEnded).again(3),
		afterStep(autoscaling.StepHooks),
		afterState(autoscaling.TerminatingProceed),
		afterStep(autoscaling.StepStop),
		afterEffect(SetEntries, 0),
	}},
	{name: "removal abandoned", before: hooked(3, autoscaling.TransitionTerminating), begin: resize(2), program: saying(autoscaling.ResultAbandon), machines: 3, live: 2, points: []point{
		afterEvent(autoscaling.EventHookEnded), afterEvent(autoscaling.EventHookEnded).again(1),
		afterState(autoscaling.TerminatingProceed),
	}},
	{name: "removal rolled back", before: hooked(3, autoscaling.TransitionTerminating), begin: resize(2), program: saying(autoscaling.ResultRollback), machines: 3, live: 3, end: autoscaling.ActivityCancelled, points: []point{
		afterState(autoscaling.TerminatingWait),
		afterEvent(autoscaling.EventHookEnded),
		afterEvent(autoscaling.EventDesiredChanged).again(1),
		afterState(autoscaling.PendingProceed),
		afterEvent(autoscaling.EventActivityEnded),
		afterStep(autoscaling.StepRegister),
		afterState(autoscaling.InService),
		afterEffect(SetTargets, 2),
	}},
	{name: "deletion", before: motley, begin: deletion, program: saying(autoscaling.ResultContinue), machines: 3, guests: 1, live: 0, after: groupIsGone, points: []point{
		afterEvent(autoscaling.EventGroupDeleting),
		afterState(autoscaling.Terminating),
		afterStep(autoscaling.StepDrain),
		afterState(autoscaling.TerminatingWait),
		afterEvent(autoscaling.EventHookWaiting),
		afterEvent(autoscaling.EventConditionRaised),
		afterEvent(autoscaling.EventHookEnded).again(2),
		afterState(autoscaling.TerminatingProceed),
		afterStep(autoscaling.StepDelete),
		afterState(autoscaling.Terminated),
		afterState(autoscaling.Detached),
		afterEvent(autoscaling.EventGroupDeleted),
		afterEffect(Release, 0), afterEffect(Remove, 0),
	}},
	{name: "deletion that skips hooks", before: motley, begin: deletion, program: skipping, machines: 3, guests: 1, live: 0, after: groupIsGone, points: []point{
		afterEvent(autoscaling.EventHookWaiting),
		afterEvent(autoscaling.EventHookEnded),
		afterState(autoscaling.TerminatingProceed),
		afterEvent(autoscaling.EventGroupDeleted),
	}},
}

// motley is a group of two in service, one on standby and one attached, with
// terminate hooks.
func motley(w *World) {
	w.Group("web", 3, nil)
	w.MachineOutside("vm-1", "default")
	w.Settle(patience)
	w.EnterStandby("web", true, w.ids("web")[0])
	w.Attach("web", false, false, "vm-1")
	w.Settle(patience)
	w.twoHooks(autoscaling.TransitionTerminating)
}

func deletion(w *World) *autoscaling.Activity { return w.DeleteGroup("web") }

// skipping asks to skip the hooks once somebody waits in them.
func skipping(w *World) func() {
	return func() {
		if len(w.Actions("web")) == 0 {
			return
		}
		_, err := w.Request(func(tx *fsm.Tx) (string, error) {
			_, err := w.Ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: groupName("web"), Force: true, SkipHooks: true})
			return "", err
		})
		if err != nil {
			w.fail("delete with skip_hooks: %v", err)
		}
	}
}

func groupIsGone(t *testing.T, w *World) {
	if w.Leader().View().GroupByID("default", "web") != nil {
		t.Error("the group is still there")
	}
	if free := w.Books.Free(); !slices.Equal(free, []string{"vm-1"}) {
		t.Errorf("%v live on", free)
	}
	if left := len(w.Lists.Entries("db")) + len(w.Pools.Targets("web")); left > 0 {
		t.Errorf("%d entries and targets are left", left)
	}
}

func TestTheLeaderIsLostWhileHooksHold(t *testing.T) { cross(t, hookJourneys, false) }
