package control

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// remove picks instances that add up to at most n of capacity, INITIAL ones
// first, then those on their way in, then victims by policy, and begins their
// removal by a, counting them in a.Removals. It answers the capacity that it
// found. Desired was lowered by so much, which a ROLLBACK takes back. a is the
// caller's own copy; it is put. The group's record may have changed when it
// returns: activities that lost instances may have ended.
func (o Operations) remove(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity, n, lowered int32) int32 {
	return o.removeChosen(tx, g, a, n, lowered, func() []autoscaling.Choice {
		rules := autoscaling.VictimRules{Group: g, Load: o.Platform.Load}
		return autoscaling.PickVictims(rules, slices.Collect(tx.Instances(g.UID)), n)
	})
}

// removeSurplus is remove for what is too much beside the replacements that are
// under way: those, and the ones whom they replace, are not touched. Desired is
// not lowered by it.
func (o Operations) removeSurplus(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity, n int32) int32 {
	return o.removeChosen(tx, g, a, n, 0, func() []autoscaling.Choice { return surplus(tx.Reader, g, o.Platform.Load, n) })
}

// surplus chooses whom convergence takes away.
func surplus(r fsm.Reader, g *autoscaling.Group, load func(autoscaling.InstanceID) (float64, bool), n int32) []autoscaling.Choice {
	gone := retiring(r, g.UID)
	rules := autoscaling.VictimRules{Group: g, Load: load, Spare: map[autoscaling.InstanceID]bool{}}
	var live []*autoscaling.Instance
	for i := range r.Instances(g.UID) {
		if gone[i.ID] {
			continue
		}
		if i.Replacing() && gone[i.Replaces] {
			rules.Spare[i.ID] = true
		}
		live = append(live, i)
	}
	return autoscaling.PickVictims(rules, live, n)
}

func (o Operations) removeChosen(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity, n, lowered int32, choose func() []autoscaling.Choice) int32 {
	if n <= 0 {
		return 0
	}
	if suspends(g, autoscaling.ProcessTerminate) {
		addNote(a, "process TERMINATE is suspended: instances leave when it is resumed")
		putActivity(tx, a)
		return 0
	}
	o.noteMissing(tx.Reader, g, a)
	by, found := fmt.Sprintf("%s by activity %d", a.Kind, a.ID), int32(0)
	for _, victim := range choose() {
		c := *victim.Instance
		if c.LoweredDesired = c.Capacity() <= lowered; c.LoweredDesired {
			lowered -= c.Capacity()
		}
		why := by
		if victim.Why != "" {
			addVictim(a, c.ID, victim.Why)
			why = by + ": " + victim.Why
		}
		if beginRemoval(tx, g, &c, a, why) {
			found += c.Capacity()
		}
	}
	if found < n {
		addNote(a, "not all that is too much could leave: the others are protected, or count for more than that")
	}
	putActivity(tx, a)
	return found
}

// noteMissing tells of pools and lists that cannot be used now. They keep nobody
// from leaving: what an instance is in is taken back as soon as that is possible.
func (o Operations) noteMissing(r fsm.Reader, g *autoscaling.Group, a *autoscaling.Activity) {
	v, _ := resolve(r, g)
	if problem := o.checkAttachments(g, v); problem != nil {
		addNote(a, problem.Message)
	}
}
