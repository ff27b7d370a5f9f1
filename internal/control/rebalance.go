package control

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// RebalanceGroupRequest asks for a group's zones to be made even.
type RebalanceGroupRequest struct {
	Caller
	Name          GroupName
	HonorCooldown bool
}

// RebalanceGroup opens a REBALANCE activity: instances in zones that the group no
// longer has, and some of the fullest zones, are replaced in the emptiest zone in
// which launches work, launch first. What one activity cannot move, because of
// surge or because it is more than 20, follows in further ones by itself, until
// the zones are even or a launch fails.
func (o Operations) RebalanceGroup(tx *fsm.Tx, req RebalanceGroupRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	a := manual(req.Caller, "asked to rebalance the zones of group "+g.ID)
	a.kind = autoscaling.Rebalance
	a.whileBusy, a.inCooldown = true, !req.HonorCooldown
	z := zonesOf(tx.Reader, g)
	r := admit(tx, g, &a)
	if r == nil {
		r = refuseRebalance(tx.Reader, g, &z)
	}
	var moves []retirement
	if r == nil {
		var why string
		if moves, why = z.moves(tx.Reader, g, tx.Now(), o.Platform.Load); len(moves) == 0 {
			r = refusef(autoscaling.NoChange, "the zones of group %s stay as they are: %s; %s", g.ID, z.spread.Uneven(), why)
		}
	}
	if r != nil {
		return o.refuse(tx, g, &a, r), nil
	}
	a.fired(tx, g)
	c := *g
	c.RebalanceAsked = true
	e := groupEvent(g, autoscaling.EventRebalanceStarted, "", a.who)
	tx.Emit(e)
	return o.rebalance(tx, &c, a.trigger, a.who, moves), nil
}

// refuseRebalance says why zones are not made even now, beside what refuses any
// request.
func refuseRebalance(r fsm.Reader, g *autoscaling.Group, z *zoneState) *refusal {
	for _, p := range []autoscaling.Process{autoscaling.ProcessZoneRebalance, autoscaling.ProcessLaunch, autoscaling.ProcessTerminate} {
		if suspends(g, p) {
			return suspended(g, p)
		}
	}
	for a := range r.RunningActivities(g.UID) {
		if a.Kind == autoscaling.Rebalance {
			return refusef(autoscaling.ActivityRunning, "activity %d (%s) of group %s is in progress", a.ID, a.Kind, g.ID)
		}
	}
	if z.spread.Uneven() == "" {
		return refusef(autoscaling.NoChange, "the zones of group %s are even", g.ID)
	}
	return nil
}

func (o Operations) rebalance(tx *fsm.Tx, g *autoscaling.Group, t autoscaling.Trigger, who string, moves []retirement) *autoscaling.Activity {
	cause := who + ": " + moves[0].why
	if len(moves) > 1 {
		cause = fmt.Sprintf("%s: %d instances move; the first: %s", who, len(moves), moves[0].why)
	}
	return o.retire(tx, g, autoscaling.Activity{Kind: autoscaling.Rebalance, Trigger: t, Cause: cause}, moves)
}

// zoneState is how a group lies in its zones.
type zoneState struct {
	spread  autoscaling.Spread
	movable []*autoscaling.Instance
}

func zonesOf(r fsm.Reader, g *autoscaling.Group) zoneState {
	z := zoneState{spread: autoscaling.Spread{Group: &g.GroupSpec}}
	gone := retiring(r, g.UID)
	for i := range r.Instances(g.UID) {
		if i.State.Counted() && !gone[i.ID] {
			z.spread.Add(i)
			z.movable = append(z.movable, i)
		}
	}
	return z
}

// moves are those that can begin now; where there are none, why.
func (z *zoneState) moves(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time, load func(autoscaling.InstanceID) (float64, bool)) ([]retirement, string) {
	uneven := z.spread.Uneven()
	if uneven == "" {
		return nil, ""
	}
	p := prospectsOf(r, g, now)
	if p == nil {
		return nil, noProspects(r, g, now)
	}
	var found []retirement
	rules := autoscaling.VictimRules{Group: g, Load: load}
	for _, m := range z.spread.Moves(rules, z.movable, p.open, maxRetirements, p.room) {
		if placed, ok := p.place(m.Instance, m.To, m.Why); ok {
			found = append(found, placed)
		}
	}
	if len(found) == 0 {
		return nil, nobodyMoves(r, g, now)
	}
	return found, ""
}

// noProspects says why no replacement can be launched now.
func noProspects(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) string {
	for _, p := range []autoscaling.Process{autoscaling.ProcessLaunch, autoscaling.ProcessTerminate} {
		if suspends(g, p) {
			return fmt.Sprintf("process %s is suspended", p)
		}
	}
	if _, last := heldUntil(r, g, now); last != "" {
		return "launches are held after failures; the last: " + last
	}
	for _, c := range g.Conditions {
		switch c.Type {
		case autoscaling.ConditionLaunchSuspended, autoscaling.ConditionNoConfiguration, autoscaling.ConditionProviderDown:
			return c.Message
		}
	}
	return "there is no room for a replacement within max_size and surge"
}

// nobodyMoves says why nobody can move although zones are open.
func nobodyMoves(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) string {
	if held := heldZone(r, g, now); held != "" {
		return held
	}
	return "those in the fuller zones are protected, not in service, or count for too much"
}

// heldZone tells of a zone in which launches are held now; "" when there is none.
func heldZone(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) string {
	v := configurationOf(r, g)
	if v == nil {
		return ""
	}
	open, _ := openPlacements(g, v, now)
	for _, z := range g.Zones {
		if slices.Contains(open, z.Name) {
			continue
		}
		for _, b := range g.Backoffs {
			if b.Zone == z.Name {
				return fmt.Sprintf("launches in zone %s are held until %s after %d failures; the last: %s", z.Name, b.Until, b.Failures, b.Error)
			}
		}
	}
	return ""
}
