package scheduler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

// inZone counts the group's counted instances in a zone.
func (f *fixture) inZone(g autoscaling.UID, zone string) (n int) {
	for _, i := range f.instances(g) {
		if i.Zone == zone && i.State.Counted() {
			n++
		}
	}
	return n
}

// A zone without room for hours is left alone but for a try every ten minutes, the
// group says so; when there is room again the zones are made even, launch first,
// also by the next leader.
func TestAZoneThatStaysBrokenIsLeftAloneAndMadeEvenAfterwards(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		full := func(op sim.Op, _, zone string) error {
			if op == sim.OpEnsure && zone == "b" {
				return providers.Errorf(providers.OutOfCapacity, "no room in b")
			}
			return nil
		}
		cloud.SetFault(full)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 6, func(s *autoscaling.GroupSpec) {
			withPoolAndList(s)
			s.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}}
			s.ZoneRebalance = true
		})
		f.eventually(time.Minute, "all are in zone a", func() bool { return f.inState(g, autoscaling.InService) == 6 && f.inZone(g, "a") == 6 })
		before := f.launched(g)
		for range 180 {
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := f.inState(g, autoscaling.InService); n != 6 {
				t.Fatalf("%d serve\n%s", n, f.dump())
			}
		}
		if tries := f.launched(g) - before; tries == 0 || tries > 25 {
			t.Errorf("zone b was tried %d times in three hours", tries)
		}
		if !control.Holds(f.View().Group(g), autoscaling.ConditionZoneImbalance) {
			t.Errorf("nobody says that the zones are not even: %v", f.View().Group(g).Conditions)
		}
		cloud.SetFault(nil)
		for n := 0; f.inZone(g, "b") < 3; n++ {
			if n > 1200 {
				t.Fatalf("the zones are not made even\n%s", f.dump())
			}
			if n%150 == 149 {
				f.lead()
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if n := f.inState(g, autoscaling.InService); n < 6 {
				t.Fatalf("%d serve\n%s", n, f.dump())
			}
		}
		f.eventually(time.Minute, "rest", func() bool {
			return f.idle(g) && f.inZone(g, "a") == 3 && f.inZone(g, "b") == 3 && len(f.View().Group(g).Conditions) == 0
		})
	})
}

// Ten instances that came together are replaced one by one before they are an hour
// old, over half a day and many leaders; ten always serve.
func TestLifetimesEndOneByOneUnderManyLeaders(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		const lifetime = time.Hour
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 10, func(s *autoscaling.GroupSpec) {
			withPoolAndList(s)
			s.MaxInstanceLifetime = lifetime
		})
		f.eventually(time.Minute, "all serve", func() bool { return f.inState(g, autoscaling.InService) == 10 })
		for n := range 12 * 360 {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if n%222 == 221 { // each 37 minutes
				f.lead()
			}
			c := f.View().Counts(g)
			if serving := c.ByState[autoscaling.InService]; serving < 10 || c.Counted > 11 {
				t.Fatalf("%d serve, %d are counted\n%s", serving, c.Counted, f.dump())
			}
			for _, i := range f.instances(g) {
				if age := f.Now().Sub(i.CreateTime); i.State == autoscaling.InService && age > lifetime+10*time.Minute {
					t.Fatalf("%s is %s old\n%s", i.ID, age, f.dump())
				}
			}
		}
		// Each of ten lives for 54 to 60 minutes: some 13 times ten in twelve hours.
		if n := f.launched(g) - 10; n < 110 || n > 145 {
			t.Errorf("%d were replaced in twelve hours", n)
		}
	})
}
