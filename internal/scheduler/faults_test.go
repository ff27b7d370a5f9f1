package scheduler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

func TestEveryMachineBornBrokenForAnHourStaysInBoundsAndRecovers(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		cloud.BornBroken(true)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 8, func(s *autoscaling.GroupSpec) {
			withPoolAndList(s)
			s.Max = 8
		})
		most := 0
		for end := time.Now().Add(time.Hour); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
			most = max(most, machines(t, f))
		}
		if bound := 8 + int(f.View().Group(g).SurgeAt(8)); most > bound {
			t.Errorf("%d machines at once, the bound is %d", most, bound)
		}
		if !control.Holds(f.View().Group(g), autoscaling.ConditionLaunchSuspended) {
			t.Errorf("the group does not say why it has nothing\n%s", f.dump())
		}
		cloud.BornBroken(false)
		f.eventually(30*time.Minute, "it recovers by itself", func() bool {
			return f.inState(g, autoscaling.InService) == 8 && len(f.View().Group(g).Conditions) == 0
		})
	})
}

// machines are those that the provider has.
func machines(t *testing.T, f *fixture) int {
	t.Helper()
	listing, err := f.cloud.List(t.Context(), string(f.View().Cluster().ID))
	if err != nil {
		t.Fatal(err)
	}
	return len(listing.Machines)
}

func TestMachineThatVanishesIsLostAfterTheLagAndReplaced(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 2, nil)
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		time.Sleep(15 * time.Second)
		if ok, err := cloud.Vanish(string(f.instances(g)[0].ID)); !ok || err != nil {
			t.Fatal(ok, err)
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if n := f.View().Counts(g).Unhealthy; n != 0 {
			t.Error("lost within the provider's lag")
		}
		f.eventually(10*time.Second, "replaced", func() bool {
			return f.inState(g, autoscaling.InService) == 2 && f.View().Counts(g).Live == 2 && machines(t, f) == 2
		})
	})
}

func TestUnreachableProviderReplacesNothingAndGoesOnAfterwards(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 2, nil)
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		time.Sleep(15 * time.Second)
		cloud.Outage(true)
		f.eventually(20*time.Second, "the condition", func() bool { return control.Holds(f.View().Group(g), autoscaling.ConditionProviderDown) })
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if f.inState(g, autoscaling.InService) != 2 {
			t.Error("something was replaced while nobody could be asked")
		}
		cloud.Outage(false)
		f.setDesired("web", 4)
		f.eventually(2*time.Minute, "it goes on", func() bool {
			return f.inState(g, autoscaling.InService) == 4 && !control.Holds(f.View().Group(g), autoscaling.ConditionProviderDown)
		})
	})
}

// A group that moves from a provider that is down to one that is not goes on, also
// when nobody will ever hear of the first one again.
func TestGroupThatLeavesAnUnreachableProviderGoesOn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		g := f.group("web", 2, nil)
		f.must(func(tx *fsm.Tx) error {
			return f.ops.ReportProviderDown(tx, g, "gone", "provider gone cannot be reached")
		})
		f.lead()
		defer f.resign()
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		if control.Holds(f.View().Group(g), autoscaling.ConditionProviderDown) {
			t.Error("the condition is about a provider that the group does not use")
		}
	})
}

func TestLostAnswersMakeNoSecondMachine(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		lost := map[string]bool{}
		cloud.SetLostAnswer(func(op sim.Op, instance, _ string) error {
			if key := string(op) + instance; op != sim.OpList && op != sim.OpUsage && !lost[key] {
				lost[key] = true
				return providers.Errorf(providers.UnknownOutcome, "time-out")
			}
			return nil
		})
		f := newFixture(t, options{cloud: cloud, limits: Limits{Workers: 1}}) // the map has one user
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 5, withPoolAndList)
		f.eventually(time.Minute, "in service", func() bool { return f.inState(g, autoscaling.InService) == 5 })
		if n := machines(t, f); n != 5 {
			t.Errorf("%d machines for 5 instances", n)
		}
		f.setDesired("web", 0)
		f.eventually(2*time.Minute, "gone", func() bool { return f.View().Counts(g).Live == 0 && machines(t, f) == 0 })
	})
}

func TestOrphanIsQuarantinedAndThenRemoved(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		c := f.View().Cluster()
		for id, incarnation := range map[string]autoscaling.UID{"i-000000000000000aa": c.Incarnation, "i-000000000000000bb": "another"} {
			if _, err := cloud.CreateOutside(providers.Machine{Instance: id, Cluster: string(c.ID), Incarnation: string(incarnation), Zone: "default"}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := machines(t, f); n != 2 {
			t.Errorf("%d machines in the quarantine, want both", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		listing, err := cloud.List(t.Context(), string(c.ID))
		if err != nil || len(listing.Machines) != 1 || listing.Machines[0].Incarnation != "another" {
			t.Errorf("left: %v (%v), want the one of another incarnation", listing.Machines, err)
		}
		for range f.View().Orphans() {
			t.Error("the quarantine is not ended")
		}
	})
}

func TestFullZoneIsLeftForTheNextAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud, err := sim.NewCloud(sim.Config{Seed: 1, Store: "store-1", ZoneCapacity: map[string]int{"a": 0}})
		if err != nil {
			t.Fatal(err)
		}
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 4, func(s *autoscaling.GroupSpec) { s.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}} })
		f.eventually(3*time.Second, "in service in the other zone", func() bool { return f.inState(g, autoscaling.InService) == 4 })
		for a := range f.View().Activities(g) {
			if a.Status != autoscaling.ActivitySuccessful || len(a.Notes) == 0 {
				t.Errorf("activity %s, notes %v: the zone without room is not on it", a.Status, a.Notes)
			}
		}
	})
}
