package main

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var scheduledTasks = &kind{
	noun:       "scheduled-task",
	manifest:   "ScheduledTask",
	collection: "scheduledTasks",
	inGroup:    true,
	short:      "Scheduled tasks: they ask for a rule, or set sizes, at a time",
	empty:      &pb.ScheduledTask{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewScheduledTaskServiceClient(conn).GetScheduledTask(ctx, &pb.GetScheduledTaskRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewScheduledTaskServiceClient(conn).ListScheduledTasks(ctx, &pb.ListScheduledTasksRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewScheduledTaskServiceClient(conn).CreateScheduledTask(ctx, &pb.CreateScheduledTaskRequest{
			Parent: parent, ScheduledTaskId: id, ScheduledTask: m.(*pb.ScheduledTask),
		})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewScheduledTaskServiceClient(conn).UpdateScheduledTask(ctx, &pb.UpdateScheduledTaskRequest{
			ScheduledTask: m.(*pb.ScheduledTask), UpdateMask: mask,
		})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, _ removal) (proto.Message, error) {
		return pb.NewScheduledTaskServiceClient(conn).DeleteScheduledTask(ctx, &pb.DeleteScheduledTaskRequest{Name: name})
	},
	fields: []field{
		{flag: "cron", path: "cron", usage: "minute, hour, day of month, month, day of week"},
		{flag: "time-zone", path: "time_zone", usage: "IANA `name` that the cron times are in (default UTC)"},
		{flag: "start-time", path: "start_time", usage: "without --cron: when to run, once; with it: no run before"},
		{flag: "end-time", path: "end_time", usage: "no run after; only with --cron"},
		{flag: "launch-window", path: "launch_window", usage: "how long after its time a run may still start (default 10m)"},
		{flag: "rule", path: "rule", usage: "`rule` of the group to ask for"},
		{flag: "min", path: "capacity.min_size", usage: "min size to set"},
		{flag: "desired", path: "capacity.desired_capacity", usage: "desired capacity to set"},
		{flag: "max", path: "capacity.max_size", usage: "max size to set"},
		{flag: "enabled", path: "enabled", usage: "whether it runs (default true)"},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(t *pb.ScheduledTask) string { return shortName(t.Name) }),
		output.Col("SCHEDULE", schedule),
		output.Col("ACTION", scheduledAction),
		output.Col("ENABLED", func(t *pb.ScheduledTask) string { return enabled(t.Enabled) }),
		output.Col("NEXT-RUN", func(t *pb.ScheduledTask) string { return output.Time(t.NextRunTime) }),
		output.Col("LAST-RUN", func(t *pb.ScheduledTask) string {
			if t.LastRun == nil {
				return ""
			}
			return t.LastRun.Outcome.String()
		}),
		output.ColAt("AGE", func(t *pb.ScheduledTask, now time.Time) string { return output.Age(t.CreateTime, now) }),
	}, output.InWide(
		output.Col("TIME-ZONE", func(t *pb.ScheduledTask) string { return t.TimeZone }),
		output.Col("WINDOW", func(t *pb.ScheduledTask) string { return output.Span(t.LaunchWindow) }),
		output.Col("LAST-TIME", func(t *pb.ScheduledTask) string { return output.Time(t.GetLastRun().GetTime()) }),
		output.Col("LAST-ACTIVITY", func(t *pb.ScheduledTask) string { return shortName(t.GetLastRun().GetActivity()) }),
		output.Col("LAST-REASON", func(t *pb.ScheduledTask) string { return t.GetLastRun().GetReason() }),
	)...),
}

func schedule(t *pb.ScheduledTask) string {
	if t.GetCron() != "" {
		return t.GetCron()
	}
	return "once at " + output.Time(t.StartTime)
}

func scheduledAction(t *pb.ScheduledTask) string {
	if t.GetRule() != "" {
		return "rule " + output.Last(t.GetRule())
	}
	c := t.GetCapacity()
	if c == nil {
		return ""
	}
	var words []string
	for _, size := range []struct {
		name  string
		value *int32
	}{{"min", c.MinSize}, {"desired", c.DesiredCapacity}, {"max", c.MaxSize}} {
		if size.value != nil {
			words = append(words, size.name+"="+count(size.value))
		}
	}
	return strings.Join(words, " ")
}
