package control_test

import (
	"fmt"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// sick is a group of twenty of which the pool finds some unhealthy.
func sick(t *testing.T, low, high, n int) *story {
	t.Helper()
	s := doing(t, []string{
		"configuration web ports=80",
		fmt.Sprintf("group web min=0 max=40 desired=20 configuration=web pools=edge/web health=PROVIDER,BALANCER grace=0s cooldown=0s min-healthy=%d max-healthy=%d", low, high),
		"drive",
	})
	s.MustDo(func(tx *fsm.Tx) error {
		for k := range n {
			r := control.HealthReport{
				Group: s.Group("web").UID, Instance: autoscaling.InstanceID(long(fmt.Sprintf("i%x", k+1))), Provider: "edge", Pool: "web", Message: "connection refused",
			}
			if err := s.Ops.ReportTargetHealth(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

// How many go at once when a balancer says so: what min_healthy_percent leaves, or,
// launch first, what max_healthy_percent allows above desired. One always may.
func TestMaintenanceBoundsReplacementsByTheBalancer(t *testing.T) {
	for _, c := range []struct{ low, high, leave, launch int }{
		{90, 110, 2, 2}, // the default: a tenth
		{80, 120, 4, 4},
		{0, 100, 8, 8},  // everybody who is unhealthy
		{99, 150, 1, 1}, // one may always move
		{100, 100, 1, 1},
		{100, 110, 0, 2}, // launch first
		{100, 130, 0, 6},
		{100, 101, 0, 1},
	} {
		t.Run(fmt.Sprintf("%d to %d", c.low, c.high), func(t *testing.T) {
			s := sick(t, c.low, c.high, 8)
			s.Step()
			by := s.View().Counts(s.Group("web").UID)
			launched := int(by.ByState[autoscaling.Initial] + by.ByState[autoscaling.Pending])
			if left := int(by.Live) - launched - int(by.ByState[autoscaling.InService]); left != c.leave || launched != c.launch {
				t.Errorf("%d leave and %d are launched, want %d and %d", left, launched, c.leave, c.launch)
			}
			if running := int(by.ByState[autoscaling.InService]); c.leave == 0 && running != 20 {
				t.Errorf("%d serve", running)
			}
			s.Drive()
			if is := s.members(); is != "desired 20, in service 20, standby 0, unhealthy 0, registered 20" {
				t.Errorf("it ends with %s", is)
			}
		})
	}
}

// The storm guard holds replacements by the balancer, whichever comes first.
func TestStormHoldsReplacementsAlsoLaunchFirst(t *testing.T) {
	for _, high := range []int{100, 150} {
		s := sick(t, 100, high, 12)
		s.Drive()
		if is := s.members(); is != "desired 20, in service 20, standby 0, unhealthy 12, registered 20" {
			t.Errorf("max %d: %s", high, is)
		}
		if !control.Holds(s.Group("web"), autoscaling.ConditionHealthStorm) {
			t.Errorf("max %d: no storm", high)
		}
	}
}

// A machine that does not run is removed at once, also where others launch first:
// it is no capacity.
func TestDeadMachinesGoFirstAlsoWhenLaunchIsFirst(t *testing.T) {
	s := sick(t, 100, 110, 0)
	for n := range 15 {
		s.do(fields(fmt.Sprintf("gone i%x", n+1)))
	}
	s.Step()
	by := s.View().Counts(s.Group("web").UID)
	if by.ByState[autoscaling.InService] != 5 || by.Counted != 20 {
		t.Errorf("%d serve, %d are counted", by.ByState[autoscaling.InService], by.Counted)
	}
}

// Unhealthy protected ones, by the group's option.
func TestProtectedUnhealthyOnesStayWhereTheGroupSaysSo(t *testing.T) {
	for _, percents := range []string{"min-healthy=90 max-healthy=110", "min-healthy=100 max-healthy=200"} {
		for _, keep := range []bool{false, true} {
			word, want := "", "unhealthy 0"
			if keep {
				word, want = "keep-protected", "unhealthy 1"
			}
			s := doing(t, []string{
				"configuration web", "group web min=0 max=4 desired=2 configuration=web " + percents + " " + word, "drive",
				"protect web i1", "health web i1 unhealthy", "drive",
			})
			if is := s.members(); is != "desired 2, in service 2, standby 0, "+want+", registered 0" {
				t.Errorf("%s keep %v: %s", percents, keep, is)
			}
		}
	}
}

// A machine that ended is replaced before those are that still run, by another type
// than was there: what is launched first gets the room that is left then.
func TestReplacementsOfBothKindsKeepTheBound(t *testing.T) {
	s := doing(t, []string{
		"configuration web ports=80 types=one:1",
		"group web min=0 max=20 desired=20 configuration=web pools=edge/web health=PROVIDER,BALANCER grace=0s cooldown=0s min-healthy=100 max-healthy=110",
		"drive",
		"update-configuration web ports=80 types=two:2,one:1",
	})
	s.MustDo(func(tx *fsm.Tx) error {
		for _, id := range []string{"i1", "i2"} {
			r := control.HealthReport{Group: s.Group("web").UID, Instance: autoscaling.InstanceID(long(id)), Provider: "edge", Pool: "web", Message: "connection refused"}
			if err := s.Ops.ReportTargetHealth(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	s.do(fields("gone i3"))
	g := s.Group("web")
	s.MustDo(func(tx *fsm.Tx) error {
		for _, id := range []string{"i1", "i2", "i3"} {
			if err := s.Ops.MarkHealth(tx, g.UID, autoscaling.InstanceID(long(id))); err != nil {
				return err
			}
		}
		return s.Ops.ReplaceUnhealthy(tx, g.UID)
	})
	var u autoscaling.Usage
	for i := range s.View().Instances(g.UID) {
		u.Add(i)
	}
	if bound := g.Max + g.Surge(); u.Bound > bound {
		t.Errorf("%d are counted, and the bound is %d", u.Bound, bound)
	}
	s.Drive()
	if c := s.View().Counts(g.UID); c.Unhealthy != 0 || c.Capacity < 20 {
		t.Errorf("it ends with %+v", c)
	}
}
