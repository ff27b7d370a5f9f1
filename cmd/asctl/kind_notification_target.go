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

var notificationTargets = &kind{
	noun:       "notification-target",
	manifest:   "NotificationTarget",
	collection: "notificationTargets",
	short:      "Notification targets: where notifications go to",
	empty:      &pb.NotificationTarget{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).GetNotificationTarget(ctx, &pb.GetNotificationTargetRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).ListNotificationTargets(ctx, &pb.ListNotificationTargetsRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Parent: parent, NotificationTargetId: id, NotificationTarget: m.(*pb.NotificationTarget)})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).UpdateNotificationTarget(ctx, &pb.UpdateNotificationTargetRequest{NotificationTarget: m.(*pb.NotificationTarget), UpdateMask: mask})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, _ removal) (proto.Message, error) {
		return pb.NewNotificationServiceClient(conn).DeleteNotificationTarget(ctx, &pb.DeleteNotificationTargetRequest{Name: name})
	},
	describe: describeNotificationTarget,
	fields: []field{
		{flag: "url", path: "webhook.url", usage: "`URL` of a webhook, http:// or https://"},
		{flag: "secret", path: "webhook.secret", usage: "signing `secret`, whsec_ and base64 of 24 to 64 bytes; @FILE reads it (default: a new one, shown once)", fromFile: true, trimmed: true, createOnly: true},
		{flag: "webhook-timeout", path: "webhook.timeout", usage: "how long one attempt may take (default 10s)"},
		{flag: "enabled", path: "enabled", usage: "whether it is sent to; what happens meanwhile waits (default true)"},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(t *pb.NotificationTarget) string { return shortName(t.Name) }),
		output.Col("URL", func(t *pb.NotificationTarget) string { return t.GetWebhook().GetUrl() }),
		output.Col("ENABLED", func(t *pb.NotificationTarget) string { return enabled(t.Enabled) }),
		output.ColAt("AGE", func(t *pb.NotificationTarget, now time.Time) string { return output.Age(t.CreateTime, now) }),
	}, output.InWide(
		output.Col("TIMEOUT", func(t *pb.NotificationTarget) string { return output.Span(t.GetWebhook().GetTimeout()) }),
		output.Col("SECRETS", func(t *pb.NotificationTarget) string { return count(int32(len(t.GetWebhook().GetSecrets()))) }),
		output.Col("PENDING", func(t *pb.NotificationTarget) string { return count(t.GetStatus().GetPending()) }),
		output.Col("DEAD", func(t *pb.NotificationTarget) string { return count(t.GetStatus().GetDeadLetters()) }),
		output.Col("LAST-ERROR", func(t *pb.NotificationTarget) string { return output.Line(t.GetStatus().GetLastError()) }),
		output.Col("ARI", func(t *pb.NotificationTarget) string { return t.Ari }),
	)...),
}

func describeNotificationTarget(d *describer, m proto.Message) {
	t := m.(*pb.NotificationTarget)
	d.fact("Name", t.Name)
	d.fact("ARI", t.Ari)
	d.fact("UID", t.Uid)
	d.fact("Enabled", yesNo(t.Enabled == nil || *t.Enabled))
	d.fact("URL", t.GetWebhook().GetUrl())
	d.fact("Timeout", output.Span(t.GetWebhook().GetTimeout()))
	d.fact("Pending", count(t.GetStatus().GetPending()))
	d.fact("Dead letters", count(t.GetStatus().GetDeadLetters()))
	d.when("Oldest pending", t.GetStatus().GetOldestTime())
	d.fact("Last error", t.GetStatus().GetLastError())
	d.fact("Labels", labels(t.Labels))
	d.when("Created", t.CreateTime)
	d.when("Updated", t.UpdateTime)
	var rows [][]string
	for _, s := range t.GetWebhook().GetSecrets() {
		until := "the current one"
		if s.ExpireTime != nil {
			until = "signs until " + output.Time(s.ExpireTime)
		}
		rows = append(rows, []string{"made " + output.Time(s.CreateTime), until})
	}
	d.part("Secrets", rows)
}
