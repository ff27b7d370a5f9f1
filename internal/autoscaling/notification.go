package autoscaling

import "time"

// NotificationTarget is a place that notifications go to. It belongs to a
// namespace.
type NotificationTarget struct {
	Meta
	Webhook *Webhook `cbor:"10,keyasint,omitempty"`
	// Disabled targets get nothing; what is due waits until its 24 hours end.
	Disabled bool `cbor:"11,keyasint,omitempty"`
}

// Webhook is an HTTP endpoint that gets CloudEvents, signed by the rules of
// Standard Webhooks.
type Webhook struct {
	URL string `cbor:"1,keyasint,omitempty"`
	// Secrets sign in this order, the newest first; after a rotation the one before
	// signs too until it expires. There are at most two.
	Secrets []WebhookSecret `cbor:"2,keyasint,omitempty"`
	Timeout time.Duration   `cbor:"3,keyasint,omitempty"` // of one attempt
}

// WebhookSecret is a signing secret. It leaves the service only once, in the
// answer to the call that made it.
type WebhookSecret struct {
	Secret     string `cbor:"1,keyasint,omitempty"` // "whsec_" and base64 of 24 to 64 bytes
	CreateTime Time   `cbor:"2,keyasint,omitempty" time:"history"`
	ExpireTime Time   `cbor:"3,keyasint,omitempty" time:"expiry"` // 0: never
}

// Notification subscribes a target to a group's events.
type Notification struct {
	Meta
	Group      UID         `cbor:"10,keyasint,omitempty"`
	Target     string      `cbor:"11,keyasint,omitempty"` // id of a target in the group's namespace
	EventTypes []EventType `cbor:"12,keyasint,omitempty"` // sorted; empty: all
	Disabled   bool        `cbor:"13,keyasint,omitempty"`
}

// Wants says whether the notification is for events of the type.
func (n *Notification) Wants(t EventType) bool {
	if n.Disabled {
		return false
	}
	for _, w := range n.EventTypes {
		if w == t {
			return true
		}
	}
	return len(n.EventTypes) == 0
}

// Delivery is one event on its way to one target: an entry of the outbox. It is
// deleted when the target has taken it, and DEAD when its time is over.
type Delivery struct {
	Target UID `cbor:"1,keyasint,omitempty"`
	// ID numbers the deliveries of a cluster in the order in which they were made;
	// those of one instance are delivered in this order. It is also the message's id.
	ID         uint64            `cbor:"2,keyasint,omitempty"`
	State      DeliveryState     `cbor:"3,keyasint,omitempty"`
	Namespace  string            `cbor:"4,keyasint,omitempty"`
	GroupID    string            `cbor:"5,keyasint,omitempty"`
	Group      UID               `cbor:"6,keyasint,omitempty"`
	Instance   InstanceID        `cbor:"7,keyasint,omitempty"`
	Activity   ActivityID        `cbor:"8,keyasint,omitempty"`
	EventIndex uint64            `cbor:"9,keyasint,omitempty"` // 0: not an event of the log, e.g. a test
	EventType  EventType         `cbor:"10,keyasint,omitempty"`
	EventTime  Time              `cbor:"11,keyasint,omitempty" time:"history"`
	Subject    string            `cbor:"12,keyasint,omitempty"`
	Message    string            `cbor:"13,keyasint,omitempty"`
	Details    map[string]string `cbor:"14,keyasint,omitempty" text:"lines"`
	// InstanceState and Step are those of the event.
	InstanceState InstanceState `cbor:"15,keyasint,omitempty"`
	Step          Step          `cbor:"16,keyasint,omitempty"`

	Attempts  int32  `cbor:"20,keyasint,omitempty"`
	NextTime  Time   `cbor:"21,keyasint,omitempty" time:"deadline"` // not before; 0: now
	GiveUp    Time   `cbor:"22,keyasint,omitempty" time:"deadline"`
	LastError string `cbor:"23,keyasint,omitempty"`
	EndTime   Time   `cbor:"24,keyasint,omitempty" time:"since"` // when it became DEAD
}

// IsTest says whether somebody tries the target. It is given up after
// TestPatience.
func (d *Delivery) IsTest() bool { return d.EventType == EventNotificationTest }

// DeliveryState is how far a delivery is.
type DeliveryState string

const (
	DeliveryPending DeliveryState = "PENDING"
	DeliveryDead    DeliveryState = "DEAD"
)

// Bounds of the outbox.
const (
	DeliveryPatience    = 24 * time.Hour     // from the event to the dead letter
	MaxPending          = 100_000            // per target; what would be more is dead at once
	MaxDeadLetters      = 10_000             // per target; the oldest are forgotten
	DeadLetterRetention = 7 * 24 * time.Hour //
	TestPatience        = time.Minute        // of a test
	SecretOverlap       = 24 * time.Hour     // how long the secret before a rotation signs too
)

// Bounds of targets and notifications.
const (
	MaxNotificationTargets = 100 // per namespace
	MaxNotifications       = 50  // per group
	MaxPendingTests        = 10  // per target
	MaxWebhookURL          = 2048
	DefaultWebhookTimeout  = 10 * time.Second
	MinWebhookTimeout      = time.Second
	MaxWebhookTimeout      = 30 * time.Second
)
