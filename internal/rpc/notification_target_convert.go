package rpc

import (
	"math"
	"strconv"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// targetName reads "namespaces/{namespace}/notificationTargets/{target}".
func targetName(name string) control.NotificationTargetName {
	return control.NotificationTargetName{Namespace: segment(name, 1), ID: segment(name, 3)}
}

// notificationTargetMessage shows a target and how much waits for it.
func notificationTargetMessage(r fsm.Reader, t *autoscaling.NotificationTarget) *pb.NotificationTarget {
	m := notificationTargetSpecMessage(t)
	m.Name = autoscaling.NotificationTargetResource(t.Namespace, t.ID)
	m.Ari = autoscaling.NotificationTargetARI(clusterName(r), t.Namespace, t.ID)
	m.Uid = string(t.UID)
	m.CreateTime, m.UpdateTime = timestamp(t.CreateTime), timestamp(t.UpdateTime)
	m.Etag = t.Etag()
	counts := r.OutboxCounts(t.UID)
	pending, dead := int32(min(counts.Pending, math.MaxInt32)), int32(min(counts.Dead, math.MaxInt32))
	m.Status = &pb.NotificationTarget_Status{Pending: &pending, DeadLetters: &dead}
	return m
}

// addOldest says since when the target has not taken what goes to it, and why.
func addOldest(r fsm.Reader, t *autoscaling.NotificationTarget, m *pb.NotificationTarget_Status) {
	for d := range r.Deliveries(t.UID) {
		if d.State == autoscaling.DeliveryPending {
			m.OldestTime, m.LastError = timestamp(d.EventTime), d.LastError
			return
		}
	}
}

// notificationTargetSpecMessage shows what people say of a target, but no secret.
func notificationTargetSpecMessage(t *autoscaling.NotificationTarget) *pb.NotificationTarget {
	enabled := !t.Disabled
	m := &pb.NotificationTarget{Labels: t.Labels, ExternalNames: t.ExternalNames, Enabled: &enabled}
	if w := t.Webhook; w != nil {
		m.Kind = &pb.NotificationTarget_Webhook{Webhook: &pb.Webhook{
			Url: w.URL, Timeout: duration(w.Timeout),
			Secrets: convertAll(w.Secrets, func(s autoscaling.WebhookSecret) *pb.Webhook_SecretVersion {
				return &pb.Webhook_SecretVersion{CreateTime: timestamp(s.CreateTime), ExpireTime: timestamp(s.ExpireTime)}
			}),
		}}
	}
	return m
}

// readNotificationTarget writes what people say of a target into it; its secrets
// stay.
func readNotificationTarget(m *pb.NotificationTarget, t *autoscaling.NotificationTarget) error {
	w := m.GetWebhook()
	if w == nil {
		return autoscaling.FieldErrorf("webhook", "a notification target needs one of: webhook")
	}
	t.Labels, t.ExternalNames = m.GetLabels(), m.GetExternalNames()
	t.Disabled = !valueOr(m.Enabled, true)
	webhook := &autoscaling.Webhook{URL: w.GetUrl(), Timeout: durationOr(w.GetTimeout(), autoscaling.DefaultWebhookTimeout)}
	if t.Webhook != nil {
		webhook.Secrets = t.Webhook.Secrets
	}
	t.Webhook = webhook
	return nil
}

// deliveryMessage shows an event on its way.
func deliveryMessage(d *autoscaling.Delivery) *pb.Delivery {
	attempts := d.Attempts
	return &pb.Delivery{
		Id:    strconv.FormatUint(d.ID, 10),
		State: enum[pb.Delivery_State](pb.Delivery_State_value, string(d.State)),
		Event: eventMessage(&autoscaling.Event{
			Index: d.EventIndex, Time: d.EventTime, Type: d.EventType, Namespace: d.Namespace, GroupID: d.GroupID, Group: d.Group,
			Instance: d.Instance, Activity: d.Activity, Subject: d.Subject, State: d.InstanceState, Step: d.Step,
			Message: d.Message, Details: d.Details,
		}),
		Attempts:   &attempts,
		LastError:  d.LastError,
		NextTime:   timestamp(d.NextTime),
		GiveUpTime: timestamp(d.GiveUp),
		EndTime:    timestamp(d.EndTime),
	}
}
