package control

import "github.com/asctl/as/internal/autoscaling"

// NotificationTargetName names a notification target by id or uid.
type NotificationTargetName struct {
	Namespace string
	ID        string
}

// CreateNotificationTargetRequest asks for a new target. Of Target, the webhook's
// URL and time-out, and Disabled, are read.
type CreateNotificationTargetRequest struct {
	Caller
	Namespace string
	NewMeta
	Target autoscaling.NotificationTarget
	// Secret signs what is sent, see autoscaling.WebhookSecret. It is required: one
	// that the caller does not give has to be made, of 32 random bytes, before the
	// operation, which has no source of them.
	Secret string
}

// UpdateNotificationTargetRequest asks for a change of a target. Change edits a
// copy; replace Webhook instead of changing it in place. Secrets are changed by
// RotateWebhookSecret only.
type UpdateNotificationTargetRequest struct {
	Caller
	Name   NotificationTargetName
	Etag   string
	Change func(*autoscaling.NotificationTarget) error
}

// DeleteNotificationTargetRequest asks to delete a target with what waits for it.
type DeleteNotificationTargetRequest struct {
	Caller
	Name NotificationTargetName
	Etag string
}

// RotateWebhookSecretRequest asks for a new secret. The one before signs too for
// autoscaling.SecretOverlap; one that still did from an earlier rotation ends.
type RotateWebhookSecretRequest struct {
	Caller
	Name   NotificationTargetName
	Etag   string
	Secret string // as in CreateNotificationTargetRequest
}

// TestNotificationTargetRequest asks to send a message that means nothing.
type TestNotificationTargetRequest struct {
	Caller
	Name NotificationTargetName
}

// RedeliverNotificationRequest asks to send dead letters again.
type RedeliverNotificationRequest struct {
	Caller
	Name     NotificationTargetName
	Delivery uint64 // 0: the oldest MaxRedeliveries
}

// MaxRedeliveries is how many dead letters one request sends again.
const MaxRedeliveries = 1000

// Redelivered says what a request to send dead letters again did.
type Redelivered struct {
	Queued int
	Left   int // dead letters that the target still has
}

// CreateNotificationRequest asks for a new subscription of a target to a group's
// events. Of Notification, Target, EventTypes and Disabled are read.
type CreateNotificationRequest struct {
	Caller
	Parent GroupName
	NewMeta
	Notification autoscaling.Notification
}

// UpdateNotificationRequest asks for a change. Change edits a copy; replace
// EventTypes instead of changing it in place.
type UpdateNotificationRequest struct {
	Caller
	Name   ChildName
	Etag   string
	Change func(*autoscaling.Notification) error
}

// DeleteNotificationRequest asks to end a subscription. What is on its way is
// still delivered.
type DeleteNotificationRequest struct {
	Caller
	Name ChildName
	Etag string
}

// DeliveryKey names a delivery.
type DeliveryKey struct {
	Target autoscaling.UID
	ID     uint64
}

// DeliveryFailure is an attempt that a target did not take.
type DeliveryFailure struct {
	DeliveryKey
	Message string // why, for the user
	// NotBefore is when the target asked to be tried again; 0: it did not say.
	NotBefore autoscaling.Time
	// Final says that the target wants it never.
	Final bool
}
