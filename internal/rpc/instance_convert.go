package rpc

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// instanceMessage shows an instance of the group as it is now.
func instanceMessage(r fsm.Reader, g *autoscaling.Group, i *autoscaling.Instance, now autoscaling.Time) *pb.Instance {
	weight := max(i.Weight, 1)
	m := &pb.Instance{
		Name:              autoscaling.InstanceResource(g.Namespace, g.ID, i.ID),
		Ari:               autoscaling.InstanceARI(clusterName(r), g.Namespace, g.ID, i.ID),
		Uid:               string(autoscaling.InstanceUID(i.ID)),
		CreateTime:        timestamp(i.CreateTime),
		UpdateTime:        timestamp(i.StateTime),
		Etag:              instanceEtag(i),
		State:             pb.Instance_State(i.State), // the same numbers
		Health:            shownHealth(i, now),
		Pool:              pb.Instance_ACTIVE,
		Zone:              i.Zone,
		Configuration:     configurationVersionMessage(r, g.Namespace, i.Configuration, i.Version),
		Provider:          i.Provider,
		MachineId:         i.MachineID,
		MachineCreateTime: timestamp(i.MachineCreateTime),
		Addresses:         i.Addresses,
		Protected:         i.Protected,
		Origin:            enum[pb.Instance_Origin](pb.Instance_Origin_value, string(orDefault(i.Origin, autoscaling.OriginCreated))),
		Entrusted:         i.Entrusted,
		Weight:            &weight,
		Timeline:          convertAll(i.Timeline, timelineMessage),
		StatusReason:      i.StatusReason,
		WarmUntil:         timestamp(i.WarmUntil),
		InstanceType:      i.InstanceType,
		Step:              i.Step.String(),
		NextStep:          nextStep(i),
		Waits:             convertAll(i.Waits, func(w autoscaling.HookWait) *pb.Instance_Wait { return waitMessage(g, w) }),
		RunHooks:          i.RunHooks,
		LifetimeEndTime:   timestamp(i.LifetimeUntil),
	}
	if !i.State.Resting() && !i.State.Final() {
		m.Deadline = timestamp(i.Deadline)
	}
	if i.Health == autoscaling.HealthUnhealthy {
		m.UnhealthyTime = timestamp(i.UnhealthySince)
	}
	if i.Replaces != "" {
		m.Replaces = autoscaling.InstanceResource(g.Namespace, g.ID, i.Replaces)
	}
	if i.State == autoscaling.Warmed {
		m.Pool = pb.Instance_WARM
	}
	if i.Health == autoscaling.HealthUnhealthy && i.UnhealthyReason != "" {
		m.StatusReason = i.UnhealthyReason
	}
	if activity := lastActivity(i); activity != 0 {
		m.Activity = autoscaling.ActivityResource(g.Namespace, g.ID, activity)
	}
	if len(i.Balancers) > 0 || len(i.AccessLists) > 0 {
		m.Attachments = &pb.Attachments{
			Balancers: convertAll(i.Balancers, func(b autoscaling.BalancerAttachment) *pb.BalancerAttachment {
				weight := b.Weight
				return &pb.BalancerAttachment{Provider: b.Provider, Pool: b.Pool, Port: b.Port, Weight: &weight, State: attachmentState(b.State)}
			}),
			AccessLists: convertAll(i.AccessLists, func(l autoscaling.AccessListAttachment) *pb.AccessListAttachment {
				return &pb.AccessListAttachment{Provider: l.Provider, List: l.List, State: attachmentState(l.State)}
			}),
		}
	}
	return m
}

// shownHealth is INITIALIZING while a healthy instance is in its grace period:
// nothing that balancer or probe say counts yet. Nothing is written when the
// period ends, so it is told here.
func shownHealth(i *autoscaling.Instance, now autoscaling.Time) pb.Instance_Health {
	if i.Health == autoscaling.HealthHealthy && now < i.GraceUntil {
		return pb.Instance_INITIALIZING
	}
	return pb.Instance_Health(i.Health + 1) // the same order, after UNSPECIFIED
}

// instanceEtag changes with what an instance shows.
func instanceEtag(i *autoscaling.Instance) string {
	values := []int64{
		int64(i.State), int64(i.StateTime), int64(i.Step), int64(i.Health), int64(i.UnhealthySince), int64(len(i.Timeline)),
		int64(len(i.Addresses)), int64(i.Leaving), int64(i.WarmUntil), int64(len(i.StatusReason)),
		int64(i.Deadline), int64(i.Moving), int64(i.LifetimeUntil),
	}
	if i.Protected {
		values = append(values, 1)
	}
	if i.RunHooks {
		values = append(values, 2)
	}
	for _, w := range i.Waits {
		values = append(values, int64(w.Deadline), int64(w.EndTime))
	}
	for _, b := range i.Balancers {
		values = append(values, int64(b.State))
	}
	for _, l := range i.AccessLists {
		values = append(values, int64(l.State))
	}
	return fingerprint(values...)
}

// lastActivity is the one that last moved the instance.
func lastActivity(i *autoscaling.Instance) autoscaling.ActivityID {
	switch {
	case i.Leaving != 0:
		return i.Leaving
	case i.Moving != 0:
		return i.Moving
	}
	return i.Activity
}

// nextStep says what the lifecycle has for the instance next, and until when;
// nothing at rest.
func nextStep(i *autoscaling.Instance) string {
	row := i.State.Row()
	if row == nil || row.Next == "" || i.State.Resting() {
		return ""
	}
	text := "By " + row.Owner + ": " + row.Next + "."
	if row.Deadline != "" {
		text += " Deadline: " + row.Deadline + "."
	}
	return text
}

// waitMessage shows a hook's hold on an instance of the group, without its token.
func waitMessage(g *autoscaling.Group, w autoscaling.HookWait) *pb.Instance_Wait {
	return &pb.Instance_Wait{
		Hook:          autoscaling.LifecycleHookResource(g.Namespace, g.ID, w.Hook),
		StartTime:     timestamp(w.StartTime),
		Deadline:      timestamp(w.Deadline),
		DefaultResult: hookResult(w.DefaultResult),
		Result:        hookResult(w.Result),
		EndTime:       timestamp(w.EndTime),
		EndedBy:       w.EndedBy,
	}
}

func attachmentState(s autoscaling.AttachmentState) pb.Attachments_State {
	return pb.Attachments_State(s + 1) // the same order; 0 is unspecified
}

func timelineMessage(t autoscaling.TimelineEntry) *pb.Instance_TimelineEntry {
	m := &pb.Instance_TimelineEntry{Time: timestamp(t.Time), Message: t.Message}
	if t.Step != autoscaling.StepNone {
		m.What = &pb.Instance_TimelineEntry_Step{Step: t.Step.String()}
	} else {
		m.What = &pb.Instance_TimelineEntry_State{State: pb.Instance_State(t.State)}
	}
	return m
}

// configurationVersionMessage names a version; nil for none. A configuration that
// was deleted has no name any more.
func configurationVersionMessage(r fsm.Reader, namespace string, uid autoscaling.UID, version int32) *pb.ConfigurationVersion {
	if uid == "" {
		return nil
	}
	m := &pb.ConfigurationVersion{Version: version}
	if c := r.Configuration(uid); c != nil {
		m.Name = autoscaling.ConfigurationResource(namespace, c.ID)
	}
	return m
}
