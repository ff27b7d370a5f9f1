package plan_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/scheduler/plan"
)

// A well-behaved provider: whatever people asked for, and in whatever state they
// left the group, it has what is desired within a bounded number of passes, and
// deciding again changes nothing.
func TestWellBehavedProviderReachesDesiredWithinAFewPasses(t *testing.T) {
	// Begin, create, allow, start, register, check; a removal takes as many, and
	// where the bound is reached launches wait for the removals before them.
	const passes = 40
	rapid.Check(t, func(r *rapid.T) {
		s := newSimulation(r, rapid.Uint64().Draw(r, "seed"))
		s.calm = true
		s.drawGroup(r)
		for range rapid.IntRange(0, 6).Draw(r, "requests") {
			s.drawRequest(r)
			for range rapid.IntRange(0, 6).Draw(r, "passes") {
				s.round()
			}
		}
		for range passes {
			s.round()
		}
		if what := s.unsettled(); what != "" {
			s.fail("after %d passes: %s", passes, what)
		}
		for _, g := range s.groups() {
			s.decideTwice(g)
		}
	})
}

// What is under way counts once: no request launches or removes again what an
// earlier one has begun, however many passes there are between them.
func TestWhatIsUnderWayCountsOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newSimulation(r, rapid.Uint64().Draw(r, "seed"))
		s.calm = true
		g := s.drawGroup(r)
		highest := g.Desired
		for range rapid.IntRange(1, 6).Draw(r, "requests") {
			desired := s.drawRequest(r)
			highest = max(highest, desired)
			for range rapid.IntRange(0, 3).Draw(r, "passes") {
				s.round()
				// Where the bound holds launches, one SYSTEM activity after another makes up.
				now := s.view().Group(g.UID)
				waits := now.Converging != 0 || control.Holds(now, autoscaling.ConditionWaitingForRemoval)
				if c := s.view().Counts(g.UID); c.Counted != desired && !waits {
					s.fail("%d are counted, %d are desired", c.Counted, desired)
				}
			}
		}
		for range 40 {
			s.round()
		}
		made := 0
		for _, times := range s.cloud.made {
			made += times
		}
		if made > int(s.ids.instances) {
			s.fail("%d machines for %d intents", made, s.ids.instances)
		}
		if s.ids.instances > uint64(s.wanted) {
			s.fail("%d instances were launched where %d were asked for", s.ids.instances, s.wanted)
		}
	})
}

// The service itself never takes a group below its min, nor above its max and
// surge, while machines fail as they like.
func TestNeverBelowMinByOurDoingNorAboveTheBound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newSimulation(r, rapid.Uint64().Draw(r, "seed"))
		g := s.drawGroup(r)
		for range rapid.IntRange(50, 400).Draw(r, "steps") {
			before := s.view().Counts(g.UID).Capacity
			unhealthy := s.view().Counts(g.UID).Unhealthy
			s.steps++
			switch s.rng.IntN(8) {
			case 0, 1, 2:
				s.pass(s.view().Group(g.UID))
				after, now := s.view().Counts(g.UID).Capacity, s.view().Group(g.UID)
				launchesFailed := s.view().Group(g.UID).LaunchFailures > 0
				if after < before && after < now.Min && unhealthy == 0 && !launchesFailed {
					s.fail("a pass took the group from %d to %d, below min %d", before, after, now.Min)
				}
			case 3, 4:
				s.progress()
			case 5:
				s.writeFacts()
			case 6:
				s.startListing()
				s.compareListing()
				s.poolStatus()
			case 7:
				s.pause()
				if s.rng.IntN(6) == 0 {
					s.crash()
				}
			}
		}
	})
}

// Two looks at the same state find the same.
func TestLookDependsOnStateAndTimeOnly(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newSimulation(r, rapid.Uint64().Draw(r, "seed"))
		g := s.drawGroup(r)
		for range rapid.IntRange(0, 100).Draw(r, "steps") {
			s.step()
		}
		if s.view().Group(g.UID) == nil {
			return
		}
		a := plan.Look(s.view().Reader, g.UID, s.now, plan.Hold{})
		b := plan.Look(s.view().Reader, g.UID, s.now, plan.Hold{})
		if len(a.Decisions) != len(b.Decisions) || len(a.Machines) != len(b.Machines) || a.Wake != b.Wake {
			s.fail("two looks differ: %v, %v", a, b)
		}
		for n := range a.Machines {
			if a.Machines[n].Key() != b.Machines[n].Key() || a.Machines[n].Action != b.Machines[n].Action {
				s.fail("effect %d differs", n)
			}
		}
		if a.Wake != 0 && a.Wake <= s.now && len(a.Decisions) == 0 {
			s.fail("it wants to be woken at %s, which is past, and has nothing to do", a.Wake)
		}
	})
}

// drawGroup makes the group "web".
func (s *simulation) drawGroup(r *rapid.T) *autoscaling.Group {
	spec := autoscaling.DefaultGroupSpec()
	spec.Max = rapid.Int32Range(1, 12).Draw(r, "max")
	spec.Min = rapid.Int32Range(0, spec.Max).Draw(r, "min")
	spec.Desired = rapid.Int32Range(spec.Min, spec.Max).Draw(r, "desired")
	spec.Configuration = autoscaling.ConfigurationRef{ID: "app"}
	spec.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}}[:rapid.IntRange(1, 2).Draw(r, "zones")]
	if rapid.Bool().Draw(r, "list") {
		spec.AccessLists = theLists
	}
	if rapid.Bool().Draw(r, "pool") {
		spec.Balancers = thePools
	}
	s.do("create", func(tx *fsm.Tx) error {
		_, err := s.ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec, DesiredNamed: true})
		return err
	})
	s.wanted = int(spec.Desired)
	return s.view().GroupByID("default", "web")
}

// drawRequest sets desired; it answers the new one.
func (s *simulation) drawRequest(r *rapid.T) int32 {
	g := s.view().GroupByID("default", "web")
	desired := rapid.Int32Range(g.Min, g.Max).Draw(r, "to")
	s.wanted += int(max(0, desired-g.Desired))
	s.do("desired", func(tx *fsm.Tx) error {
		_, err := s.ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: theGroup, Desired: desired})
		return err
	})
	return desired
}
