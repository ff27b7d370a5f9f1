package control_test

import (
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
)

// In the zone whose turn it is, what there is room for may be held by a back-off,
// and the rest too heavy: then it is the next zone's turn.
func TestWhatIsTooHeavyInOneZoneIsLaunchedInTheNext(t *testing.T) {
	s := after("configuration web types=small:1,big:3; full b/small; group web max=4 desired=3 configuration=web zones=b; drive; " +
		"roomy b/small; advance 6s; full a/small; update web zones=a,b; set-desired web 4; drive")
	for i := range s.View().Instances(s.Group("web").UID) {
		if i.InstanceType == "small" {
			s.do(fields("remove web instances=" + short(i.ID)))
		}
	}
	s.do(fields("drive"))
	if c := s.View().Counts(s.Group("web").UID); c.Capacity != 4 || c.ByState[autoscaling.InService] != 2 {
		t.Errorf("%+v: %s", c, s.out.String())
	}
}

// Where there is no next zone the group says what it waits for, and until when.
func TestWhatFitsAndIsHeldIsWaitedFor(t *testing.T) {
	s := after("configuration web types=small:1,big:3; full a/small; group web max=4 desired=3 configuration=web zones=a; drive; set-desired web 4; drive")
	g := s.Group("web")
	due, wake := control.ConvergeDue(s.View().Reader, g, s.Now)
	if due || wake <= s.Now {
		t.Errorf("due %t, next at %s", due, wake)
	}
	const says = "1 missing: there is room for 2 up to max_size and surge; instance types that count for no more are held until "
	if len(g.Conditions) != 1 || g.Conditions[0].Type != autoscaling.ConditionBelowDesired || !strings.HasPrefix(g.Conditions[0].Message, says) {
		t.Errorf("it says %+v", g.Conditions)
	}
}
