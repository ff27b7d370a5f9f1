package main

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var alarmTasks = &kind{
	noun:       "alarm-task",
	manifest:   "AlarmTask",
	collection: "alarmTasks",
	inGroup:    true,
	short:      "Alarm tasks: they watch a metric and ask for rules",
	empty:      &pb.AlarmTask{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewAlarmTaskServiceClient(conn).GetAlarmTask(ctx, &pb.GetAlarmTaskRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewAlarmTaskServiceClient(conn).ListAlarmTasks(ctx, &pb.ListAlarmTasksRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewAlarmTaskServiceClient(conn).CreateAlarmTask(ctx, &pb.CreateAlarmTaskRequest{
			Parent: parent, AlarmTaskId: id, AlarmTask: m.(*pb.AlarmTask),
		})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewAlarmTaskServiceClient(conn).UpdateAlarmTask(ctx, &pb.UpdateAlarmTaskRequest{AlarmTask: m.(*pb.AlarmTask), UpdateMask: mask})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, _ removal) (proto.Message, error) {
		return pb.NewAlarmTaskServiceClient(conn).DeleteAlarmTask(ctx, &pb.DeleteAlarmTaskRequest{Name: name})
	},
	fields: []field{
		{flag: "metric", path: "metric.name", usage: "`name` of the metric, e.g. cpu_utilization"},
		{flag: "source", path: "metric.source", usage: "metric `source`: provider, push (the default) or one of the servers'"},
		{flag: "metric-namespace", path: "metric.namespace", usage: "`namespace` in the source's terms"},
		{flag: "dimension", path: "metric.dimensions", usage: "dimension in the source's terms; may be repeated"},
		{flag: "statistic", path: "metric.statistic", usage: "how a period's samples become a point"},
		{flag: "period", path: "period", usage: "how long each point covers (default 60s)"},
		{flag: "comparison", path: "comparison", usage: "point, comparison, threshold"},
		{flag: "threshold", path: "threshold", usage: "value in the metric's unit"},
		{flag: "evaluation-periods", path: "evaluation_periods", usage: "how many points are looked at (default 1)"},
		{flag: "datapoints-to-alarm", path: "datapoints_to_alarm", usage: "how many of them must breach (default: all)"},
		{flag: "rule", path: "rules", usage: "`rule` of the group to ask for; may be repeated"},
		{flag: "enabled", path: "enabled", usage: "whether it is evaluated (default true)"},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(t *pb.AlarmTask) string { return shortName(t.Name) }),
		output.Col("STATE", func(t *pb.AlarmTask) string { return t.State.String() }),
		output.Col("CONDITION", alarmCondition),
		output.Col("RULES", func(t *pb.AlarmTask) string { return list(t.Rules, output.Last) }),
		output.Col("ENABLED", func(t *pb.AlarmTask) string { return enabled(t.Enabled) }),
		output.ColAt("SINCE", func(t *pb.AlarmTask, now time.Time) string { return output.Age(t.StateTime, now) }),
		output.ColAt("AGE", func(t *pb.AlarmTask, now time.Time) string { return output.Age(t.CreateTime, now) }),
	}, output.InWide(
		output.Col("SOURCE", func(t *pb.AlarmTask) string { return t.GetMetric().GetSource() }),
		output.Col("PERIOD", func(t *pb.AlarmTask) string { return output.Span(t.Period) }),
		output.Col("POINTS", func(t *pb.AlarmTask) string {
			return count(t.DatapointsToAlarm) + " of " + count(t.EvaluationPeriods)
		}),
		output.Col("REASON", func(t *pb.AlarmTask) string { return t.StateReason }),
	)...),
}

var comparisons = map[pb.AlarmTask_Comparison]string{
	pb.AlarmTask_GREATER_THAN:          ">",
	pb.AlarmTask_GREATER_THAN_OR_EQUAL: ">=",
	pb.AlarmTask_LESS_THAN:             "<",
	pb.AlarmTask_LESS_THAN_OR_EQUAL:    "<=",
}

// alarmCondition is e.g. "AVERAGE cpu_utilization > 70".
func alarmCondition(t *pb.AlarmTask) string {
	return t.GetMetric().GetStatistic().String() + " " + t.GetMetric().GetName() + " " + comparisons[t.Comparison] + " " +
		strconv.FormatFloat(t.GetThreshold(), 'g', -1, 64)
}
