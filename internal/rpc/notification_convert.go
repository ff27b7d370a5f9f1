package rpc

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// notificationMessage shows a notification of the group.
func notificationMessage(r fsm.Reader, g *autoscaling.Group, n *autoscaling.Notification) *pb.Notification {
	m := notificationSpecMessage(n)
	m.Name = autoscaling.NotificationResource(g.Namespace, g.ID, n.ID)
	m.Ari = autoscaling.NotificationARI(clusterName(r), g.Namespace, g.ID, n.ID)
	m.Uid = string(n.UID)
	m.CreateTime, m.UpdateTime = timestamp(n.CreateTime), timestamp(n.UpdateTime)
	m.Etag = n.Etag()
	return m
}

// notificationSpecMessage shows what people say of a notification.
func notificationSpecMessage(n *autoscaling.Notification) *pb.Notification {
	enabled := !n.Disabled
	return &pb.Notification{
		Labels: n.Labels, ExternalNames: n.ExternalNames, Target: n.Target, Enabled: &enabled,
		EventTypes: convertAll(n.EventTypes, func(t autoscaling.EventType) pb.Event_Type {
			return enum[pb.Event_Type](pb.Event_Type_value, string(t))
		}),
	}
}

// readNotification writes what people say of a notification in the namespace
// into it.
func readNotification(m *pb.Notification, namespace string, n *autoscaling.Notification) error {
	target, err := localID("target", m.GetTarget(), autoscaling.NotificationTargetResource(namespace, ""))
	if err != nil {
		return err
	}
	n.Labels, n.ExternalNames = m.GetLabels(), m.GetExternalNames()
	n.Target = target
	n.EventTypes = convertAll(m.GetEventTypes(), name[pb.Event_Type, autoscaling.EventType])
	slices.Sort(n.EventTypes)
	n.Disabled = !valueOr(m.Enabled, true)
	return nil
}
