package rpc

import (
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// eventMessage shows an event.
func eventMessage(e *autoscaling.Event) *pb.Event {
	m := &pb.Event{
		Index:      int64(e.Index),
		Time:       timestamp(e.Time),
		Namespace:  e.Namespace,
		Group:      e.GroupID,
		Type:       enum[pb.Event_Type](pb.Event_Type_value, string(e.Type)),
		Instance:   string(e.Instance),
		Message:    e.Message,
		Attributes: e.Details,
		Subject:    e.Subject,
		State:      pb.Instance_State(e.State), // the same numbers
		Step:       e.Step.String(),
	}
	if e.Activity != 0 {
		m.Activity = e.Activity.String()
	}
	if strings.HasPrefix(string(e.Type), "RULE_") {
		m.Rule = e.Subject
	} else if ari, err := autoscaling.ParseARI(e.Details["rule"]); err == nil {
		m.Rule = ari.Path[strings.LastIndexByte(ari.Path, '/')+1:]
	}
	return m
}
