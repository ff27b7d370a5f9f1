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
	by := interrupted(i)
	c.Leaving, c.Moving = a.ID, 0
	a.Removals++
	if a.Kind != autoscaling.DeleteGroup { // which chooses nobody
		addVictim(a, i.ID, reason)
	}
	walk(tx, g, &c, firstOfRemoval(c.State), reason)
	if c.State.Final() {
		a.RemovalsDone++
	}
	endMove(tx, i, by)
	return true
}

// interrupted is the activity that counts on where the instance is going now;
// 0: it goes nowhere, or nobody waits for it.
func interrupted(i *autoscaling.Instance) autoscaling.ActivityID {
	switch {
	case i.State.Launching():
		return launchedBy(i)
	case i.State == autoscaling.EnteringStandby:
		return i.Moving
	}
	return 0
}

// endMove tells the activity that the instance, as it was, does not get there.
func endMove(tx *fsm.Tx, was *autoscaling.Instance, by autoscaling.ActivityID) {
	countActivity(tx, by, func(a *autoscaling.Activity) {
		if was.State.Launching() {
			a.LaunchesEnded++
		} else {
			a.RemovalsEnded++
		}
		if was.Moving == by {
			addMoveOutcome(tx, a, tx.Instance(was.Group, was.ID), autoscaling.OutcomeCancelled, "")
		}
	})
	settle(tx, by)
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
