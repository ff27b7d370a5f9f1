package control

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// rebalancePause is how long the service leaves zones alone after it failed to
// make them even: as long as the longest back-off of a launch.
const rebalancePause = autoscaling.BackoffMax

// rebalanced takes note of how a REBALANCE activity ended: after a failure the
// zones are left alone for a while, and a person's wish is over.
func rebalanced(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity) {
	if a.Kind != autoscaling.Rebalance {
		return
	}
	if a.LaunchesFail > 0 || a.Launches == 0 {
		g.RebalanceTime, g.RebalanceAsked = tx.Now().Add(rebalancePause), false
		return
	}
	g.RebalanceTime = 0
}

// rebalances says whether zones are made even now without being asked, or
// because somebody asked before.
func rebalances(g *autoscaling.Group) bool {
	return (g.ZoneRebalance || g.RebalanceAsked) && !suspends(g, autoscaling.ProcessZoneRebalance)
}

// imbalanceWhy says why zones that are not even are not made even now.
func imbalanceWhy(g *autoscaling.Group, now autoscaling.Time, why, held string) (reason, message string) {
	switch {
	case !g.ZoneRebalance && !g.RebalanceAsked:
		if held != "" {
			held += "; "
		}
		return "NOT_REBALANCED", held + "zone_rebalance is off, so that only scaling and RebalanceGroup make them even"
	case suspends(g, autoscaling.ProcessZoneRebalance):
		return "ZONE_REBALANCE_SUSPENDED", "the process ZONE_REBALANCE is suspended"
	case now < g.RebalanceTime:
		return "BACK_OFF", "the last attempt failed; the next is at " + g.RebalanceTime.Std().Format(time.RFC3339)
	}
	return "HELD", why
}
