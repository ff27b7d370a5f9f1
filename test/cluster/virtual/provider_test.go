package virtual

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

// cloudOps are the calls that the cloud answers.
var cloudOps = map[Op]bool{
	Ensure: true, Start: true, Stop: true, Remove: true, List: true, Usage: true, Inspect: true, Adopt: true, Release: true,
}

// Outage has the cloud answer nothing but that it is unavailable.
func (w *World) Outage(on bool) {
	if !on {
		w.Refuse(nil)
		return
	}
	w.Refuse(func(c Call) error {
		if cloudOps[c.Op] {
			return providers.Errorf(providers.Unavailable, "outage")
		}
		return nil
	})
}

func (w *World) holds(group string, c autoscaling.ConditionType) func() bool {
	return func() bool { return control.Holds(w.GroupRecord(group), c) }
}

func TestAProviderOutageOfHalfAnHourIsWaitedFor(t *testing.T) {
	inWorld(t, Options{Pace: 10}, func(t *testing.T, w *World) {
		w.Group("web", 3, nil)
		w.Settle(time.Minute)
		made := w.Books.Machines()
		w.Outage(true)
		w.Within(time.Minute, "the group says so", w.holds("web", autoscaling.ConditionProviderDown))
		dead := w.Instances("web")[0]
		w.KillMachine(dead.ID)
		w.SetDesired("web", 5)
		w.Advance(20 * time.Minute)
		w.Kill(w.Leader()) // a new leader takes over in the middle of it
		w.Advance(10 * time.Minute)
		if n := w.Books.Machines(); n != made {
			t.Errorf("%d machines were made during the outage", n-made)
		}
		w.Outage(false)
		w.RestartAll()
		w.Settle(15 * time.Minute)
		if w.holds("web", autoscaling.ConditionProviderDown)() {
			t.Error("the condition still holds")
		}
		if m := w.Books.Machine(dead.ID); !m.Gone {
			w.fail("the machine that died is still there: %+v", m)
		}
	})
}

func TestHalfOfTheMachinesCrashAndAreReplacedAtOnce(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		w.Group("web", 10, nil)
		w.Settle(time.Minute)
		w.Advance(15 * time.Second) // past the takeover's grace
		for _, i := range w.Instances("web")[:5] {
			w.KillMachine(i.ID)
		}
		w.Settle(time.Minute)
		if n := w.Books.Machines(); n != 15 {
			t.Errorf("%d machines were made, want 10 and 5", n)
		}
	})
}

func TestHalfOfTheInstancesFailTheirChecksAndAreHeldByTheStormGuard(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		w.Group("web", 10, func(s *autoscaling.GroupSpec) {
			s.HealthCheck.Types = []autoscaling.HealthType{autoscaling.HealthProvider, autoscaling.HealthBalancer}
		})
		w.Settle(time.Minute)
		w.Advance(15 * time.Second)
		for _, i := range w.Instances("web")[:6] {
			w.Pools.Sicken(string(i.ID), "GET / answered 500")
		}
		w.Within(time.Minute, "the guard holds", w.holds("web", autoscaling.ConditionHealthStorm))
		made := w.Books.Machines()
		w.Kill(w.Leader())
		w.Advance(time.Minute) // also past the grace of the next leader
		w.RestartAll()
		if !w.holds("web", autoscaling.ConditionHealthStorm)() {
			t.Error("the guard let go")
		}
		if n := w.Books.Machines(); n > made+1 { // the first may be seen alone
			t.Errorf("%d machines were made in the storm", n-made)
		}
		w.Pools.Cure()
		w.Settle(2 * time.Minute)
		if w.holds("web", autoscaling.ConditionHealthStorm)() {
			t.Error("the guard still holds")
		}
	})
}

func TestAFullZoneIsPassedOver(t *testing.T) {
	inWorld(t, Options{Cloud: sim.Config{ZoneCapacity: map[string]int{"a": 2}}}, func(t *testing.T, w *World) {
		w.Group("web", 0, func(s *autoscaling.GroupSpec) { s.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}} })
		a := w.SetDesired("web", 8)
		w.Settle(time.Minute)
		if a = w.Activity(a.ID); a.Status != autoscaling.ActivitySuccessful {
			t.Errorf("activity %+v", a)
		}
		if !strings.Contains(strings.Join(a.Notes, "\n"), "zone a is full") {
			t.Errorf("the activity does not say why: %v", a.Notes)
		}
		in := map[string]int{}
		for _, i := range w.Instances("web") {
			in[i.Zone]++
		}
		if in["a"] != 2 || in["b"] != 6 {
			t.Errorf("zones %v", in)
		}
	})
}

// TestEveryMachineIsBornBrokenForAnHour: live or unknown machines never exceed
// max_size and surge, the group says why, and it recovers by itself.
func TestEveryMachineIsBornBrokenForAnHour(t *testing.T) {
	inWorld(t, Options{Pace: 20}, func(t *testing.T, w *World) {
		w.Cloud.BornBroken(true)
		w.Group("web", 4, func(s *autoscaling.GroupSpec) { s.Max, s.LaunchFailureLimit = 5, 6 })
		w.Within(20*time.Minute, "launches are suspended", w.holds("web", autoscaling.ConditionLaunchSuspended))
		g := w.GroupRecord("web")
		for _, c := range g.Conditions {
			if c.Type == autoscaling.ConditionLaunchSuspended && !strings.Contains(c.Message, "born broken") {
				t.Errorf("the condition does not say why: %s", c.Message)
			}
		}
		w.Advance(20 * time.Minute)
		w.Kill(w.Leader())
		w.Advance(20 * time.Minute)
		w.RestartAll()
		w.CheckBooks()
		if most := w.Books.Most("web"); most > 5+1 {
			t.Errorf("there were %d machines at once, of at most 5 and a surge of 1", most)
		}
		tried := w.Books.Machines()
		if tried < 8 || tried > 60 {
			t.Errorf("%d launches were tried in the hour", tried)
		}
		w.Cloud.BornBroken(false)
		w.Settle(25 * time.Minute)
		if w.holds("web", autoscaling.ConditionLaunchSuspended)() {
			t.Error("launches are still suspended")
		}
		if most := w.Books.Most("web"); most > 5+1 {
			t.Errorf("there were %d machines at once", most)
		}
	})
}

