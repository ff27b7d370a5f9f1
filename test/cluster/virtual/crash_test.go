package virtual

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// point is a moment in a journey: just after an event was committed, or just
// after a call had its effect outside and before anybody heard of it.
type point struct {
	name   string
	event  func(*autoscaling.Event) bool
	effect Op
	nth    int // of the effect; 0: the first
}

func afterEvent(e autoscaling.EventType) point {
	return point{name: "after " + string(e), event: func(x *autoscaling.Event) bool { return x.Type == e }}
}

func afterState(s autoscaling.InstanceState) point {
	return point{name: "after " + s.String(), event: func(x *autoscaling.Event) bool {
		return x.Type == autoscaling.EventInstanceState && x.State == s
	}}
}

func afterStep(s autoscaling.Step) point {
	return point{name: "after step " + s.String(), event: func(x *autoscaling.Event) bool {
		return x.Type == autoscaling.EventInstanceStep && x.Step == s
	}}
}

func afterEffect(op Op, nth int) point {
	name := "after the effect of " + string(op)
	if nth > 0 {
		name += ", again"
	}
	return point{name: name, effect: op, nth: nth}
}

// arm sets the wire of the point.
func (p point) arm(w *World, m *clustertest.Member, strike func()) *Tripwire {
	if p.event != nil {
		return w.OnEvent(m, p.event, strike)
	}
	left := p.nth
	return w.OnEffect(m, func(c Call) bool {
		if c.Op == p.effect {
			left--
		}
		return c.Op == p.effect && left < 0
	}, strike)
}

// fate is what happens to the leader at the point.
type fate struct {
	name   string
	strike func(w *World, m *clustertest.Member) func()
	then   func(w *World, m *clustertest.Member)
}

var fates = []fate{
	{"killed", (*World).Cutting, func(w *World, m *clustertest.Member) {
		w.Kill(m)
		w.Heal()
		w.Advance(5 * time.Second)
		w.Restart(m)
	}},
	{"partitioned away", func(w *World, m *clustertest.Member) func() {
		return func() { w.Partition(m) }
	}, func(w *World, m *clustertest.Member) {
		w.Within(time.Minute, "another node leads", func() bool { return w.Leader() != m })
		w.Advance(5 * time.Second)
		w.Heal()
	}},
	{"frozen", (*World).Cutting, func(w *World, m *clustertest.Member) {
		w.Within(time.Minute, "another node leads", func() bool { return w.Leader() != m })
		w.Advance(10 * time.Millisecond) // it is in the middle of it
		w.Thaw(m)
	}},
}

// journey is what happens around the points.
type journey struct {
	name     string
	from, to int32
	points   []point
}

var journeys = []journey{
	{"launch", 1, 3, []point{
		afterEvent(autoscaling.EventTriggerFired),
		afterState(autoscaling.Pending),
		afterStep(autoscaling.StepCreate),
		afterStep(autoscaling.StepAllow),
		afterStep(autoscaling.StepStart),
		afterStep(autoscaling.StepRegister),
		afterStep(autoscaling.StepCheck),
		afterState(autoscaling.InService),
		afterEvent(autoscaling.EventActivityEnded),
		afterEffect(Ensure, 0), afterEffect(Ensure, 1),
		afterEffect(SetEntries, 0),
		afterEffect(Start, 0),
		afterEffect(SetTargets, 0),
		afterEffect(Status, 0),
	}},
	{"removal", 3, 1, []point{
		afterEvent(autoscaling.EventTriggerFired),
		afterState(autoscaling.Terminating),
		afterStep(autoscaling.StepDrain),
		afterStep(autoscaling.StepStop),
		afterStep(autoscaling.StepRevoke),
		afterStep(autoscaling.StepDelete),
		afterState(autoscaling.Terminated),
		afterEvent(autoscaling.EventActivityEnded),
		afterEffect(SetTargets, 0), afterEffect(SetTargets, 1),
		afterEffect(Status, 0),
		afterEffect(Stop, 0),
		afterEffect(SetEntries, 0),
		afterEffect(Remove, 0), afterEffect(Remove, 1),
	}},
}

// TestTheLeaderIsLostAtEveryMoment is the crash matrix: whatever happens to the
// leader, and whenever, the activity ends once and well, machines made = intents,
// none twice, none left behind, no address left in list or pool.
func TestTheLeaderIsLostAtEveryMoment(t *testing.T) {
	for _, j := range journeys {
		for _, f := range fates {
			for _, p := range j.points {
				t.Run(j.name+"/"+f.name+"/"+p.name, func(t *testing.T) {
					bubble.Test(t, func(t *testing.T) { crash(t, j, f, p) })
				})
			}
		}
	}
}

func crash(t *testing.T, j journey, f fate, p point) {
	w := New(t, Options{Pace: 5})
	w.Configure("app", nil)
	w.Group("web", j.from, nil)
	w.Settle(time.Minute)

	leader := w.Leader()
	wire := p.arm(w, leader, f.strike(w, leader))
	a := w.SetDesired("web", j.to)
	select {
	case <-wire.Tripped:
	case <-time.After(time.Minute):
		w.fail("the moment did not come")
	}
	f.then(w, leader)
	w.Settle(2 * time.Minute)

	a = w.Activity(a.ID)
	if a.Status != autoscaling.ActivitySuccessful {
		t.Errorf("activity is %s: %+v", a.Status, a.Outcomes)
	}
	if n := w.Books.Machines(); n != int(max(j.from, j.to)) {
		t.Errorf("%d machines were made for %d intents", n, max(j.from, j.to))
	}
	if n := len(w.story.intents); n != int(max(j.from, j.to)) {
		t.Errorf("there were %d intents", n)
	}
	if n := len(w.Instances("web")); n != int(j.to) {
		t.Errorf("%d instances", n)
	}
}
