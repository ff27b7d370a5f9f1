package plan_test

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// keepingSpec draws how a group is kept: its maintenance, lifetimes and zones.
func (s *simulation) keepingSpec(spec *autoscaling.GroupSpec) {
	spec.Maintenance = []autoscaling.Maintenance{
		{}, {MinHealthyPercent: 100, MaxHealthyPercent: 110}, {MinHealthyPercent: 100, MaxHealthyPercent: 200},
		{MinHealthyPercent: 50, MaxHealthyPercent: 100}, {MinHealthyPercent: 0, MaxHealthyPercent: 100},
	}[s.rng.IntN(5)]
	if s.rng.IntN(3) == 0 {
		spec.MaxInstanceLifetime = time.Duration(1+s.rng.IntN(10)) * s.old
	}
	spec.ZoneRebalance = s.rng.IntN(2) == 0
	if s.rng.IntN(4) == 0 {
		spec.ZonePolicy = autoscaling.ZonePriority
	}
	spec.TerminationPolicies = [][]autoscaling.TerminationRule{
		nil, {autoscaling.TerminateNewestInstance}, {autoscaling.TerminateOldestConfiguration, autoscaling.TerminateRandomSeeded},
		{autoscaling.TerminateLeastBusy},
	}[s.rng.IntN(4)]
	spec.KeepProtectedUnhealthy = s.rng.IntN(4) == 0
}

// personKeeps is what people do to how a group is kept.
func (s *simulation) personKeeps(name control.GroupName, act func(string, func(*fsm.Tx) error)) {
	switch s.rng.IntN(4) {
	case 0, 1:
		act("rebalance", func(tx *fsm.Tx) error {
			_, err := s.ops.RebalanceGroup(tx, control.RebalanceGroupRequest{Name: name})
			return err
		})
	case 2:
		act("change upkeep", func(tx *fsm.Tx) error {
			_, err := s.ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: name, Change: func(_ *autoscaling.Meta, spec *autoscaling.GroupSpec) error {
				s.keepingSpec(spec)
				return nil
			}})
			return err
		})
	case 3:
		act("change zones", func(tx *fsm.Tx) error {
			_, err := s.ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: name, Change: func(_ *autoscaling.Meta, spec *autoscaling.GroupSpec) error {
				spec.Zones = [][]autoscaling.Zone{
					{{Name: "a"}, {Name: "b"}}, {{Name: "a"}}, {{Name: "b"}, {Name: "a"}}, {{Name: "a"}, {Name: "b"}, {Name: "c"}},
				}[s.rng.IntN(4)]
				return nil
			}})
			return err
		})
	}
}

// checkReplacements: of a pair that changes places, the old one leaves by our
// doing only when the new one has served.
func (s *simulation) checkReplacements(v fsm.View, g *autoscaling.Group) {
	replacing := 0
	for i := range v.Instances(g.UID) {
		if !i.Replacing() {
			continue
		}
		replacing++
		if i.Activity == 0 {
			s.fail("%s replaces %s by nobody's activity", i.ID, i.Replaces)
		}
		if was := v.Instance(g.UID, i.Replaces); was != nil && was.Leaving == i.Activity && was.Leaving != 0 {
			s.fail("%s leaves by activity %d before %s serves", was.ID, was.Leaving, i.ID)
		}
	}
	if n := int(v.Counts(g.UID).Replacing); n != replacing {
		s.fail("group %s counts %d replacements and has %d", g.ID, n, replacing)
	}
}

// liveForEver ends lifetimes: a group whose instances grow old never rests.
func (s *simulation) liveForEver(name control.GroupName) {
	s.do("calm: no lifetime", func(tx *fsm.Tx) error {
		_, err := s.ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: name, Change: func(_ *autoscaling.Meta, spec *autoscaling.GroupSpec) error {
			spec.MaxInstanceLifetime = 0
			return nil
		}})
		return err
	})
}

// checkBound: launches keep the bound of their moment; people may lower it later,
// and what comes back from standby, or by a ROLLBACK, is no launch.
func (s *simulation) checkBound(g *autoscaling.Group, used int32) {
	unproven := s.view().Counts(g.UID).Unproven
	launched := unproven > s.unproven[g.UID]
	s.unproven[g.UID] = unproven
	if bound := g.Max + g.SurgeAt(g.Max); launched && used > bound && used > s.used[g.UID] {
		s.fail("group %s: %d counted or unproven, above the bound %d", g.ID, used, bound)
	}
	s.used[g.UID] = used
}

// complaint is a condition that should not hold at rest. Zones that nobody is to
// make even stay as they are; that launches failed is known until one is needed.
func complaint(g *autoscaling.Group) string {
	for _, c := range g.Conditions {
		switch {
		case c.Type == autoscaling.ConditionZoneImbalance && !g.ZoneRebalance:
		case c.Type == autoscaling.ConditionLaunchSuspended:
		default:
			return string(c.Type) + ": " + c.Message
		}
	}
	return ""
}

// uneven is what is still to be made even in a group that rebalances its zones.
func uneven(v fsm.View, g *autoscaling.Group) string {
	spread := autoscaling.Spread{Group: &g.GroupSpec}
	for i := range v.Instances(g.UID) {
		if i.State.Counted() {
			spread.Add(i)
		}
	}
	if !g.ZoneRebalance {
		return ""
	}
	return spread.Uneven()
}
