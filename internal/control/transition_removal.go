package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// beginRemoval sends a live instance on its way out, by activity a: INITIAL ones
// are cancelled at once, the others drain, stop and go. It answers false, and
// does nothing, when the instance is leaving already.
//
// It counts in a (Removals, and RemovalsDone of one that ended at once), which
// is the caller's own copy and is put by the caller. When the caller has begun
// all and put a, it calls settle(tx, a.ID).
func beginRemoval(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance, a *autoscaling.Activity, reason string) bool {
	if i.State.Final() || i.State.LeavingForGood() || i.State == autoscaling.Detaching {
		return false
	}
	c := *i
	c.Leaving = a.ID
	a.Removals++
	launching := c.State.Launching()
	walk(tx, g, &c, firstOfRemoval(c.State), reason)
	if c.State.Final() {
		a.RemovalsDone++
	}
	if launching {
		countActivity(tx, c.Activity, func(by *autoscaling.Activity) { by.LaunchesEnded++ })
		settle(tx, c.Activity)
	}
	return true
}

// firstOfRemoval is where the table sends an instance that is removed.
func firstOfRemoval(s autoscaling.InstanceState) autoscaling.InstanceState {
	switch s {
	case autoscaling.Initial:
		return autoscaling.Terminated
	case autoscaling.PendingWait:
		return autoscaling.TerminatingProceed
	}
	return autoscaling.Terminating
}
