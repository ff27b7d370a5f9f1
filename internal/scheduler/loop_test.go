package scheduler

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

func TestLaunchReachesServiceAndRemovalMirrorsIt(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 1, withPoolAndList)
		f.eventually(10*time.Second, "one in service", func() bool { return f.inState(g, autoscaling.InService) == 1 })
		t.Log("\n" + f.story(0))
		last := f.View().LastEvent()
		f.setDesired("web", 0)
		f.eventually(30*time.Second, "gone", func() bool { return f.View().Counts(g).Live == 0 })
		time.Sleep(time.Second)
		t.Log("\n" + f.story(last))
	})
}

func TestIdleGroupsAreLeftAlone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		f.group("web", 3, withPoolAndList)
		f.group("empty", 0, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		passes, commits := f.passes(), f.commits
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if now := f.passes(); now != passes {
			t.Errorf("%v passes over groups at rest", now-passes)
		}
		if f.commits != commits {
			t.Errorf("%d entries written about groups at rest", f.commits-commits)
		}
	})
}

func TestMachineThatEndsIsReplacedAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 3, withPoolAndList)
		f.eventually(10*time.Second, "three in service", func() bool { return f.inState(g, autoscaling.InService) == 3 })
		time.Sleep(15 * time.Second) // the new leader's grace
		victim := f.instances(g)[0]
		kill(t, cloud, victim.ID)
		f.eventually(5*time.Second, "replaced", func() bool {
			return f.inState(g, autoscaling.InService) == 3 && f.View().Instance(g, victim.ID).State == autoscaling.Terminated
		})
		if members := f.balancer.members("web"); slices.Contains(members, string(victim.ID)) || len(members) != 3 {
			t.Errorf("pool: %v", members)
		}
		if members := f.lists.members("db"); slices.Contains(members, string(victim.ID)) || len(members) != 3 {
			t.Errorf("list: %v", members)
		}
	})
}

func TestNewLeaderHoldsReplacementsAndNotLaunches(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 2, nil)
		f.eventually(10*time.Second, "two in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		f.resign()
		kill(t, cloud, f.instances(g)[0].ID)
		f.lead()
		f.setDesired("web", 4)
		f.eventually(3*time.Second, "the launches", func() bool { return f.inState(g, autoscaling.InService) == 4 })
		if n := f.View().Counts(g).Unhealthy; n != 1 {
			t.Errorf("%d unhealthy, want the one that ended, held", n)
		}
		f.eventually(12*time.Second, "the replacement", func() bool {
			return f.inState(g, autoscaling.InService) == 4 && f.View().Counts(g).Unhealthy == 0
		})
	})
}

func TestLeaderChangesAtEveryMomentOfALaunch(t *testing.T) {
	for _, moment := range []time.Duration{0, time.Millisecond, 30 * time.Millisecond, 120 * time.Millisecond, 300 * time.Millisecond} {
		bubble.Test(t, func(t *testing.T) {
			cloud, err := sim.NewCloud(sim.Config{Seed: 1, Store: "store-1", LaunchDelay: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			f := newFixture(t, options{cloud: cloud})
			f.configure()
			f.lead()
			defer f.resign()
			g := f.group("web", 20, withPoolAndList)
			time.Sleep(moment)
			f.lead()
			f.eventually(30*time.Second, "all in service", func() bool { return f.inState(g, autoscaling.InService) == 20 })
			listing, err := cloud.List(t.Context(), string(f.View().Cluster().ID))
			if err != nil || len(listing.Machines) != 20 {
				t.Errorf("%d machines for 20 instances (%v)", len(listing.Machines), err)
			}
			if n := len(slices.Collect(f.View().Activities(g))); n != 1 {
				t.Errorf("%d activities for one request", n)
			}
		})
	}
}

func TestEmptyStoreIsUnreachableAndRelaunchesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		g := f.group("web", 3, nil)
		f.eventually(10*time.Second, "three in service", func() bool { return f.inState(g, autoscaling.InService) == 3 })
		f.resign()
		other, err := sim.NewCloud(sim.Config{Seed: 1, Store: "store-2"})
		if err != nil {
			t.Fatal(err)
		}
		f.scheduler.Compute["sim"] = other
		f.lead()
		defer f.resign()
		f.eventually(5*time.Second, "the condition", func() bool { return control.Holds(f.View().Group(g), autoscaling.ConditionProviderDown) })
		f.setDesired("web", 5)
		time.Sleep(time.Minute)
		synctest.Wait()
		listing, err := other.List(t.Context(), string(f.View().Cluster().ID))
		if err != nil || len(listing.Machines) != 0 {
			t.Errorf("%d machines were made in the empty store (%v)", len(listing.Machines), err)
		}
		if n := f.inState(g, autoscaling.InService); n != 3 {
			t.Errorf("%d in service, want the three as they are", n)
		}
	})
}

