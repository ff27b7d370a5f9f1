package autoscaling

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// ValidateNotificationTarget checks what a caller says of a target.
func ValidateNotificationTarget(t *NotificationTarget) error {
	if t.Webhook == nil {
		return FieldErrorf("webhook", "is required")
	}
	return first(
		validateWebhookURL("webhook.url", t.Webhook.URL),
		checkRange("webhook.timeout", t.Webhook.Timeout, MinWebhookTimeout, MaxWebhookTimeout),
	)
}

// validateWebhookURL takes any host: targets are the operators' own, and often
// inside. Credentials in a URL would end in logs and messages: what is sent is
// signed instead.
func validateWebhookURL(field, text string) error {
	if err := checkLength(field, text, 1, MaxWebhookURL); err != nil {
		return err
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return FieldErrorf(field, "is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return FieldErrorf(field, "has to begin with https:// or http://")
	case u.User != nil:
		return FieldErrorf(field, "has a user name or password, which would be seen: check the signature instead")
	case u.Hostname() == "" || u.Opaque != "":
		return FieldErrorf(field, "names no host")
	case strings.Contains(text, "#"):
		return FieldErrorf(field, "has a fragment, which is never sent")
	}
	return nil
}

const (
	secretPrefix   = "whsec_"
	minSecretBytes = 24
	maxSecretBytes = 64
)

// ValidateWebhookSecret checks a signing secret. The message says nothing of it.
func ValidateWebhookSecret(field, secret string) error {
	if _, ok := WebhookKey(secret); !ok {
		return FieldErrorf(field, "is not %q followed by the base64 of %d to %d bytes", secretPrefix, minSecretBytes, maxSecretBytes)
	}
	return nil
}

// FormatWebhookSecret makes a secret out of random bytes; 32 are good.
func FormatWebhookSecret(random []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(random)
}

// WebhookKey is the key of a secret's signatures.
func WebhookKey(secret string) (key []byte, ok bool) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, false
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	return key, err == nil && len(key) >= minSecretBytes && len(key) <= maxSecretBytes && !strings.ContainsAny(text, "\r\n")
}

// ValidateNotification checks a subscription; EventTypes must be sorted.
func ValidateNotification(n *Notification) error {
	if err := first(checkLength("target", n.Target, 1, 63), checkCount("event_types", len(n.EventTypes), len(notifiable))); err != nil {
		return err
	}
	for at, t := range n.EventTypes {
		if !Notifiable(t) {
			return FieldErrorf(entry("event_types", at), "%q is not a type of event that groups have", t)
		}
	}
	return checkUnique("event_types", n.EventTypes, func(t EventType) EventType { return t })
}

// Notifiable says whether notifications can be for events of the type: those
// that belong to a group.
func Notifiable(t EventType) bool {
	_, found := slices.BinarySearch(notifiable, t)
	return found
}

// NotifiableEvents are the types that notifications can be for, sorted.
func NotifiableEvents() []EventType { return slices.Clone(notifiable) }

var notifiable = slices.Sorted(slices.Values([]EventType{
	EventGroupCreated, EventGroupUpdated, EventGroupPaused, EventGroupResumed, EventGroupDeleting, EventGroupDeleted,
	EventProcessesSuspended, EventProcessesResumed, EventDesiredChanged, EventConditionRaised, EventConditionCleared,
	EventRuleCreated, EventRuleUpdated, EventRuleDeleted,
	EventAlarmCreated, EventAlarmUpdated, EventAlarmDeleted, EventAlarmState,
	EventTaskCreated, EventTaskUpdated, EventTaskDeleted, EventTaskRun,
	EventTriggerFired, EventRequestRefused, EventActivityStarted, EventActivityEnded, EventCooldownStarted,
	EventInstanceState, EventInstanceStep, EventInstanceHealth, EventInstanceProtection,
	EventLaunchFailed, EventMachineAdopted, EventMachineLost, EventMachineReleased, EventRebalanceStarted,
	EventHookCreated, EventHookUpdated, EventHookDeleted, EventHookWaiting, EventHookHeartbeat, EventHookEnded,
	EventNotificationCreated, EventNotificationUpdated, EventNotificationDeleted, EventNotificationDead,
}))
