package virtual

import (
	"flag"
	"fmt"
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
	nth    int // of the event or effect; 0: the first
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
	p := point{name: "after the effect of " + string(op), effect: op}
	if nth > 0 {
		return p.again(nth)
	}
	return p
}

// again is the moment when it happens once more, or so many times more.
func (p point) again(times int) point {
	p.nth = times
	if p.name += ", again"; times > 1 {
		p.name += fmt.Sprintf(" %d times", times)
	}
	return p
}

// arm sets the wire of the point.
func (p point) arm(w *World, m *clustertest.Member, strike func()) *Tripwire {
	left := p.nth
	comes := func(matches bool) bool {
		if matches {
			left--
		}
		return matches && left < 0
	}
	if p.event != nil {
		return w.OnEvent(m, func(e *autoscaling.Event) bool { return comes(p.event(e)) }, strike)
	}
	return w.OnEffect(m, func(c Call) bool { return comes(c.Op == p.effect) }, strike)
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
	name string
	// before is what there is: group "web", and whatever else.
	before func(w *World)
	// begin asks for it; nil when the service begins by itself.
	begin func(w *World) *autoscaling.Activity
	// program is made for each journey, and does again and again what programs
	// behind hooks do; nil: there are none.
	program func(w *World) func()
	// done says that there is nothing to wait for any more, once all is at rest; nil:
	// then there never is.
	done   func(w *World) bool
	points []point
	// end is how the activity ends; "": SUCCESSFUL.
	end autoscaling.ActivityStatus
	// machines are made, and guests adopted, and so many live at the end.
	machines, guests, live int
	// after is what else must be so.
	after func(t *testing.T, w *World)
}

// sized is a group without hooks.
func sized(desired int32) func(*World) {
	return func(w *World) { w.Group("web", desired, nil) }
}

func resize(to int32) func(*World) *autoscaling.Activity {
	return func(w *World) *autoscaling.Activity { return w.SetDesired("web", to) }
}

var journeys = []journey{
	{name: "launch", before: sized(1), begin: resize(3), machines: 3, live: 3, points: []point{
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
	{name: "removal", before: sized(3), begin: resize(1), machines: 3, live: 1, points: []point{
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
// leader, and whenever, the activity ends once and as it should, machines made =
// intents, none twice, none left behind, none ended that is not ours, no address
// left in list or pool, and all nodes say the same.
func TestTheLeaderIsLostAtEveryMoment(t *testing.T) { cross(t, journeys, true) }

var crashAll = flag.Bool("crash.all", false, "let every moment of every journey meet every fate")

// cross runs the journeys: at each moment the leader is killed and, with all, also
// partitioned away and frozen; else one of the two in turn, each of which cuts it
// off the network.
func cross(t *testing.T, journeys []journey, all bool) {
	for _, j := range journeys {
		for k, f := range fates {
			for n, p := range j.points {
				if !all && !*crashAll && k > 0 && k != 1+n%2 {
					continue
				}
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
	j.before(w)
	w.Settle(time.Minute)
	program := func() {}
	if j.program != nil {
		program = j.program(w)
	}

	leader := w.Leader()
	wire := p.arm(w, leader, f.strike(w, leader))
	a := j.begin(w)
	w.Within(15*time.Minute, "the moment comes", func() bool {
		select {
		case <-wire.Tripped:
			return true
		default:
		}
		program()
		return false
	})
	f.then(w, leader)
	unrest := ""
	if !w.comes(4*time.Minute, func() bool {
		program()
		unrest = w.unrest(w.Leader().View())
		return unrest == "" && (j.done == nil || j.done(w))
	}) {
		w.fail("not at rest: %s", unrest)
	}
	w.Settle(2 * time.Minute)
	if j.after != nil {
		j.after(t, w)
		w.Settle(2 * time.Minute)
	}

	if j.end == "" {
		j.end = autoscaling.ActivitySuccessful
	}
	if a != nil {
		if a = w.Activity(a.ID); a.Status != j.end {
			t.Errorf("activity is %s: %+v", a.Status, a)
		}
	}
	if n := w.Books.Machines(); n != j.machines {
		t.Errorf("%d machines were made, not %d", n, j.machines)
	}
	if n := len(w.story.intents); n != j.machines+j.guests {
		t.Errorf("there were %d intents, not %d", n, j.machines+j.guests)
	}
	if n := w.live(); n != j.live {
		t.Errorf("%d instances, not %d", n, j.live)
	}
	if open := w.story.open(); len(open) > 0 {
		t.Errorf("no end was told of the waits %+v", open)
	}
}

// live is how many instances there are, in all groups.
func (w *World) live() (n int) {
	v := w.Leader().View()
	for g := range v.Groups("") {
		n += int(v.Counts(g.UID).Live)
	}
	return n
}
