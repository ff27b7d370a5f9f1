package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// upkeep is what the service does to a group that lacks nothing: it replaces what
// is too old and makes zones even. It begins only while the group rests: nothing
// is on its way in, and what is counted is what is desired. So it never adds to a
// wave, and neither is in the way of scaling.
type upkeep struct {
	old       []retirement            // too old: launched first
	oldFirst  []*autoscaling.Instance // too old: removed first
	moves     []retirement
	askedOver bool // a person's wish to rebalance has come to its end
	rests     bool // whether the condition may be changed
	uneven    *autoscaling.Condition
	wake      autoscaling.Time
}

// UpkeepTally gathers, while a pass goes through a group's instances, whether
// there may be anything to keep up. Most groups have nothing.
type UpkeepTally struct {
	g       *autoscaling.Group
	now     autoscaling.Time
	zones   []zoneTally // in the group's order
	at      int         // that of the last instance: the next one is often there, too
	foreign bool        // somebody is in none of them
	expired bool
	wake    autoscaling.Time
}

type zoneTally struct{ capacity, lightest int32 }

// NewUpkeepTally begins to gather.
func NewUpkeepTally(g *autoscaling.Group, now autoscaling.Time) UpkeepTally {
	return UpkeepTally{g: g, now: now, zones: make([]zoneTally, len(g.Zones))}
}

// Add takes an instance into account.
func (t *UpkeepTally) Add(i *autoscaling.Instance) {
	if i.LifetimeUntil != 0 && i.State == autoscaling.InService {
		if expired(i, t.now) {
			t.expired = true
		} else {
			t.wake = autoscaling.Earliest(t.wake, i.LifetimeUntil)
		}
	}
	if !i.State.Counted() {
		return
	}
	if t.at >= len(t.zones) || t.g.Zones[t.at].Name != i.Zone {
		if t.at = zoneIndex(t.g, i.Zone); t.at >= len(t.zones) {
			t.foreign = true
			return
		}
	}
	z, w := &t.zones[t.at], i.Capacity()
	z.capacity += w
	if z.lightest == 0 || w < z.lightest {
		z.lightest = w
	}
}

// zoneIndex is the zone's place in the group's order; behind all when it has none.
func zoneIndex(g *autoscaling.Group, zone string) int {
	for n := range g.Zones {
		if g.Zones[n].Name == zone {
			return n
		}
	}
	return len(g.Zones)
}

// uneven says whether Spread.Uneven may have something to say.
func (t *UpkeepTally) uneven() bool {
	least := int32(autoscaling.MaxSize)
	for _, z := range t.zones {
		least = min(least, z.capacity)
	}
	for _, z := range t.zones {
		if t.g.ZonePolicy != autoscaling.ZonePriority && z.capacity-least > z.lightest {
			return true
		}
	}
	return t.foreign
}

// Due says whether Upkeep would write, and else when to look again (0: when
// something changes).
func (t *UpkeepTally) Due(r fsm.Reader) (bool, autoscaling.Time) {
	if !t.expired && !t.uneven() && !Holds(t.g, autoscaling.ConditionZoneImbalance) && !t.g.RebalanceAsked {
		return false, t.wake
	}
	p := upkeepOf(r, t.g, t.now, nil)
	return p.due(t.g), autoscaling.Earliest(t.wake, p.wake)
}

func (p *upkeep) due(g *autoscaling.Group) bool {
	return len(p.old)+len(p.oldFirst)+len(p.moves) > 0 || p.askedOver || p.rests && !sameCondition(g, autoscaling.ConditionZoneImbalance, p.uneven)
}

// upkeepOf finds what there is to do. It depends on the state and the time only,
// but for which of equals moves, with LEAST_BUSY.
func upkeepOf(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time, load func(autoscaling.InstanceID) (float64, bool)) *upkeep {
	p := &upkeep{}
	if g.State != autoscaling.GroupActive {
		return p
	}
	by := r.Counts(g.UID)
	above := by.Capacity > g.Desired && !Holds(g, autoscaling.ConditionAboveDesired)
	if launching(by) > 0 || by.Capacity < wanted(g) || above {
		return p
	}
	p.rests = true
	p.findOld(r, g, now)
	if len(p.old)+len(p.oldFirst) > 0 {
		return p // zones another time: both want the same room
	}
	p.findMoves(r, g, now, load)
	return p
}

