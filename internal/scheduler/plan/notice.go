package plan

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// event is a notice's data: the event as the API's WatchEvents shows it.
type event struct {
	Index      string                `json:"index,omitempty"`
	Time       string                `json:"time"`
	Namespace  string                `json:"namespace"`
	Group      string                `json:"group,omitempty"`
	Type       autoscaling.EventType `json:"type"`
	Instance   string                `json:"instance,omitempty"`
	Activity   string                `json:"activity,omitempty"`
	Message    string                `json:"message,omitempty"`
	Attributes map[string]string     `json:"attributes,omitempty"`
	Subject    string                `json:"subject,omitempty"`
	State      string                `json:"state,omitempty"`
	Step       string                `json:"step,omitempty"`
}

// Notice is a delivery as its target gets it.
func Notice(c *autoscaling.Cluster, d *autoscaling.Delivery) (providers.Notice, error) {
	e := event{
		Time: d.EventTime.Std().Format(time.RFC3339Nano), Namespace: d.Namespace, Group: d.GroupID, Type: d.EventType,
		Instance: string(d.Instance), Message: d.Message, Attributes: d.Details, Subject: d.Subject, Step: d.Step.String(),
	}
	if d.EventIndex != 0 {
		e.Index = strconv.FormatUint(d.EventIndex, 10)
	}
	if d.Activity != 0 {
		e.Activity = d.Activity.String()
	}
	if d.InstanceState != 0 {
		e.State = d.InstanceState.String()
	}
	data, err := json.Marshal(e)
	if err != nil {
		return providers.Notice{}, err
	}
	n := providers.Notice{
		ID:     NoticeID(c, d.ID),
		Source: autoscaling.GroupARI(c.Name, d.Namespace, d.GroupID),
		Type:   NoticeType(d.EventType),
		Time:   d.EventTime.Std(),
		Data:   data,
	}
	switch {
	case d.GroupID == "":
		n.Source = autoscaling.NotificationTargetARI(c.Name, d.Namespace, d.Subject)
	case d.Instance != "":
		n.Subject = autoscaling.InstanceARI(c.Name, d.Namespace, d.GroupID, d.Instance)
	case d.Activity != 0:
		n.Subject = autoscaling.ActivityARI(c.Name, d.Namespace, d.GroupID, d.Activity)
	}
	return n, nil
}

// NoticeID is the same in every attempt, and no other message of any cluster has
// it: a state restored from a backup, which gives numbers again, is another
// incarnation.
func NoticeID(c *autoscaling.Cluster, delivery uint64) string {
	return "msg_" + string(c.Incarnation) + "_" + strconv.FormatUint(delivery, 10)
}

// NoticeType is the CloudEvents type of an event: "as." and its type in lower
// case.
func NoticeType(t autoscaling.EventType) string { return "as." + strings.ToLower(string(t)) }

// Endpoint is where a target's notices go, with the secrets that are valid then.
func Endpoint(t *autoscaling.NotificationTarget, now autoscaling.Time) providers.Endpoint {
	to := providers.Endpoint{URL: t.Webhook.URL, Timeout: t.Webhook.Timeout}
	if to.Timeout == 0 {
		to.Timeout = autoscaling.DefaultWebhookTimeout
	}
	for _, s := range t.Webhook.Secrets {
		if s.ExpireTime == 0 || now < s.ExpireTime {
			to.Secrets = append(to.Secrets, s.Secret)
		}
	}
	return to
}
