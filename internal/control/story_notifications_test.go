package control_test

import (
	"fmt"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// signing is a secret of 32 bytes, all the same.
func signing(b string) string {
	key := make([]byte, 32)
	for n := range key {
		key[n] = b[0]
	}
	return autoscaling.FormatWebhookSecret(key)
}

func (a args) target() control.NotificationTargetName {
	return control.NotificationTargetName{Namespace: "default", ID: a.word(1)}
}

func setTarget(a args, t *autoscaling.NotificationTarget) {
	w := autoscaling.Webhook{Timeout: autoscaling.DefaultWebhookTimeout}
	if t.Webhook != nil {
		w = *t.Webhook
	}
	if v, ok := a.named["url"]; ok {
		w.URL = v
	}
	w.Timeout = a.duration("timeout", w.Timeout)
	t.Webhook = &w
	t.Disabled = (t.Disabled || a.has("off")) && !a.has("on")
}

func setNotification(a args, n *autoscaling.Notification) {
	if v, ok := a.named["target"]; ok {
		n.Target = v
	}
	if _, ok := a.named["types"]; ok {
		n.EventTypes = nil
		for _, t := range a.list("types") {
			n.EventTypes = append(n.EventTypes, autoscaling.EventType(t))
		}
	}
	n.Disabled = (n.Disabled || a.has("off")) && !a.has("on")
}

func (s *story) notificationCommand(tx *fsm.Tx, a args) (string, error) {
	switch a.word(0) {
	case "target":
		req := control.CreateNotificationTargetRequest{Caller: a.caller(), Namespace: "default", NewMeta: control.NewMeta{ID: a.word(1)}, Secret: a.named["secret"]}
		if len(req.Secret) == 1 {
			req.Secret = signing(req.Secret)
		}
		setTarget(a, &req.Target)
		return target(s.Ops.CreateNotificationTarget(tx, req))
	case "update-target":
		return target(s.Ops.UpdateNotificationTarget(tx, control.UpdateNotificationTargetRequest{
			Name: a.target(), Etag: a.named["etag"],
			Change: func(t *autoscaling.NotificationTarget) error { setTarget(a, t); return nil },
		}))
	case "delete-target":
		return "", s.Ops.DeleteNotificationTarget(tx, control.DeleteNotificationTargetRequest{Name: a.target(), Etag: a.named["etag"]})
	case "rotate":
		return target(s.Ops.RotateWebhookSecret(tx, control.RotateWebhookSecretRequest{Name: a.target(), Etag: a.named["etag"], Secret: signing(a.named["secret"])}))
	case "try":
		d, err := s.Ops.TestNotificationTarget(tx, control.TestNotificationTargetRequest{Caller: a.caller(), Name: a.target()})
		return delivery(d), err
	case "redeliver":
		r, err := s.Ops.RedeliverNotification(tx, control.RedeliverNotificationRequest{Name: a.target(), Delivery: uint64(a.number("delivery", 0))})
		return fmt.Sprintf("%d again, %d left", r.Queued, r.Left), err
	case "notification":
		req := control.CreateNotificationRequest{Parent: a.parent(), NewMeta: a.meta()}
		setNotification(a, &req.Notification)
		return notification(s.Ops.CreateNotification(tx, req))
	case "update-notification":
		return notification(s.Ops.UpdateNotification(tx, control.UpdateNotificationRequest{
			Name: a.child(), Etag: a.named["etag"],
			Change: func(n *autoscaling.Notification) error { setNotification(a, n); return nil },
		}))
	case "delete-notification":
		return "", s.Ops.DeleteNotification(tx, control.DeleteNotificationRequest{Name: a.child(), Etag: a.named["etag"]})
	case "taken", "failed", "expired":
		return "", s.reportDelivery(tx, a)
	}
	t, err := control.FindNotificationTarget(tx.Reader, a.target())
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%+v", tx.OutboxCounts(t.UID))
	for d := range tx.Deliveries(t.UID) {
		text += "\n= " + delivery(d)
		if d.NextTime != 0 {
			text += fmt.Sprintf(", again after %s", d.NextTime.Sub(tx.Now()).Round(time.Millisecond))
		}
		if d.GiveUp != 0 && d.State == autoscaling.DeliveryPending {
			text += fmt.Sprintf(", at most %s", d.GiveUp.Sub(tx.Now()))
		}
	}
	return text, nil
}

// reportDelivery reports one delivery, or all that are due.
func (s *story) reportDelivery(tx *fsm.Tx, a args) error {
	t, err := control.FindNotificationTarget(tx.Reader, a.target())
	if err != nil {
		return err
	}
	var keys []control.DeliveryKey
	if a.has("due") {
		for d := range tx.DueDeliveries(t.UID, tx.Now()) {
			keys = append(keys, control.DeliveryKey{Target: t.UID, ID: d.ID})
		}
	} else {
		keys = append(keys, control.DeliveryKey{Target: t.UID, ID: uint64(a.number("delivery", 0))})
	}
	var failures []control.DeliveryFailure
	for _, k := range keys {
		f := control.DeliveryFailure{DeliveryKey: k, Message: a.named["error"], Final: a.has("final")}
		if d := a.duration("after", 0); d > 0 {
			f.NotBefore = tx.Now().Add(d)
		}
		failures = append(failures, f)
	}
	switch a.word(0) {
	case "taken":
		return s.Ops.ReportDelivered(tx, keys)
	case "failed":
		return s.Ops.ReportDeliveryFailed(tx, failures)
	}
	return s.Ops.ReportDeliveryExpired(tx, failures)
}

func target(t *autoscaling.NotificationTarget, err error) (string, error) {
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("target %s %s %s etag %s", t.ID, t.Webhook.URL, t.Webhook.Timeout, t.Etag())
	if t.Disabled {
		text += " disabled"
	}
	for _, secret := range t.Webhook.Secrets {
		key, _ := autoscaling.WebhookKey(secret.Secret)
		text += fmt.Sprintf(" secret %c", key[0])
		if secret.ExpireTime != 0 {
			text += fmt.Sprintf(" for %s", secret.ExpireTime.Sub(secret.CreateTime))
		}
	}
	return text, nil
}

func notification(n *autoscaling.Notification, err error) (string, error) {
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("notification %s → %s %v etag %s", n.ID, n.Target, n.EventTypes, n.Etag())
	if n.Disabled {
		text += " disabled"
	}
	return text, nil
}

func delivery(d *autoscaling.Delivery) string {
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("delivery %d: %s %s", d.ID, d.State, d.EventType)
	if d.Instance != "" {
		text += " " + short(d.Instance)
	}
	if d.Attempts > 0 || d.LastError != "" {
		text += fmt.Sprintf(", %d attempts, %s", d.Attempts, d.LastError)
	}
	return text
}
