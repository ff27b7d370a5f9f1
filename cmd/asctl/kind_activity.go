package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var activities = &kind{
	noun:       "activity",
	collection: "activities",
	inGroup:    true,
	short:      "Activities: what was done, or refused, and why",
	empty:      &pb.Activity{},
	// A group may have thousands; the newest come first.
	listLimit: 50,
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewActivityServiceClient(conn).GetActivity(ctx, &pb.GetActivityRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewActivityServiceClient(conn).ListActivities(ctx, &pb.ListActivitiesRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	describe: describeActivity,
	columns: append([]output.Column{
		output.Col("NAME", func(a *pb.Activity) string { return shortName(a.Name) }),
		output.Col("KIND", func(a *pb.Activity) string { return a.Kind.String() }),
		output.Col("STATUS", func(a *pb.Activity) string { return a.Status.String() }),
		output.Col("REASON", func(a *pb.Activity) string { return a.Reason }),
		output.Col("TRIGGER", func(a *pb.Activity) string { return a.GetTrigger().GetKind().String() }),
		output.Col("CAPACITY", capacityChange),
		output.Col("PROGRESS", func(a *pb.Activity) string {
			if a.ProgressPercent == nil {
				return ""
			}
			return count(a.ProgressPercent) + "%"
		}),
		output.ColAt("AGE", func(a *pb.Activity, now time.Time) string { return output.Age(a.StartTime, now) }),
		output.Col("CAUSE", func(a *pb.Activity) string { return a.Cause }),
	}, output.InWide(
		output.Col("START", func(a *pb.Activity) string { return output.Millis(a.StartTime) }),
		output.Col("END", func(a *pb.Activity) string { return output.Millis(a.EndTime) }),
		output.Col("CONFIGURATION", func(a *pb.Activity) string { return versionOf(a.Configuration) }),
		output.Col("REPEATS", func(a *pb.Activity) string { return count(a.Repeats) }),
		output.Col("MESSAGE", func(a *pb.Activity) string { return a.Message }),
	)...),
}

func capacityChange(a *pb.Activity) string {
	if a.FromCapacity == nil || a.ToCapacity == nil {
		return ""
	}
	return count(a.FromCapacity) + "->" + count(a.ToCapacity)
}