// TestMachinesThatAreNotConfirmedGoneUseTheBound: born broken, and the cloud
// removes none of them.
func TestMachinesThatAreNotConfirmedGoneUseTheBound(t *testing.T) {
	inWorld(t, Options{Pace: 20}, func(t *testing.T, w *World) {
		w.Cloud.BornBroken(true)
		w.Refuse(func(c Call) error {
			if c.Op == Remove {
				return providers.Errorf(providers.Unavailable, "try again")
			}
			return nil
		})
		w.Group("web", 3, func(s *autoscaling.GroupSpec) { s.Max, s.LaunchFailureLimit = 4, 100 })
		w.Within(30*time.Minute, "launches wait for removals", w.holds("web", autoscaling.ConditionWaitingForRemoval))
		w.Advance(20 * time.Minute)
		w.Kill(w.Leader())
		w.Advance(10 * time.Minute)
		w.RestartAll()
		if most := w.Books.Most("web"); most != 4+1 {
			t.Errorf("there were %d machines at once, of at most 4 and a surge of 1", most)
		}
		w.Refuse(nil)
		w.Cloud.BornBroken(false)
		w.Settle(25 * time.Minute)
	})
}

// TestANewLeaderListsBeforeItActs: until the cloud has told what there is,
// nothing is made, started, stopped or removed.
func TestANewLeaderListsBeforeItActs(t *testing.T) {
	inWorld(t, Options{Cloud: sim.Config{LaunchDelay: 2 * time.Second}}, func(t *testing.T, w *World) {
		w.Group("web", 3, nil)
		w.Settle(time.Minute)
		old := w.Leader()
		var listed atomic.Bool
		var early atomic.Int64
		w.Refuse(func(c Call) error {
			switch {
			case c.Node == old.ID || listed.Load() || !cloudOps[c.Op]:
			case c.Op == List:
				return providers.Errorf(providers.Unavailable, "try again")
			default:
				early.Add(1)
			}
			return nil
		})
		out, in := w.SetDesired("web", 5), w.SetDesired("web", 4)
		w.Advance(time.Second)
		w.Kill(old)
		w.Leader()
		w.Advance(10 * time.Second)
		if n := early.Load(); n != 0 {
			t.Errorf("%d calls before the first listing", n)
		}
		listed.Store(true)
		w.Settle(time.Minute)
		w.RestartAll()
		w.Settle(time.Minute)
		for _, a := range []*autoscaling.Activity{out, in} {
			if a = w.Activity(a.ID); a.EndTime == 0 {
				t.Errorf("activity %+v", a)
			}
		}
	})
}

// TestAVanishedMachineIsReplacedAndAStrangerRemoved: sweeps go both ways.
func TestAVanishedMachineIsReplacedAndAStrangerRemoved(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		w.Group("web", 3, nil)
		w.Settle(time.Minute)
		w.Advance(15 * time.Second)
		like := w.machines()[0]
		lost := w.Instances("web")[0]
		w.Vanish(lost.ID)
		like.Instance = "i-0123456789abcdef0"
		if _, err := w.Cloud.CreateOutside(like); err != nil {
			t.Fatal(err)
		}
		other := like
		other.Instance, other.Incarnation = "i-0123456789abcdef1", "another"
		if _, err := w.Cloud.CreateOutside(other); err != nil {
			t.Fatal(err)
		}
		w.Within(time.Minute, "the lost one is replaced", func() bool {
			return w.Leader().View().FindInstance(lost.ID).State.Final() && len(w.Instances("web")) == 3
		})
		if w.machineState(like.Instance) == "" {
			t.Error("the stranger had no quarantine")
		}
		w.Kill(w.Leader()) // quarantine is in the state
		w.Within(3*time.Minute, "the stranger is removed", func() bool { return w.machineState(like.Instance) == "" })
		w.RestartAll()
		if w.machineState(other.Instance) == "" {
			t.Error("a machine of another incarnation was removed")
		}
	})
}

// TestCallsAreThrottledAndRefusedNowAndThen: every third call of any kind fails
// in one of the ways in which calls may fail without an effect.
func TestCallsAreThrottledAndRefusedNowAndThen(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		var n atomic.Int64
		w.Refuse(func(c Call) error {
			switch n.Add(1) % 6 {
			case 2:
				return &providers.Error{Class: providers.Throttled, Message: "too many calls", RetryAfter: 2 * time.Second}
			case 5:
				return providers.Errorf(providers.Unavailable, "try again")
			}
			return nil
		})
		w.Group("web", 6, nil)
		w.Within(5*time.Minute, "all serve", func() bool { return w.unrest(w.Leader().View()) == "" })
		w.SetDesired("web", 2)
		w.Settle(5 * time.Minute)
		if n := w.Books.Machines(); n != 6 {
			t.Errorf("%d machines were made", n)
		}
	})
}
