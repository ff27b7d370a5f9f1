package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// RotateWebhookSecret gives a target a new signing secret. The one before signs
// beside it for autoscaling.SecretOverlap, so that the receiver can change in
// between; of an earlier rotation nothing is left.
func (o Operations) RotateWebhookSecret(tx *fsm.Tx, req RotateWebhookSecretRequest) (*autoscaling.NotificationTarget, error) {
	was, err := FindNotificationTarget(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkEtag(targetResource(was), req.Etag, &was.Meta); err != nil {
		return nil, err
	}
	if err := autoscaling.ValidateWebhookSecret("secret", req.Secret); err != nil {
		return nil, err
	}
	before := was.Webhook.Secrets[0]
	if before.Secret == req.Secret {
		return nil, autoscaling.FieldErrorf("secret", "is the one that signs already")
	}
	before.ExpireTime = tx.Now().Add(autoscaling.SecretOverlap)
	t, w := *was, *was.Webhook
	w.Secrets = []autoscaling.WebhookSecret{{Secret: req.Secret, CreateTime: tx.Now()}, before}
	t.Webhook = &w
	touch(tx, &t.Meta)
	tx.PutNotificationTarget(&t)
	tx.Emit(targetEvent(&t, autoscaling.EventTargetUpdated, "the signing secret changed; the one before signs too until "+before.ExpireTime.String()))
	return &t, nil
}
