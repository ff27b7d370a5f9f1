package control_test

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control/controltest"
)

// keepingSpec sets what is named of a group's upkeep.
func keepingSpec(a args, g *autoscaling.GroupSpec) {
	g.Maintenance.MinHealthyPercent = a.number("min-healthy", g.Maintenance.MinHealthyPercent)
	g.Maintenance.MaxHealthyPercent = a.number("max-healthy", g.Maintenance.MaxHealthyPercent)
	g.MaxInstanceLifetime = a.duration("lifetime", g.MaxInstanceLifetime)
	if v, ok := a.named["rebalance"]; ok {
		g.ZoneRebalance = v == "on"
	}
	if v, ok := a.named["zone-policy"]; ok {
		g.ZonePolicy = autoscaling.ZonePolicy(v)
	}
	if policies := a.list("policies"); policies != nil {
		g.TerminationPolicies = nil
		for _, p := range policies {
			g.TerminationPolicies = append(g.TerminationPolicies, autoscaling.TerminationRule(p))
		}
	}
	g.KeepProtectedUnhealthy = g.KeepProtectedUnhealthy || a.has("keep-protected")
}

// victims prints whom an activity took out, and why.
func (s *story) victims(a args) {
	for _, v := range s.View().Activity(autoscaling.ActivityID(number(a.word(1)))).Victims {
		fmt.Fprintf(&s.out, "= %s %s\n", short(v.Instance), shorten(v.Why))
	}
}

func newWorld() *controltest.World { return controltest.New() }
