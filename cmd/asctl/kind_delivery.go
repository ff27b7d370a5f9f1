package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// deliveries and deadLetters are listed by verbs of notification-target.
var deliveries = &kind{
	noun:       "delivery",
	collection: "deliveries",
	in:         notificationTargets,
	empty:      &pb.Delivery{},
	listLimit:  50,
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).ListDeliveries(ctx, &pb.ListDeliveriesRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	columns: deliveryColumns,
}

var deadLetters = &kind{
	noun:       "dead-letter",
	collection: "deadLetters",
	in:         notificationTargets,
	empty:      &pb.Delivery{},
	listLimit:  50,
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).ListDeadLetters(ctx, &pb.ListDeadLettersRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	columns: deliveryColumns,
}

var deliveryColumns = append([]output.Column{
	output.Col("ID", func(d *pb.Delivery) string { return d.Id }),
	output.Col("STATE", func(d *pb.Delivery) string { return d.State.String() }),
	output.Col("TIME", func(d *pb.Delivery) string { return output.Time(d.GetEvent().GetTime()) }),
	output.Col("GROUP", func(d *pb.Delivery) string { return d.GetEvent().GetGroup() }),
	output.Col("INSTANCE", func(d *pb.Delivery) string { return d.GetEvent().GetInstance() }),
	output.Col("EVENT", func(d *pb.Delivery) string { return d.GetEvent().GetType().String() }),
	output.Col("ATTEMPTS", func(d *pb.Delivery) string { return count(d.Attempts) }),
	output.Col("LAST-ERROR", func(d *pb.Delivery) string { return output.Line(d.LastError) }),
}, output.InWide(
	output.ColAt("NEXT-IN", func(d *pb.Delivery, now time.Time) string { return output.Until(d.NextTime, now) }),
	output.ColAt("GIVES-UP-IN", func(d *pb.Delivery, now time.Time) string { return output.Until(d.GiveUpTime, now) }),
	output.Col("DEAD-SINCE", func(d *pb.Delivery) string { return output.Time(d.EndTime) }),
	output.Col("MESSAGE", func(d *pb.Delivery) string { return output.Line(d.GetEvent().GetMessage()) }),
)...)
