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

var notifications = &kind{
	noun:       "notification",
	manifest:   "Notification",
	collection: "notifications",
	inGroup:    true,
	short:      "Notifications: which events of a group go to which target",
	empty:      &pb.Notification{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).GetNotification(ctx, &pb.GetNotificationRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).ListNotifications(ctx, &pb.ListNotificationsRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).CreateNotification(ctx, &pb.CreateNotificationRequest{Parent: parent, NotificationId: id, Notification: m.(*pb.Notification)})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).UpdateNotification(ctx, &pb.UpdateNotificationRequest{Notification: m.(*pb.Notification), UpdateMask: mask})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, _ removal) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).DeleteNotification(ctx, &pb.DeleteNotificationRequest{Name: name})
	},
	fields: []field{
		{flag: "target", path: "target", usage: "notification `target` that gets the events", of: notificationTargets},
		{flag: "event-type", path: "event_types", usage: "only events of this type; may be repeated (default: all)"},
		{flag: "enabled", path: "enabled", usage: "whether it sends anything (default true)"},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(n *pb.Notification) string { return shortName(n.Name) }),
		output.Col("TARGET", func(n *pb.Notification) string { return output.Last(n.Target) }),
		output.Col("EVENT-TYPES", func(n *pb.Notification) string {
			if len(n.EventTypes) == 0 {
				return "all"
			}
			return list(n.EventTypes, pb.Event_Type.String)
		}),
		output.Col("ENABLED", func(n *pb.Notification) string { return enabled(n.Enabled) }),
		output.ColAt("AGE", func(n *pb.Notification, now time.Time) string { return output.Age(n.CreateTime, now) }),
	}, output.InWide(
		output.Col("ARI", func(n *pb.Notification) string { return n.Ari }),
	)...),
}