// launching is how many are on their way in.
func launching(c fsm.Counts) int32 {
	by := c.ByState
	return by[autoscaling.Initial] + by[autoscaling.Pending] + by[autoscaling.PendingWait] + by[autoscaling.PendingProceed]
}

func (p *upkeep) findOld(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) {
	var all []*autoscaling.Instance
	for i := range r.Instances(g.UID) {
		if expired(i, now) {
			all = append(all, i)
		}
	}
	if len(all) == 0 || suspends(g, autoscaling.ProcessTerminate) || suspends(g, autoscaling.ProcessLaunch) {
		return
	}
	found := prospectsOf(r, g, now)
	if found == nil {
		p.wake, _ = heldUntil(r, g, now)
		return
	}
	_, most := g.Maintenance.Percents()
	dip := g.Dip() - r.Counts(g.UID).Unhealthy
	for _, i := range all {
		if len(p.old)+len(p.oldFirst) == maxRetirements {
			return
		}
		if most <= 100 || tooHeavy(r, g, i) {
			if i.Capacity() <= dip || len(p.oldFirst) == 0 {
				p.oldFirst = append(p.oldFirst, i)
				dip -= i.Capacity()
			}
			continue
		}
		if placed, ok := found.place(i, "", expiredWhy(g, i)); ok {
			p.old = append(p.old, placed)
		}
	}
	if len(p.old) > 0 {
		p.oldFirst = nil // not both at once
	}
	if len(p.old)+len(p.oldFirst) == 0 {
		p.wake = nextBackoff(g, now)
	}
}

// nextBackoff is when the next of the group's back-offs ends.
func nextBackoff(g *autoscaling.Group, now autoscaling.Time) autoscaling.Time {
	next := autoscaling.Time(0)
	for _, b := range g.Backoffs {
		if b.Until > now {
			next = autoscaling.Earliest(next, b.Until)
		}
	}
	return next
}

func (p *upkeep) findMoves(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time, load func(autoscaling.InstanceID) (float64, bool)) {
	z := zonesOf(r, g)
	uneven := z.spread.Uneven()
	if uneven == "" {
		p.askedOver = g.RebalanceAsked
		return
	}
	why := ""
	if rebalances(g) && now >= g.RebalanceTime {
		for a := range r.RunningActivities(g.UID) {
			if a.Kind == autoscaling.Rebalance && a.LaunchesFail > 0 {
				p.rests = false // it ends as a failure when the last has left
				return
			}
		}
		if p.moves, why = z.moves(r, g, now, load); len(p.moves) > 0 {
			return
		}
		p.askedOver = g.RebalanceAsked
		p.wake = nextBackoff(g, now)
	} else if rebalances(g) {
		p.wake = g.RebalanceTime
	} else {
		p.wake = nextBackoff(g, now)
	}
	reason, message := imbalanceWhy(g, now, why, heldZone(r, g, now))
	p.uneven = &autoscaling.Condition{Type: autoscaling.ConditionZoneImbalance, Reason: reason, Message: uneven + ": " + message}
}

// Upkeep replaces what is too old, makes zones even, and says why it does not.
func (o Operations) Upkeep(tx *fsm.Tx, group autoscaling.UID) error {
	g := tx.Group(group)
	if g == nil {
		return nil
	}
	p := upkeepOf(tx.Reader, g, tx.Now(), o.Platform.Load)
	if !p.due(g) {
		return nil
	}
	c := *g
	if p.askedOver {
		c.RebalanceAsked = false
	}
	if p.rests {
		if p.uneven != nil {
			raise(tx, &c, p.uneven.Type, p.uneven.Reason, p.uneven.Message)
		} else if len(p.moves)+len(p.old)+len(p.oldFirst) == 0 {
			clearCondition(tx, &c, autoscaling.ConditionZoneImbalance)
		}
	}
	putGroup(tx, &c)
	o.replaceExpired(tx, &c, p)
	if len(p.moves) > 0 {
		o.rebalance(tx, tx.Group(group), autoscaling.Trigger{Kind: autoscaling.TriggerSystem}, "the zones are not even", p.moves)
	}
	return nil
}

// sameCondition says whether the group's condition of the type is the wanted one;
// nil: that it has none.
func sameCondition(g *autoscaling.Group, t autoscaling.ConditionType, want *autoscaling.Condition) bool {
	for _, is := range g.Conditions {
		if is.Type == t {
			return want != nil && is.Reason == want.Reason && is.Message == want.Message
		}
	}
	return want == nil
}
