package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// lifecycleActions are the holds of hooks on instances: "hook pending" lists them.
var lifecycleActions = &kind{
	noun:       "action",
	collection: "lifecycleActions",
	inGroup:    true,
	empty:      &pb.LifecycleAction{},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewLifecycleHookServiceClient(conn).ListLifecycleActions(ctx, &pb.ListLifecycleActionsRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	columns: append([]output.Column{
		output.Col("INSTANCE", func(w *pb.LifecycleAction) string { return shortName(w.Instance) }),
		output.Col("HOOK", func(w *pb.LifecycleAction) string { return output.Last(w.Hook) }),
		output.Col("TRANSITION", func(w *pb.LifecycleAction) string { return w.Transition.String() }),
		output.ColAt("LEFT", timeLeft),
		output.Col("THEN", func(w *pb.LifecycleAction) string { return resultWord(w.DefaultResult) }),
		output.Col("TOKEN", func(w *pb.LifecycleAction) string { return w.Token }),
	}, output.InWide(
		output.ColAt("WAITS", func(w *pb.LifecycleAction, now time.Time) string { return output.Age(w.StartTime, now) }),
		output.Col("DEADLINE", func(w *pb.LifecycleAction) string { return output.Time(w.Deadline) }),
		output.Col("LAST-DEADLINE", func(w *pb.LifecycleAction) string { return output.Time(w.LastDeadline) }),
		output.Col("ACTIVITY", func(w *pb.LifecycleAction) string { return shortName(w.Activity) }),
		output.Col("RESULT", func(w *pb.LifecycleAction) string { return resultWord(w.Result) }),
		output.Col("METADATA", func(w *pb.LifecycleAction) string { return output.Line(w.Metadata) }),
	)...),
}

// timeLeft counts down to the deadline.
func timeLeft(w *pb.LifecycleAction, now time.Time) string {
	switch {
	case w.EndTime != nil || w.Deadline == nil:
		return ""
	case !w.Deadline.AsTime().After(now):
		return "0s"
	}
	return output.Until(w.Deadline, now)
}
