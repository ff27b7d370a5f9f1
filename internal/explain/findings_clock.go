package explain

import (
	"fmt"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

const (
	// clockSlack is how far apart replicated time and the wall clock may be.
	clockSlack = time.Second
	// clockSoon is a difference that ends by itself within minutes: replicated time
	// goes at nine tenths of its rate while it is ahead.
	clockSoon = time.Minute
)

// ClockFindings are what is wrong with replicated time that is ahead of the wall
// clock by so much; below 0, behind a wall clock that is not followed.
func ClockFindings(ahead time.Duration, now autoscaling.Time) []Finding {
	found := Finding{Severity: Warning, Resource: "cluster", Command: "asctl cluster set-time"}
	switch {
	case ahead > clockSlack:
		found.Kind = KindTimeAhead
		found.Problem = fmt.Sprintf("the cluster's time, %s, is %s ahead of the nodes' wall clock", at(now), span(ahead))
		found.Cause = "the wall clocks of a majority of the nodes were ahead for a while, and the cluster's time does not go back by itself"
		found.Next = fmt.Sprintf("it goes at nine tenths of its rate until it is right, in about %s; until then schedules run late and samples may be refused as too old", span(10*ahead))
		if ahead > clockSoon {
			found.Severity = Error
		}
	case ahead < -clockSlack:
		found.Kind = KindTimeBehind
		found.Problem = fmt.Sprintf("the cluster's time, %s, is %s behind the nodes' wall clock", at(now), span(-ahead))
		found.Cause = "the wall clocks were set forward just now, or those of a majority of the nodes do not agree"
		found.Next = "a clock that was set forward is followed after 30 s, if those of a majority agree; until then schedules run late and samples may be refused as ahead"
	default:
		return nil
	}
	return []Finding{found.inSentences()}
}
