package control

import (
	"strconv"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// resize moves desired, opens the activity for what follows from it, and begins
// that: INITIAL instances, or victims on their way out. What other activities
// have under way counts already, so it is neither launched nor removed twice.
// What the activity cannot do now is made up for later, by the service itself.
//
// g is the caller's own copy, with everything but desired changed already; it is
// put. The request has been admitted.
func (o Operations) resize(tx *fsm.Tx, g *autoscaling.Group, to int32, a *asking) *autoscaling.Activity {
	from, there := g.Desired, tx.Counts(g.UID).Capacity
	kind := autoscaling.ScaleOut
	if to < from {
		kind = autoscaling.ScaleIn
	}
	a.fired(tx, g)
	activity := o.startActivity(tx, g, autoscaling.Activity{
		Kind: kind, Trigger: a.trigger, Cause: a.cause(from, to), From: from, To: to, Cooldown: cooldownOf(a),
	})
	moveDesired(tx, g, to, a.who, activity.ID)
	if g.State != autoscaling.GroupActive {
		addNote(activity, "the group is paused: nothing is started before it is resumed")
		end(tx, activity)
		return tx.Activity(activity.ID)
	}
	putActivity(tx, activity) // the removed count themselves in it
	if kind == autoscaling.ScaleOut {
		o.launch(tx, g, activity, min(to-from, to-standing(tx.Reader, g.UID)))
	} else {
		o.remove(tx, g, activity, there-to, from-to)
	}
	putActivity(tx, activity)
	settle(tx, activity.ID)
	return tx.Activity(activity.ID)
}

// moveDesired changes desired on the caller's own copy and puts it.
func moveDesired(tx *fsm.Tx, g *autoscaling.Group, to int32, why string, by autoscaling.ActivityID) {
	from := g.Desired
	g.Desired = to
	nextGeneration(g)
	touch(tx, &g.Meta)
	putGroup(tx, g)
	e := groupEvent(g, autoscaling.EventDesiredChanged, "", why)
	e.Activity = by
	e.Details = details("from", decimal(from), "to", decimal(to))
	tx.Emit(e)
}

// nextGeneration is for a new desired capacity: the instances in service are as
// fit for the new generation as they were for the last one.
func nextGeneration(g *autoscaling.Group) {
	if g.Fitted == g.Generation {
		g.Fitted++
	}
	g.Generation++
}

// putGroup puts a copy, so that g stays the caller's.
func putGroup(tx *fsm.Tx, g *autoscaling.Group) {
	c := *g
	tx.PutGroup(&c)
}

func cooldownOf(a *asking) int64 { return int64(a.cooldown / time.Microsecond) }

func decimal(n int32) string { return strconv.Itoa(int(n)) }