func TestListThatCannotBeWrittenHoldsTheLaunchAndSaysWhy(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.lists.fail(providers.Errorf(providers.Unavailable, "disk full"))
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 2, withPoolAndList)
		f.eventually(5*time.Second, "the reason", func() bool {
			all := f.instances(g)
			return len(all) == 2 && all[0].Step == autoscaling.StepAllow && all[0].StatusReason == "disk full"
		})
		f.lists.fail(nil)
		f.eventually(40*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
	})
}

// panickyPlatform fails in an operation as only a bug of ours would.
type panickyPlatform struct {
	*controltest.Platform
	mended atomic.Bool
}

func (p *panickyPlatform) Load(autoscaling.InstanceID) (float64, bool) {
	if !p.mended.Load() {
		panic("a bug")
	}
	return 0, false
}

func TestGroupOnWhichTheServiceFailsIsQuarantinedAndTheOthersGoOn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		platform := &panickyPlatform{Platform: controltest.NewPlatform()}
		f.scheduler.Operations.Platform = platform
		f.configure()
		f.lead()
		defer f.resign()
		bad := f.group("bad", 2, func(s *autoscaling.GroupSpec) {
			s.TerminationPolicies = []autoscaling.TerminationRule{autoscaling.TerminateLeastBusy}
		})
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(bad, autoscaling.InService) == 2 })
		f.must(func(tx *fsm.Tx) error { // nobody removes the one that is too much but a pass
			g := *tx.Group(bad)
			g.Desired = 1
			tx.PutGroup(&g)
			return nil
		})
		good := f.group("good", 2, nil)
		f.eventually(10*time.Second, "the good one", func() bool { return f.inState(good, autoscaling.InService) == 2 })
		f.eventually(5*time.Second, "the condition", func() bool { return control.Holds(f.View().Group(bad), autoscaling.ConditionDegraded) })
		platform.mended.Store(true)
		f.eventually(time.Minute, "it recovers", func() bool {
			return f.inState(bad, autoscaling.InService) == 1 && !control.Holds(f.View().Group(bad), autoscaling.ConditionDegraded)
		})
	})
}

// What one leader failed on the next one looks at anew.
func TestDegradedEndsWithANewLeaderThatDoesNotFail(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		g := f.group("web", 0, nil)
		f.must(func(tx *fsm.Tx) error { return f.ops.ReportDegraded(tx, g, "panic: of the leader before") })
		f.lead()
		defer f.resign()
		f.eventually(10*time.Second, "it is over", func() bool { return !control.Holds(f.View().Group(g), autoscaling.ConditionDegraded) })
	})
}

func TestBalancerHealthReplacesAfterGrace(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 4, func(s *autoscaling.GroupSpec) {
			withPoolAndList(s)
			s.HealthCheck.Types = append(s.HealthCheck.Types, autoscaling.HealthBalancer)
			s.HealthCheck.GracePeriod = 30 * time.Second
		})
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 4 })
		sick := string(f.instances(g)[0].ID)
		f.balancer.set(func() { f.balancer.health[sick] = providers.TargetUnhealthy })
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if f.View().Counts(g).Unhealthy != 0 {
			t.Error("counted in the grace period")
		}
		f.eventually(30*time.Second, "replaced", func() bool {
			return f.inState(g, autoscaling.InService) == 4 && !slices.Contains(f.balancer.members("web"), sick)
		})
	})
}

func TestDrainWaitsForOpenRequests(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 1, func(s *autoscaling.GroupSpec) {
			withPoolAndList(s)
			s.Balancers[0].DrainTimeout = 20 * time.Second
		})
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 1 })
		id := string(f.instances(g)[0].ID)
		f.balancer.set(func() { f.balancer.open[id] = 1 })
		f.setDesired("web", 0)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if f.inState(g, autoscaling.Terminating) != 1 {
			t.Errorf("it did not wait for its open request\n%s", f.dump())
		}
		time.Sleep(11 * time.Second) // drain_timeout
		f.eventually(2*time.Second, "gone", func() bool { return f.View().Counts(g).Live == 0 })
	})
}
