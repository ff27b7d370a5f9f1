package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var groups = &kind{
	noun:       "group",
	manifest:   "Group",
	collection: "groups",
	short:      "Groups: a wanted number of instances, kept",
	empty:      &pb.Group{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewGroupServiceClient(conn).GetGroup(ctx, &pb.GetGroupRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewGroupServiceClient(conn).ListGroups(ctx, &pb.ListGroupsRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewGroupServiceClient(conn).CreateGroup(ctx, &pb.CreateGroupRequest{Parent: parent, GroupId: id, Group: m.(*pb.Group)})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewGroupServiceClient(conn).UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: m.(*pb.Group), UpdateMask: mask})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, how removal) (proto.Message, error) {
		return pb.NewGroupServiceClient(conn).DeleteGroup(ctx, &pb.DeleteGroupRequest{Name: name, Force: how.force, SkipHooks: how.skipHooks})
	},
	describe: describeGroup,
	fields: []field{
		{flag: "min", path: "min_size", usage: "fewest instances"},
		{flag: "max", path: "max_size", usage: "most instances"},
		{flag: "desired", path: "desired_capacity", usage: "wanted instances (default: min)"},
		{flag: "configuration", path: "configuration", usage: "`ID[@VERSION]` to launch from; VERSION is a number, LATEST (the default) or DEFAULT", message: parseConfigurationReference, of: configurations},
		{flag: "balancer", path: "balancers", usage: "register with `PROVIDER/POOL[:PORT][,weight=N][,drain=DURATION]`; may be repeated", message: parseBalancer},
		{flag: "access-list", path: "access_lists", usage: "enter addresses in `PROVIDER/LIST`; may be repeated", message: parseAccessList},
		{flag: "zone", path: "zones", usage: "launch in `ZONE[:NETWORK]`; may be repeated", message: parseZone},
		{flag: "zone-policy", path: "zone_policy", usage: "how zones are chosen"},
		{flag: "zone-rebalance", path: "zone_rebalance", usage: "move instances when zones are out of balance"},
		{flag: "desired-mode", path: "desired_mode", usage: "whether desired is kept, or follows what is there"},
		{flag: "cooldown", path: "default_cooldown", usage: "how long alarms are refused after an activity (default 300s)"},
		{flag: "cooldown-scope", path: "cooldown_scope", usage: "what a cooldown refuses"},
		{flag: "warmup", path: "default_warmup", usage: "how long a new instance does not count for metrics (default: the cooldown)"},
		{flag: "health-check", path: "health_check.types", usage: "who says how instances are; may be repeated"},
		{flag: "grace-period", path: "health_check.grace_period", usage: "how long failing checks of a new instance do not count"},
		{flag: "storm-threshold", path: "health_check.storm_threshold", usage: "`percent` of instances whose loss at once holds replacement (default 50)"},
		{flag: "probe-http", path: "health_check.probe.http", usage: "`path` to probe"},
		{flag: "probe-tcp", path: "health_check.probe.tcp", usage: "probe by connecting"},
		{flag: "probe-port", path: "health_check.probe.port", usage: "`port` to probe (default: the configuration's first)"},
		{flag: "probe-interval", path: "health_check.probe.interval", usage: "time between two probes (default 10s)"},
		{flag: "probe-timeout", path: "health_check.probe.timeout", usage: "how long a probe may take (default 5s)"},
		{flag: "probe-unhealthy-threshold", path: "health_check.probe.unhealthy_threshold", usage: "failures in a row that are unhealthy (default 3)"},
		{flag: "probe-healthy-threshold", path: "health_check.probe.healthy_threshold", usage: "successes in a row that are healthy (default 1)"},
		{flag: "termination-policy", path: "termination_policies", usage: "who goes first; may be repeated, each filters what the one before left"},
		{flag: "attached-last", path: "attached_last", usage: "attached instances go last"},
		{flag: "new-instances-protected", path: "new_instances_protected", usage: "protect new instances from scale-in"},
		{flag: "keep-protected-unhealthy", path: "keep_protected_unhealthy", usage: "keep protected instances when they are unhealthy"},
		{flag: "min-healthy-percent", path: "maintenance.min_healthy_percent", usage: "so much of desired stays in service while instances are replaced (default 90); 100: launch first"},
		{flag: "max-healthy-percent", path: "maintenance.max_healthy_percent", usage: "so much of desired there may be while instances are replaced (default 110)"},
		{flag: "max-instance-lifetime", path: "max_instance_lifetime", usage: "replace instances that are older, a few at a time; 0s: never (default)"},
		{flag: "hook", path: "hooks", usage: "hold instances with the hook `ID:TRANSITION[,timeout=DURATION][,default=RESULT][,target=ID][,metadata=TEXT]` from the first on; may be repeated", message: parseHook, createOnly: true},
		{flag: "launch-timeout", path: "launch_timeout", usage: "how long an instance may take to become healthy (default 10m)"},
		{flag: "launch-failure-limit", path: "launch_failure_limit", usage: "failed launches in a row after which one at a time is tried (default 10)"},
		{flag: "suspended-process", path: "suspended_processes", usage: "processes that do not run; may be repeated"},
		{flag: "deletion-protection", path: "deletion_protection", usage: "which deletions are refused"},
		{flag: "paused", path: "paused", usage: "begin paused", createOnly: true},
		{flag: "propagate-label", path: "propagated_labels", usage: "`key` of a label that machines get too; may be repeated"},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(g *pb.Group) string { return shortName(g.Name) }),
		output.Col("STATUS", groupStatus),
		output.Col("DESIRED", func(g *pb.Group) string { return count(g.DesiredCapacity) }),
		output.Col("MIN", func(g *pb.Group) string { return count(g.MinSize) }),
		output.Col("MAX", func(g *pb.Group) string { return count(g.MaxSize) }),
		output.Col("COUNTED", func(g *pb.Group) string { return count(g.GetCounts().GetCounted()) }),
		output.Col("IN-SERVICE", func(g *pb.Group) string { return count(g.GetCounts().GetInService()) }),
		output.Col("CONFIGURATION", func(g *pb.Group) string { return configurationOf(g.Configuration) }),
		output.ColAt("AGE", func(g *pb.Group, now time.Time) string { return output.Age(g.CreateTime, now) }),
	}, output.InWide(
		output.Col("PENDING", func(g *pb.Group) string {
			return count(g.GetCounts().GetInitial() + g.GetCounts().GetPending() + g.GetCounts().GetWaiting())
		}),
		output.Col("LEAVING", func(g *pb.Group) string { return count(g.GetCounts().GetTerminating()) }),
		output.Col("UNHEALTHY", func(g *pb.Group) string { return count(g.GetCounts().GetUnhealthy()) }),
		output.Col("TOTAL", func(g *pb.Group) string { return count(g.GetCounts().GetTotal()) }),
		output.ColAt("COOLDOWN", func(g *pb.Group, now time.Time) string { return output.Until(g.CooldownUntil, now) }),
		output.Col("BALANCERS", func(g *pb.Group) string {
			return list(g.Balancers, func(b *pb.Group_Balancer) string { return b.Provider + "/" + b.Pool })
		}),
		output.Col("ACCESS-LISTS", func(g *pb.Group) string {
			return list(g.AccessLists, func(l *pb.Group_AccessList) string { return l.Provider + "/" + l.List })
		}),
	)...),
}

// groupStatus is the state and the conditions that hold.
func groupStatus(g *pb.Group) string {
	words := []string{g.State.String()}
	for _, c := range g.Conditions {
		if c.Status == pb.Condition_TRUE {
			words = append(words, c.Type)
		}
	}
	return strings.Join(words, ",")
}

func configurationOf(r *pb.Group_ConfigurationReference) string {
	if r.GetName() == "" {
		return ""
	}
	name := output.Last(r.Name)
	switch v := r.GetVersion().AsInterface().(type) {
	case float64:
		return name + "@" + strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if v != "LATEST" {
			return name + "@" + v
		}
	}
	return name
}

// count is a number, which may be a pointer to one.
func count[N int32 | *int32](n N) string {
	switch n := any(n).(type) {
	case int32:
		return strconv.Itoa(int(n))
	case *int32:
		if n != nil {
			return strconv.Itoa(int(*n))
		}
	}
	return ""
}

// list joins what is said of each.
func list[T any](all []T, say func(T) string) string {
	var words []string
	for _, one := range all {
		words = append(words, say(one))
	}
	return strings.Join(words, ",")
}
