package main

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func describeGroup(d *describer, m proto.Message) {
	g := m.(*pb.Group)
	c := g.GetCounts()
	d.fact("Name", g.Name)
	d.fact("ARI", g.Ari)
	d.fact("UID", g.Uid)
	d.fact("Status", groupStatus(g))
	d.fact("Capacity", fmt.Sprintf("desired %s, min %s, max %s", count(g.DesiredCapacity), count(g.MinSize), count(g.MaxSize)))
	d.fact("Instances", fmt.Sprintf("%d counted, %d in service, %d initial, %d pending, %d waiting, %d standby, %d leaving, %d unhealthy, %d in all",
		c.GetCounted(), c.GetInService(), c.GetInitial(), c.GetPending(), c.GetWaiting(), c.GetStandby(), c.GetTerminating(), c.GetUnhealthy(), c.GetTotal()))
	d.fact("Configuration", configurationOf(g.Configuration))
	d.fact("Zones", list(g.Zones, func(z *pb.Group_Zone) string { return z.Zone }))
	d.fact("Balancers", list(g.Balancers, func(b *pb.Group_Balancer) string { return b.Provider + "/" + b.Pool }))
	d.fact("Access lists", list(g.AccessLists, func(l *pb.Group_AccessList) string { return l.Provider + "/" + l.List }))
	d.fact("Health checks", list(g.GetHealthCheck().GetTypes(), pb.HealthCheck_Type.String))
	if m := g.Maintenance; m != nil {
		d.fact("Maintenance", fmt.Sprintf("%s%% to %s%% of desired", count(m.MinHealthyPercent), count(m.MaxHealthyPercent)))
	}
	if g.MaxInstanceLifetime.AsDuration() > 0 {
		d.fact("Max lifetime", output.Span(g.MaxInstanceLifetime))
	}
	if g.DeletionProtection > pb.Group_DeletionProtection_NONE {
		d.fact("Deletion protection", g.DeletionProtection.String())
	}
	d.fact("Default cooldown", output.Span(g.DefaultCooldown))
	d.fact("Cooldown ends in", output.Until(g.CooldownUntil, d.now))
	d.fact("Suspended", list(g.SuspendedProcesses, pb.Group_Process.String))
	d.fact("Labels", labels(g.Labels))
	d.when("Created", g.CreateTime)
	d.when("Updated", g.UpdateTime)
	var rows [][]string
	for _, c := range g.Conditions {
		rows = append(rows, []string{c.Type, c.Status.String(), c.Reason, output.Age(c.Time, d.now), c.Message})
	}
	d.part("Conditions", rows)
}
