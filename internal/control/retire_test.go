package control_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

// drawUpkeep is something that makes the service replace instances by itself, or
// keeps it from that.
func drawUpkeep(t *rapid.T) string {
	percents := func() string {
		low := rapid.IntRange(0, 100).Draw(t, "min healthy")
		return fmt.Sprintf("update web min-healthy=%d max-healthy=%d", low, rapid.IntRange(100, 100+low).Draw(t, "max healthy"))
	}
	switch rapid.IntRange(0, 7).Draw(t, "upkeep") {
	case 0:
		return percents()
	case 1:
		return fmt.Sprintf("update web lifetime=%ds", rapid.SampledFrom([]int{0, 60, 300, 3600}).Draw(t, "lifetime"))
	case 2:
		return "update web rebalance=" + rapid.SampledFrom([]string{"on", "off"}).Draw(t, "rebalance")
	case 3:
		return "update web zones=" + rapid.SampledFrom([]string{"a", "b,c", "a,b,c", "c,a"}).Draw(t, "zones")
	case 4:
		return "full " + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "zone")
	case 5:
		return "roomy " + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "zone")
	case 6:
		return "suspend web ZONE_REBALANCE"
	}
	return "rebalance web"
}

// calmly ends what keeps a group from resting, and drives it there.
func calmly(s *story) {
	for _, line := range []string{"mend", "roomy a", "roomy b", "roomy c", "update web lifetime=0s", "unsuspend web ZONE_REBALANCE LAUNCH TERMINATE", "resume web", "drive"} {
		s.do(fields(line))
	}
	for range 4 { // back-offs, and the pause after a rebalancing that failed
		s.do(fields("advance 11m"))
		s.do(fields("drive"))
	}
}

// The service's own replacements, launch first, never take away what serves, and
// never exceed what max_healthy_percent allows, whatever fails on the way.
func TestLaunchFirstTakesNothingAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high := rapid.IntRange(101, 200).Draw(t, "max healthy")
		s := &story{World: newWorld()}
		for _, line := range []string{
			"configuration web ports=80",
			fmt.Sprintf("group web min=0 max=6 desired=6 configuration=web zones=a,b,c pools=edge/web min-healthy=100 max-healthy=%d rebalance=on lifetime=5m cooldown=0s", high),
			"drive",
		} {
			s.do(fields(line))
		}
		check := func(after string) {
			g := s.Group("web")
			c := s.View().Counts(g.UID)
			if serving := c.ByState[autoscaling.InService]; serving < 6 {
				t.Fatalf("after %q %d serve", after, serving)
			}
			if most := 6 + g.Surge(); c.Counted > most {
				t.Fatalf("after %q %d are counted, %d may be", after, c.Counted, most)
			}
		}
		for range rapid.IntRange(1, 40).Draw(t, "deeds") {
			var deed string
			switch rapid.IntRange(0, 9).Draw(t, "deed") {
			case 0, 1, 2:
				deed = "step"
			case 3:
				deed = fmt.Sprintf("advance %ds", rapid.IntRange(0, 400).Draw(t, "seconds"))
			case 4:
				deed = fmt.Sprintf("health web i%x unhealthy", rapid.IntRange(1, 40).Draw(t, "instance"))
			case 5:
				deed = "update web zones=" + rapid.SampledFrom([]string{"a", "b,c", "a,b,c", "c,a"}).Draw(t, "zones")
			case 6:
				deed = rapid.SampledFrom([]string{"full", "roomy"}).Draw(t, "room") + " " + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "zone")
			case 7:
				deed = rapid.SampledFrom([]string{"break error=broken", "mend"}).Draw(t, "launches")
			case 8:
				deed = fmt.Sprintf("%s web i%x", rapid.SampledFrom([]string{"protect", "unprotect"}).Draw(t, "protection"), rapid.IntRange(1, 40).Draw(t, "instance"))
			case 9:
				deed = rapid.SampledFrom([]string{"rebalance web", "drive", "suspend web TERMINATE", "unsuspend web TERMINATE", "pause web", "resume web"}).Draw(t, "else")
			}
			s.do(fields(deed))
			check(deed)
		}
		for _, i := range membersOf(s) {
			s.do(fields("unprotect web " + i))
		}
		calmly(s)
		check("rest")
		g := s.Group("web")
		if c := s.View().Counts(g.UID); c.Live != 6 || c.Unhealthy > 0 {
			t.Fatalf("it does not come to rest: %+v", c)
		}
		for a := range s.View().RunningActivities(g.UID) {
			t.Fatalf("activity %d (%s) does not end: %s", a.ID, a.Kind, a.Cause)
		}
		spread := autoscaling.Spread{Group: &g.GroupSpec}
		for i := range s.View().Instances(g.UID) {
			spread.Add(i)
		}
		if uneven := spread.Uneven(); uneven != "" {
			t.Fatalf("at rest %s: %v", uneven, g.Conditions)
		}
	})
}

