package manifest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// canonical is a copy in which what means the same is written the same:
// references in full, versions as words, the defaults of list items in place.
func (d *Document) canonical(m proto.Message) proto.Message {
	m = proto.Clone(m)
	namespace := "namespaces/" + d.Namespace
	rules := namespace + "/groups/" + d.Group + "/rules/"
	targets := namespace + "/notificationTargets/"
	switch m := m.(type) {
	case *pb.Configuration:
		for _, t := range m.InstanceTypes {
			setDefault(&t.Weight, 1)
		}
	case *pb.Group:
		if c := m.Configuration; c != nil {
			c.Name = inFull(c.Name, namespace+"/configurations/")
			c.Version = version(c.Version)
		}
		for _, b := range m.Balancers {
			setDefault(&b.Weight, 1)
			if b.DrainTimeout == nil {
				b.DrainTimeout = durationpb.New(30 * time.Second)
			}
		}
		for _, h := range m.Hooks {
			h.Name = last(h.Name)
			h.NotificationTarget = inFull(h.NotificationTarget, targets)
		}
	case *pb.LifecycleHook:
		m.NotificationTarget = inFull(m.NotificationTarget, targets)
	case *pb.Notification:
		m.Target = inFull(m.Target, targets)
		slices.Sort(m.EventTypes)
	case *pb.AlarmTask:
		for i := range m.Rules {
			m.Rules[i] = inFull(m.Rules[i], rules)
		}
	case *pb.ScheduledTask:
		if r, ok := m.Action.(*pb.ScheduledTask_Rule); ok {
			r.Rule = inFull(r.Rule, rules)
		}
	}
	return m
}

func setDefault(field **int32, value int32) {
	if *field == nil {
		*field = &value
	}
}

func inFull(reference, prefix string) string {
	if reference == "" || strings.Contains(reference, "/") {
		return reference
	}
	return prefix + reference
}

// version is LATEST where nothing is said, and a number where a text is one.
func version(v *structpb.Value) *structpb.Value {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_NumberValue:
		return v
	case *structpb.Value_StringValue:
		if n, err := strconv.ParseFloat(kind.StringValue, 64); err == nil {
			return structpb.NewNumberValue(n)
		}
		return v
	}
	return structpb.NewStringValue("LATEST")
}
