package control

import (
	"reflect"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateNotificationTarget makes a target.
func (o Operations) CreateNotificationTarget(tx *fsm.Tx, req CreateNotificationTargetRequest) (*autoscaling.NotificationTarget, error) {
	t := autoscaling.NotificationTarget{Meta: newMeta(tx, req.Namespace, req.NewMeta), Disabled: req.Target.Disabled}
	if err := autoscaling.ValidateMeta("notification_target_id", &t.Meta); err != nil {
		return nil, err
	}
	if tx.NotificationTargetByID(t.Namespace, t.ID) != nil {
		return nil, alreadyExists(autoscaling.NotificationTargetResource(t.Namespace, t.ID))
	}
	if w := req.Target.Webhook; w != nil {
		t.Webhook = &autoscaling.Webhook{
			URL: w.URL, Timeout: w.Timeout,
			Secrets: []autoscaling.WebhookSecret{{Secret: req.Secret, CreateTime: tx.Now()}},
		}
	}
	if err := checkTarget(tx, &t); err != nil {
		return nil, err
	}
	if err := autoscaling.ValidateWebhookSecret("webhook.secret", req.Secret); err != nil {
		return nil, err
	}
	if err := checkLimit("notification targets in namespace "+t.Namespace, tx.NotificationTargets(t.Namespace), autoscaling.MaxNotificationTargets); err != nil {
		return nil, err
	}
	t.UID = tx.NewUID()
	tx.PutNotificationTarget(&t)
	tx.Emit(targetEvent(&t, autoscaling.EventTargetCreated, ""))
	return &t, nil
}

// UpdateNotificationTarget changes a target. What is on its way goes where the
// target is now.
func (o Operations) UpdateNotificationTarget(tx *fsm.Tx, req UpdateNotificationTargetRequest) (*autoscaling.NotificationTarget, error) {
	was, err := FindNotificationTarget(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkEtag(targetResource(was), req.Etag, &was.Meta); err != nil {
		return nil, err
	}
	t := *was
	if err := req.Change(&t); err != nil {
		return nil, err
	}
	t.Meta = fixedMeta(was.Meta, t.Meta)
	if t.Webhook != nil {
		w := *t.Webhook
		w.Secrets = was.Webhook.Secrets
		t.Webhook = &w
	}
	if err := checkTarget(tx, &t); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(t, *was) {
		return was, nil
	}
	touch(tx, &t.Meta)
	tx.PutNotificationTarget(&t)
	tx.Emit(targetEvent(&t, autoscaling.EventTargetUpdated, ""))
	return &t, nil
}

// DeleteNotificationTarget deletes a target with what is on its way to it. It is
// refused with IN_USE while a hook or a notification names it.
func (o Operations) DeleteNotificationTarget(tx *fsm.Tx, req DeleteNotificationTargetRequest) error {
	t, err := FindNotificationTarget(tx.Reader, req.Name)
	if err != nil {
		return err
	}
	if err := checkEtag(targetResource(t), req.Etag, &t.Meta); err != nil {
		return err
	}
	if user := targetUser(tx, t); user != "" {
		err := autoscaling.Errorf(autoscaling.InUse, "%s sends to notification target %s", user, t.ID)
		err.Resource = targetResource(t)
		return err
	}
	tx.DeleteNotificationTarget(t.UID)
	tx.Emit(targetEvent(t, autoscaling.EventTargetDeleted, ""))
	return nil
}

// FindNotificationTarget looks a target up by id or uid.
func FindNotificationTarget(r fsm.Reader, name NotificationTargetName) (*autoscaling.NotificationTarget, error) {
	t := r.NotificationTargetByID(name.Namespace, name.ID)
	if t == nil && autoscaling.IsUID(name.ID) {
		t = r.NotificationTarget(autoscaling.UID(name.ID))
	}
	if t == nil || t.Namespace != name.Namespace {
		return nil, notFound(autoscaling.NotificationTargetResource(name.Namespace, name.ID))
	}
	return t, nil
}

func checkTarget(tx *fsm.Tx, t *autoscaling.NotificationTarget) error {
	if err := autoscaling.ValidateMeta("notification_target_id", &t.Meta); err != nil {
		return err
	}
	if err := autoscaling.ValidateNotificationTarget(t); err != nil {
		return err
	}
	return checkExternalNames(&t.Meta, metas(func(t *autoscaling.NotificationTarget) *autoscaling.Meta { return &t.Meta }, tx.NotificationTargets(t.Namespace)))
}

// targetUser is a hook or notification that names the target, in words; "" when
// none does.
func targetUser(tx *fsm.Tx, t *autoscaling.NotificationTarget) string {
	for g := range tx.Groups(t.Namespace) {
		for n := range tx.Notifications(g.UID) {
			if n.Target == t.ID {
				return "notification " + n.ID + " of group " + g.ID
			}
		}
		for h := range tx.LifecycleHooks(g.UID) {
			if h.NotificationTarget == t.ID {
				return "lifecycle hook " + h.ID + " of group " + g.ID
			}
		}
	}
	return ""
}

func targetResource(t *autoscaling.NotificationTarget) string {
	return autoscaling.NotificationTargetResource(t.Namespace, t.ID)
}

// targetEvent never says where the target is: a URL may hold what is secret.
func targetEvent(t *autoscaling.NotificationTarget, e autoscaling.EventType, message string) autoscaling.Event {
	return autoscaling.Event{Type: e, Namespace: t.Namespace, Subject: t.ID, Message: message}
}
