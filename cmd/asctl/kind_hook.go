package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var hooks = &kind{
	noun:       "hook",
	manifest:   "LifecycleHook",
	collection: "lifecycleHooks",
	inGroup:    true,
	short:      "Lifecycle hooks: instances wait for a program on their way in or out",
	empty:      &pb.LifecycleHook{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewLifecycleHookServiceClient(conn).GetLifecycleHook(ctx, &pb.GetLifecycleHookRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewLifecycleHookServiceClient(conn).ListLifecycleHooks(ctx, &pb.ListLifecycleHooksRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewLifecycleHookServiceClient(conn).CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{Parent: parent, LifecycleHookId: id, LifecycleHook: m.(*pb.LifecycleHook)})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewLifecycleHookServiceClient(conn).UpdateLifecycleHook(ctx, &pb.UpdateLifecycleHookRequest{LifecycleHook: m.(*pb.LifecycleHook), UpdateMask: mask})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, _ removal) (proto.Message, error) {
		return pb.NewLifecycleHookServiceClient(conn).DeleteLifecycleHook(ctx, &pb.DeleteLifecycleHookRequest{Name: name})
	},
	fields: []field{
		{flag: "transition", path: "transition", usage: "which way it holds instances"},
		{flag: "heartbeat-timeout", path: "heartbeat_timeout", usage: "how long an instance waits without a heartbeat (default 1h)"},
		{flag: "default-result", path: "default_result", usage: "what a wait ends with whose deadline passes (default ABANDON)", except: "ROLLBACK"},
		{flag: "target", path: "notification_target", usage: "notification `target` that gets the notices", of: notificationTargets},
		{flag: "metadata", path: "metadata", usage: "`text` for the program, copied into the notices; @FILE reads it", fromFile: true},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(h *pb.LifecycleHook) string { return shortName(h.Name) }),
		output.Col("TRANSITION", func(h *pb.LifecycleHook) string { return h.Transition.String() }),
		output.Col("TIMEOUT", func(h *pb.LifecycleHook) string { return output.Span(h.HeartbeatTimeout) }),
		output.Col("DEFAULT", func(h *pb.LifecycleHook) string { return resultWord(h.DefaultResult) }),
		output.Col("TARGET", func(h *pb.LifecycleHook) string { return output.Last(h.NotificationTarget) }),
		output.ColAt("AGE", func(h *pb.LifecycleHook, now time.Time) string { return output.Age(h.CreateTime, now) }),
	}, output.InWide(
		output.Col("METADATA", func(h *pb.LifecycleHook) string { return output.Line(h.Metadata) }),
		output.Col("ARI", func(h *pb.LifecycleHook) string { return h.Ari }),
	)...),
}

// resultWord is empty where there is no result yet.
func resultWord(r pb.LifecycleHook_Result) string {
	if r == pb.LifecycleHook_RESULT_UNSPECIFIED {
		return ""
	}
	return r.String()
}
