package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type describeOptions struct {
	app         *app
	kind        *kind
	name        string
	consistency pb.Consistency
}

func newDescribe(a *app, k *kind, run func(context.Context, *describeOptions) error) *cobra.Command {
	o := &describeOptions{app: a, kind: k}
	stale := false
	c := &cobra.Command{
		Use:               "describe " + k.form(""),
		Short:             "Show everything about one, for people",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(k),
		RunE: func(c *cobra.Command, args []string) error {
			o.consistency = consistency(stale)
			var err error
			if o.name, err = a.fullName(k, args[0]); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	registerStale(c, &stale)
	return c
}

func (o *describeOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	m, err := o.kind.get(ctx, conn, o.name, o.consistency)
	if err != nil {
		return err
	}
	if a.global.formatGiven && a.global.format != output.Table && a.global.format != output.Wide {
		return a.printer().One(m, o.kind.columns)
	}
	d := &describer{now: a.now(), w: tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)}
	o.kind.describe(d, m)
	return d.w.Flush()
}

// describer writes one fact per line. Facts that are empty are left out.
type describer struct {
	w   *tabwriter.Writer
	now time.Time
}

func (d *describer) fact(name, value string) {
	if value != "" {
		fmt.Fprintf(d.w, "%s:\t%s\n", name, value)
	}
}

func (d *describer) when(name string, t *timestamppb.Timestamp) {
	if t != nil {
		d.fact(name, output.Millis(t)+" ("+output.Age(t, d.now)+" ago)")
	}
}

// part begins an indented part with a table in it.
func (d *describer) part(name string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	_ = d.w.Flush()
	fmt.Fprintf(d.w, "%s:\n", name)
	for _, row := range rows {
		fmt.Fprintf(d.w, "  %s\n", strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	_ = d.w.Flush()
}

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

func describeInstance(d *describer, m proto.Message) {
	i := m.(*pb.Instance)
	d.fact("Name", i.Name)
	d.fact("ARI", i.Ari)
	d.fact("UID", i.Uid)
	d.fact("State", i.State.String())
	d.fact("Health", i.Health.String())
	d.fact("Reason", i.StatusReason)
	d.fact("Zone", i.Zone)
	d.fact("Addresses", strings.Join(i.Addresses, ", "))
	d.fact("Configuration", versionOf(i.Configuration))
	d.fact("Instance type", i.InstanceType)
	d.fact("Provider", i.Provider)
	d.fact("Machine", i.MachineId)
	d.when("Machine created", i.MachineCreateTime)
	d.fact("Origin", i.Origin.String())
	d.fact("Protected", yesNo(i.Protected))
	d.fact("Weight", count(i.Weight))
	d.fact("Warm in", output.Until(i.WarmUntil, d.now))
	d.fact("Activity", shortName(i.Activity))
	d.fact("Labels", labels(i.Labels))
	d.when("Created", i.CreateTime)
	var rows [][]string
	for _, b := range i.GetAttachments().GetBalancers() {
		rows = append(rows, []string{"balancer", fmt.Sprintf("%s/%s:%d", b.Provider, b.Pool, b.Port), b.State.String()})
	}
	for _, l := range i.GetAttachments().GetAccessLists() {
		rows = append(rows, []string{"access list", l.Provider + "/" + l.List, l.State.String()})
	}
	d.part("Attachments", rows)
	d.part("Timeline", timeline(i))
}

func describeActivity(d *describer, m proto.Message) {
	a := m.(*pb.Activity)
	t := a.GetTrigger()
	d.fact("Name", a.Name)
	d.fact("ARI", a.Ari)
	d.fact("UID", a.Uid)
	d.fact("Kind", a.Kind.String())
	d.fact("Status", a.Status.String())
	d.fact("Reason", a.Reason)
	d.fact("Message", a.Message)
	d.fact("Cause", a.Cause)
	d.fact("Trigger", strings.Join(slices.DeleteFunc([]string{t.GetKind().String(), t.GetSource(), t.GetPrincipal()}, func(s string) bool { return s == "" }), " "))
	d.fact("Rule", t.GetRule())
	d.fact("Request id", t.GetRequestId())
	d.fact("Capacity", capacityChange(a))
	d.fact("Instances", count(a.Count))
	d.fact("Configuration", versionOf(a.Configuration))
	if a.ProgressPercent != nil {
		d.fact("Progress", count(a.ProgressPercent)+"%")
	}
	d.when("Started", a.StartTime)
	d.when("Ended", a.EndTime)
	if a.GetRepeats() > 1 {
		d.fact("Repeats", count(a.Repeats))
		d.when("Last", a.LastTime)
	}
	for _, note := range a.Notes {
		d.fact("Note", note)
	}
	var rows [][]string
	for _, i := range a.Instances {
		rows = append(rows, []string{output.Last(i.Instance), i.Direction.String(), i.Status.String(), count(i.ProgressPercent) + "%", i.Cause, i.Error})
	}
	d.part("Moves", rows)
}

// timeline is the instance's life: states at the margin, their steps indented.
func timeline(i *pb.Instance) [][]string {
	var rows [][]string
	for _, e := range i.Timeline {
		what := "  " + e.GetStep()
		if e.GetState() != pb.Instance_STATE_UNSPECIFIED {
			what = e.GetState().String()
		}
		rows = append(rows, []string{output.Millis(e.Time), what, e.Message})
	}
	return rows
}

// writeTimeline is what the wide form of one instance has below its row.
func (a *app) writeTimeline(i *pb.Instance) error {
	if _, err := io.WriteString(a.out, "\n"); err != nil {
		return err
	}
	return output.WriteTable(a.out, append([][]string{{"TIME", "STATE", "MESSAGE"}}, timeline(i)...), false)
}

func labels(m map[string]string) string {
	var words []string
	for _, key := range sortedKeys(m) {
		words = append(words, key+"="+m[key])
	}
	return strings.Join(words, ", ")
}