func membersOf(s *story) (ids []string) {
	for i := range s.View().Instances(s.Group("web").UID) {
		ids = append(ids, short(i.ID))
	}
	return ids
}

// Removal first takes no more away at once than min_healthy_percent leaves, when
// nothing but age sends instances away.
func TestAgeTakesNoMoreAwayThanTheDip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.IntRange(0, 99).Draw(t, "min healthy")
		desired := rapid.IntRange(1, 12).Draw(t, "desired")
		s := &story{World: newWorld()}
		for _, line := range []string{
			"configuration web",
			fmt.Sprintf("group web min=0 max=12 desired=%d configuration=web min-healthy=%d max-healthy=100 lifetime=5m cooldown=0s", desired, low),
			"drive",
		} {
			s.do(fields(line))
		}
		for range rapid.IntRange(1, 60).Draw(t, "deeds") {
			deed := rapid.SampledFrom([]string{"step", "step", "step", "advance 30s", "advance 400s"}).Draw(t, "deed")
			s.do(fields(deed))
			g := s.Group("web")
			c := s.View().Counts(g.UID)
			if serving := c.ByState[autoscaling.InService]; serving < int32(desired)-g.Dip() || c.Counted > int32(desired) {
				t.Fatalf("%d of %d serve, %d are counted; %d may be away", serving, desired, c.Counted, g.Dip())
			}
		}
	})
}

// Weighted groups come to rest as well, whatever types there are: a replacement
// counts for no more than the one that it replaces.
func TestUpkeepOfWeightedGroupsEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		types := rapid.SampledFrom([]string{"small:1,big:3", "big:3,small:1", "two:2", "big:4,two:2", "five:5,three:3"}).Draw(t, "types")
		s := &story{World: newWorld()}
		for _, line := range []string{
			"configuration web types=" + types,
			fmt.Sprintf("group web min=0 max=24 desired=%d configuration=web zones=a,b,c rebalance=on lifetime=5m cooldown=0s", rapid.IntRange(1, 24).Draw(t, "desired")),
			"drive",
		} {
			s.do(fields(line))
		}
		for range rapid.IntRange(1, 25).Draw(t, "deeds") {
			deed := drawUpkeep(t)
			switch rapid.IntRange(0, 5).Draw(t, "else") {
			case 0:
				deed = fmt.Sprintf("set-desired web %d", rapid.IntRange(0, 24).Draw(t, "desired"))
			case 1:
				deed = fmt.Sprintf("advance %ds", rapid.IntRange(0, 700).Draw(t, "seconds"))
			case 2, 3:
				deed = "step"
			}
			s.do(fields(deed))
			g := s.Group("web")
			for i := range s.View().Instances(g.UID) {
				was := s.View().Instance(g.UID, i.Replaces)
				if i.Replacing() && was != nil && i.Capacity() > was.Capacity() {
					t.Fatalf("%s counts for %d and replaces %s, which counts for %d", i.ID, i.Capacity(), was.ID, was.Capacity())
				}
			}
		}
		calmly(s)
		term, sequence := s.View().LogPosition()
		s.do(fields("drive"))
		if t2, s2 := s.View().LogPosition(); t2 != term || s2 != sequence {
			t.Fatal("it does not rest")
		}
		g := s.Group("web")
		if c := s.View().Counts(g.UID); c.Capacity < g.Desired || c.Live != c.Counted {
			t.Fatalf("it rests with %d of %d: %+v, %v", c.Capacity, g.Desired, c, g.Conditions)
		}
	})
}

// The timeline is bounded; when an instance entered service first stays in it, so
// that standby makes nobody younger.
func TestStandbyMakesNobodyYounger(t *testing.T) {
	s := after("configuration web ports=80; group web max=4 desired=2 configuration=web pools=edge/web lists=files/db lifetime=24h cooldown=0s hooks=warm LAUNCHING default=CONTINUE; drive; advance 1h; expire; drive")
	until := s.instance("i1").LifetimeUntil
	for range 30 {
		for _, line := range []string{"advance 1m", "enter-standby web instances=i1 decrement", "drive", "exit-standby web instances=i1", "drive"} {
			s.do(fields(line))
		}
	}
	if i := s.instance("i1"); i.State != autoscaling.InService || i.LifetimeUntil != until {
		t.Errorf("it is %s, and its lifetime ends at %s, not at %s", i.State, i.LifetimeUntil, until)
	}
}
