package control_test

import (
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Whoever mends a broken configuration is not made to wait for the back-off that
// the broken one earned.
func TestANewVersionEndsTheBackOffOfTheOldOne(t *testing.T) {
	s := begin()
	s.Drive()
	group := func() *autoscaling.Group { return s.View().GroupByID("default", "web") }
	fail := func() {
		s.MustDo(func(tx *fsm.Tx) error {
			g := *tx.GroupByID("default", "web")
			g.LaunchFailures, g.LastLaunchError = 12, "no such image"
			g.Backoffs = []autoscaling.Backoff{{Provider: "sim", Zone: "default", Failures: 12, Until: tx.Now().Add(1e12)}}
			g.Conditions = []autoscaling.Condition{{Type: autoscaling.ConditionLaunchSuspended, Time: tx.Now()}}
			tx.PutGroup(&g)
			return nil
		})
	}
	for _, line := range []string{"update-configuration web ports=81", "update web configuration=api"} {
		if line == "update web configuration=api" {
			s.do(fields("configuration api ports=80"))
		}
		fail()
		s.do(fields(line))
		if g := group(); g.LaunchFailures != 0 || len(g.Backoffs) != 0 || len(g.Conditions) != 0 {
			t.Errorf("after %q: %d failures, back-offs %v, conditions %v\n%s", line, g.LaunchFailures, g.Backoffs, g.Conditions, s.out.String())
		}
	}
}
