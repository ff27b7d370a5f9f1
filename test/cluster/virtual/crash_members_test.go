package virtual

import (
	"slices"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// firstTwo begins something with the two instances that come first.
func firstTwo(do func(w *World, ids ...string) *autoscaling.Activity) func(*World) *autoscaling.Activity {
	return func(w *World) *autoscaling.Activity { return do(w, w.ids("web")[:2]...) }
}

// withGuests is a group of one, and two machines that are nobody's.
func withGuests(w *World) {
	w.Group("web", 1, nil)
	w.MachineOutside("vm-1", "default")
	w.MachineOutside("vm-2", "default")
}

// liveOn wants machines to be nobody's, and to run; of ours, one for each of so
// many instances.
func liveOn(guests int, states ...autoscaling.InstanceState) func(t *testing.T, w *World) {
	return func(t *testing.T, w *World) {
		if free := w.Books.Free(); len(free) != guests {
			t.Errorf("%v live on, not %d", free, guests)
		}
		var are []autoscaling.InstanceState
		for _, i := range w.Instances("web") {
			are = append(are, i.State)
		}
		slices.Sort(are)
		if states != nil && !slices.Equal(are, states) {
			t.Errorf("instances are %v, not %v", are, states)
		}
	}
}

const (
	serves = autoscaling.InService
	rests  = autoscaling.Standby
)

var memberJourneys = []journey{
	{name: "into standby", before: sized(3), machines: 3, live: 3, after: liveOn(0, serves, rests, rests),
		begin: firstTwo(func(w *World, ids ...string) *autoscaling.Activity { return w.EnterStandby("web", true, ids...) }),
		points: []point{
			afterEvent(autoscaling.EventTriggerFired),
			afterState(autoscaling.EnteringStandby),
			afterStep(autoscaling.StepDrain), afterStep(autoscaling.StepDrain).again(1),
			afterState(autoscaling.Standby),
			afterEvent(autoscaling.EventActivityEnded),
			afterEffect(SetTargets, 0), afterEffect(SetTargets, 1),
			afterEffect(Status, 0),
		}},
	{name: "into standby and replaced", before: sized(3), machines: 5, live: 5, after: liveOn(0, serves, serves, serves, rests, rests),
		begin: firstTwo(func(w *World, ids ...string) *autoscaling.Activity { return w.EnterStandby("web", false, ids...) }),
		points: []point{
			afterState(autoscaling.Standby),
			afterStep(autoscaling.StepCreate),
			afterState(autoscaling.InService),
			afterEffect(SetTargets, 1),
		}},
	{name: "out of standby", machines: 3, live: 3, after: liveOn(0, serves, serves, serves),
		before: func(w *World) {
			w.Group("web", 3, nil)
			w.Settle(patience)
			w.EnterStandby("web", true, w.ids("web")[:2]...)
		},
		begin: firstTwo(func(w *World, ids ...string) *autoscaling.Activity { return w.ExitStandby("web", ids...) }),
		points: []point{
			afterEvent(autoscaling.EventTriggerFired),
			afterState(autoscaling.PendingProceed),
			afterStep(autoscaling.StepRegister),
			afterStep(autoscaling.StepCheck),
			afterState(autoscaling.InService),
			afterEvent(autoscaling.EventActivityEnded),
			afterEffect(SetTargets, 0),
			afterEffect(Status, 0),
		}},
	{name: "attachment", before: withGuests, machines: 1, guests: 2, live: 3, after: liveOn(0),
		begin: func(w *World) *autoscaling.Activity { return w.Attach("web", false, false, "vm-1", "vm-2") },
		points: []point{
			afterEvent(autoscaling.EventTriggerFired),
			afterState(autoscaling.Pending),
			afterEvent(autoscaling.EventMachineAdopted),
			afterStep(autoscaling.StepCreate),
			afterStep(autoscaling.StepAllow),
			afterStep(autoscaling.StepRegister),
			afterStep(autoscaling.StepCheck),
			afterState(autoscaling.InService),
			afterEvent(autoscaling.EventActivityEnded),
			afterEffect(Adopt, 0), afterEffect(Adopt, 1),
			afterEffect(SetEntries, 0),
			afterEffect(SetTargets, 0),
		}},
	{name: "attachment with hooks", machines: 1, guests: 2, live: 3, program: saying(autoscaling.ResultContinue),
		before: func(w *World) {
			withGuests(w)
			w.Settle(patience)
			w.twoHooks(autoscaling.TransitionLaunching)
		},
		begin: func(w *World) *autoscaling.Activity { return w.Attach("web", true, true, "vm-1", "vm-2") },
		points: []point{
			afterState(autoscaling.PendingWait),
			afterEvent(autoscaling.EventHookWaiting),
			afterEvent(autoscaling.EventHookEnded),
			afterStep(autoscaling.StepHooks),
			afterState(autoscaling.InService),
		}},
	{name: "attachment abandoned", machines: 2, guests: 1, live: 2, end: autoscaling.ActivityFailed, program: saying(autoscaling.ResultAbandon), after: liveOn(2, serves, serves),
		before: func(w *World) { // another is launched in its place
			withGuests(w)
			w.Settle(patience)
			w.Hook("web", "second", autoscaling.TransitionLaunching, nil)
		},
		begin: func(w *World) *autoscaling.Activity { return w.Attach("web", false, true, "vm-1") },
		points: []point{
			afterEvent(autoscaling.EventHookEnded),
			afterState(autoscaling.TerminatingProceed),
			afterStep(autoscaling.StepRevoke),
			afterEvent(autoscaling.EventMachineReleased),
			afterState(autoscaling.Detached),
			afterEffect(Release, 0),
		}},
	{name: "detachment", before: sized(3), machines: 3, live: 1, after: liveOn(2, serves),
		begin: firstTwo(func(w *World, ids ...string) *autoscaling.Activity { return w.Detach("web", true, false, ids...) }),
		points: []point{
			afterEvent(autoscaling.EventTriggerFired),
			afterState(autoscaling.Detaching),
			afterStep(autoscaling.StepDrain),
			afterStep(autoscaling.StepRevoke),
			afterStep(autoscaling.StepRelease),
			afterEvent(autoscaling.EventMachineReleased), afterEvent(autoscaling.EventMachineReleased).again(1),
			afterState(autoscaling.Detached),
			afterEvent(autoscaling.EventActivityEnded),
			afterEffect(SetTargets, 0), afterEffect(SetTargets, 1),
			afterEffect(SetEntries, 0),
			afterEffect(Release, 0), afterEffect(Release, 1),
		}},
	{name: "detachment with hooks", before: hooked(3, autoscaling.TransitionTerminating), machines: 5, live: 3, after: liveOn(2, serves, serves, serves),
		begin:   firstTwo(func(w *World, ids ...string) *autoscaling.Activity { return w.Detach("web", false, true, ids...) }),
		program: saying(autoscaling.ResultContinue),
		points: []point{
			afterStep(autoscaling.StepDrain),
			afterEvent(autoscaling.EventHookWaiting),
			afterEvent(autoscaling.EventHookHeartbeat),
			afterEvent(autoscaling.EventHookEnded).again(1),
			afterStep(autoscaling.StepHooks),
			afterStep(autoscaling.StepRevoke),
			afterState(autoscaling.Detached),
			afterEffect(Release, 0),
		}},
	{name: "removal of some", before: sized(3), machines: 5, live: 3, after: liveOn(0, serves, serves, serves),
		begin: firstTwo(func(w *World, ids ...string) *autoscaling.Activity { return w.removeAll(false, ids...) }),
		points: []point{
			afterEvent(autoscaling.EventTriggerFired),
			afterState(autoscaling.Terminating),
			afterStep(autoscaling.StepCreate),
			afterStep(autoscaling.StepDrain),
			afterState(autoscaling.InService),
			afterState(autoscaling.Terminated),
			afterEvent(autoscaling.EventActivityEnded),
			afterEffect(Ensure, 0), afterEffect(Stop, 0), afterEffect(Remove, 1),
		}},
	{name: "removal of attached ones", machines: 1, guests: 2, live: 1, after: liveOn(1, serves),
		before: func(w *World) {
			withGuests(w)
			w.Settle(patience)
			w.Attach("web", false, false, "vm-1")
			w.Attach("web", true, false, "vm-2")
		},
		begin: func(w *World) *autoscaling.Activity {
			ids := w.ids("web")
			return w.removeAll(true, slices.DeleteFunc(ids, func(id string) bool {
				return w.Leader().View().FindInstance(autoscaling.InstanceID(id)).Origin != autoscaling.OriginAttached
			})...)
		},
		points: []point{
			afterStep(autoscaling.StepDrain),
			afterState(autoscaling.TerminatingProceed),
			afterStep(autoscaling.StepStop),
			afterStep(autoscaling.StepRevoke), afterStep(autoscaling.StepRevoke).again(1),
			afterStep(autoscaling.StepDelete),
			afterEvent(autoscaling.EventMachineReleased),
			afterState(autoscaling.Detached),
			afterState(autoscaling.Terminated),
			afterEffect(Stop, 0), afterEffect(Release, 0), afterEffect(Remove, 0),
		}},
}

// removeAll asks for instances to go.
func (w *World) removeAll(decrement bool, ids ...string) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("remove instances", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.RemoveInstances(tx, control.RemoveInstancesRequest{Group: groupName("web"), Instances: ids, Decrement: decrement})
	})
}

func TestTheLeaderIsLostWhileMembersMove(t *testing.T) { cross(t, memberJourneys, false) }
