package virtual

import (
	"maps"
	"slices"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

var upkeepJourneys = []journey{
	{name: "rebalancing", machines: 6, live: 4, begin: (*World).rebalanceWeb, after: evenly,
		before: func(w *World) {
			w.Group("web", 4, func(g *autoscaling.GroupSpec) {
				g.Zones = []autoscaling.Zone{{Name: "a"}}
				g.Maintenance = autoscaling.Maintenance{MinHealthyPercent: 90, MaxHealthyPercent: 150}
			})
			w.Settle(patience)
			w.Update("web", func(g *autoscaling.GroupSpec) { g.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}} })
		},
		points: []point{
			afterEvent(autoscaling.EventRebalanceStarted),
			afterState(autoscaling.Pending),
			afterStep(autoscaling.StepCreate),
			afterStep(autoscaling.StepRegister),
			afterState(autoscaling.InService), afterState(autoscaling.InService).again(1),
			afterState(autoscaling.Terminating),
			afterStep(autoscaling.StepDrain),
			afterStep(autoscaling.StepStop),
			afterState(autoscaling.Terminated), afterState(autoscaling.Terminated).again(1),
			afterEvent(autoscaling.EventActivityEnded),
			afterEffect(Ensure, 0), afterEffect(Start, 1), afterEffect(SetTargets, 0), afterEffect(Remove, 0),
		}},
	{name: "end of a lifetime", machines: 4, live: 2, after: renewed,
		before: func(w *World) {
			w.Group("web", 2, func(g *autoscaling.GroupSpec) {
				g.Maintenance = autoscaling.Maintenance{MinHealthyPercent: 100, MaxHealthyPercent: 200}
			})
		},
		begin: func(w *World) *autoscaling.Activity {
			w.Update("web", func(g *autoscaling.GroupSpec) { g.MaxInstanceLifetime = lifetime })
			return nil
		},
		// Then each replacement has time to serve before its own end.
		program: func(w *World) func() {
			old := w.ids("web")
			return func() {
				for _, id := range old {
					if i := w.Leader().View().FindInstance(autoscaling.InstanceID(id)); i != nil && !i.State.Final() {
						return
					}
				}
				if w.GroupRecord("web").MaxInstanceLifetime != 0 {
					w.Update("web", func(g *autoscaling.GroupSpec) { g.MaxInstanceLifetime = 0 })
				}
			}
		},
		done: func(w *World) bool { return w.GroupRecord("web").MaxInstanceLifetime == 0 },
		points: []point{
			afterEvent(autoscaling.EventActivityStarted),
			afterState(autoscaling.Initial),
			afterStep(autoscaling.StepCreate),
			afterStep(autoscaling.StepRegister),
			afterState(autoscaling.InService),
			afterState(autoscaling.Terminating),
			afterStep(autoscaling.StepDrain),
			afterStep(autoscaling.StepStop),
			afterState(autoscaling.Terminated),
			afterEvent(autoscaling.EventActivityEnded),
			afterEffect(Ensure, 0), afterEffect(SetTargets, 0), afterEffect(Remove, 0),
		}},
}

const lifetime = autoscaling.MinInstanceLifetime

func (w *World) rebalanceWeb() *autoscaling.Activity { return w.Rebalance("web") }

// evenly wants as many in each zone, and that never fewer served than desired.
func evenly(t *testing.T, w *World) {
	in := map[string]int{}
	for _, i := range w.Instances("web") {
		in[i.Zone]++
	}
	if !maps.Equal(in, map[string]int{"a": 2, "b": 2}) {
		t.Errorf("zones hold %v", in)
	}
	w.neverFewer(t, 4)
}

// renewed is the same of lifetimes, with every activity ended well.
func renewed(t *testing.T, w *World) {
	w.neverFewer(t, 2)
	for e := range w.Leader().View().Events(0) {
		if e.Type == autoscaling.EventActivityEnded && e.Details["status"] != string(autoscaling.ActivitySuccessful) {
			t.Errorf("activity %d ended: %s", e.Activity, e.Message)
		}
	}
}

// neverFewer reads from the log how many served since so many did first.
func (w *World) neverFewer(t *testing.T, want int) {
	serving, reached := map[autoscaling.InstanceID]bool{}, false
	for e := range w.Leader().View().Events(0) {
		if e.Type != autoscaling.EventInstanceState {
			continue
		}
		if e.State == autoscaling.InService {
			serving[e.Instance] = true
		} else {
			delete(serving, e.Instance)
		}
		reached = reached || len(serving) >= want
		if reached && len(serving) < want {
			t.Errorf("only %v served at %s", slices.Sorted(maps.Keys(serving)), e.Time)
			return
		}
	}
}

func TestTheLeaderIsLostWhileInstancesAreReplaced(t *testing.T) { cross(t, upkeepJourneys, false) }
