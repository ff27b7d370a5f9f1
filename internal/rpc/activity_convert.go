package rpc

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// activityMessage shows an activity with what becomes of its instances.
func activityMessage(r fsm.Reader, a *autoscaling.Activity) *pb.Activity {
	m := activitySummary(r, a)
	addOutcomes(r, a, m)
	return m
}

// activitySummary shows an activity without its instances, which take a walk over
// the group to find.
func activitySummary(r fsm.Reader, a *autoscaling.Activity) *pb.Activity {
	from, to, count, progress := a.From, a.To, a.Launches+a.Removals, progressOf(a)
	updated := max(a.StartTime, a.LastTime, a.LastServed, a.EndTime)
	m := &pb.Activity{
		Name:       autoscaling.ActivityResource(a.Namespace, a.GroupID, a.ID),
		Ari:        autoscaling.ActivityARI(clusterName(r), a.Namespace, a.GroupID, a.ID),
		Uid:        string(autoscaling.ActivityUID(a.ID)),
		CreateTime: timestamp(a.StartTime),
		UpdateTime: timestamp(updated),
		Etag: fingerprint(int64(updated), int64(len(a.Status)), int64(a.Repeats), int64(a.Launches), int64(a.Removals), int64(a.LaunchesDone),
			int64(a.LaunchesFail), int64(a.LaunchesEnded), int64(a.RemovalsDone), int64(a.RemovalsEnded), int64(len(a.Notes)), int64(len(a.Victims))),
		Group:  autoscaling.GroupResource(a.Namespace, a.GroupID),
		Kind:   enum[pb.Activity_Kind](pb.Activity_Kind_value, string(a.Kind)),
		Status: enum[pb.Activity_Status](pb.Activity_Status_value, string(a.Status)),
		Trigger: &pb.Activity_Trigger{
			Kind:      enum[pb.Activity_Trigger_Kind](pb.Activity_Trigger_Kind_value, string(a.Trigger.Kind)),
			Source:    a.Trigger.Source,
			Rule:      a.Trigger.Rule,
			Principal: a.Trigger.Principal,
			RequestId: a.Trigger.RequestID,
		},
		Cause:           a.Cause,
		FromCapacity:    &from,
		ToCapacity:      &to,
		Count:           &count,
		Configuration:   configurationVersionMessage(r, a.Namespace, a.Configuration, a.Version),
		ProgressPercent: &progress,
		Reason:          string(a.Reason),
		Message:         a.Message,
		Notes:           a.Notes,
		LastTime:        timestamp(a.LastTime),
		StartTime:       timestamp(a.StartTime),
		EndTime:         timestamp(a.EndTime),
		Victims: convertAll(a.Victims, func(v autoscaling.Victim) *pb.Activity_Victim {
			return &pb.Activity_Victim{Instance: autoscaling.InstanceResource(a.Namespace, a.GroupID, v.Instance), Why: v.Why}
		}),
		Violations: convertAll(a.Violations, func(v autoscaling.Violation) *pb.Activity_Violation {
			return &pb.Activity_Violation{Field: v.Field, Reason: string(orDefault(v.Reason, a.Reason)), Message: v.Message}
		}),
	}
	if a.Status == autoscaling.ActivityRejected {
		repeats := max(a.Repeats, 1)
		m.Repeats = &repeats
	}
	if len(a.Balancers) > 0 || len(a.AccessLists) > 0 {
		m.Attachments = &pb.Attachments{
			Balancers: convertAll(a.Balancers, func(b autoscaling.BalancerRef) *pb.BalancerAttachment {
				weight := b.Weight
				return &pb.BalancerAttachment{Provider: b.Provider, Pool: b.Pool, Port: b.Port, Weight: &weight}
			}),
			AccessLists: convertAll(a.AccessLists, func(l autoscaling.AccessListRef) *pb.AccessListAttachment {
				return &pb.AccessListAttachment{Provider: l.Provider, List: l.List}
			}),
		}
	}
	return m
}

// progressOf is in percent of the instances that an activity moves.
func progressOf(a *autoscaling.Activity) int32 {
	if a.Status != autoscaling.ActivityInProgress {
		return 100
	}
	all := int64(a.Launches) + int64(a.Removals)
	if all == 0 {
		return 0
	}
	ended := int64(a.LaunchesDone) + int64(a.LaunchesFail) + int64(a.LaunchesEnded) + int64(a.RemovalsDone) + int64(a.RemovalsEnded)
	return int32(100 * ended / all)
}

// addOutcomes lists the activity's instances: what it recorded, and of one that
// runs what its group's instances say, at most MaxOutcomes.
func addOutcomes(r fsm.Reader, a *autoscaling.Activity, m *pb.Activity) {
	m.Instances = convertAll(a.Outcomes, func(o autoscaling.Outcome) *pb.Activity_InstanceEntry { return outcomeMessage(a, o) })
	if a.Status != autoscaling.ActivityInProgress || a.Launches+a.Removals == 0 {
		return
	}
	for i := range r.Instances(a.Group) {
		if len(m.Instances) >= autoscaling.MaxOutcomes {
			return
		}
		if o, ok := outcomeSoFar(a, i); ok {
			m.Instances = append(m.Instances, outcomeMessage(a, o))
		}
	}
	for i := range r.FinalInstances(a.Group) { // newest end first
		if len(m.Instances) >= autoscaling.MaxOutcomes || i.EndTime < a.StartTime {
			return
		}
		if o, ok := outcomeSoFar(a, i); ok {
			m.Instances = append(m.Instances, outcomeMessage(a, o))
		}
	}
}

// outcomeSoFar is how far an instance is in an activity that runs; false when it
// has no part in it.
func outcomeSoFar(a *autoscaling.Activity, i *autoscaling.Instance) (autoscaling.Outcome, bool) {
	o := autoscaling.Outcome{Instance: i.ID, State: i.State, EndTime: i.EndTime, Status: autoscaling.OutcomeInProgress}
	switch a.ID {
	case i.Moving:
		o.Direction, o.StartTime, o.Cause = autoscaling.DirectionDetach, a.StartTime, i.StatusReason
		if a.Kind == autoscaling.ExitStandby {
			o.Direction = autoscaling.DirectionAttach
		}
	case i.Leaving:
		o.Direction, o.StartTime, o.Cause = autoscaling.DirectionTerminate, leavingSince(i), i.StatusReason
		if i.State == autoscaling.Detaching || i.State == autoscaling.Detached || i.OnlyReleased() {
			o.Direction = autoscaling.DirectionDetach
		}
		if i.State.Final() {
			o.Status = autoscaling.OutcomeSuccessful
		}
	case i.Activity:
		o.Direction, o.StartTime, o.Error = autoscaling.DirectionLaunch, i.CreateTime, i.Failure
		if i.Origin == autoscaling.OriginAttached {
			o.Direction = autoscaling.DirectionAttach
		}
		switch {
		case i.Served:
			o.Status = autoscaling.OutcomeSuccessful
		case i.Failure != "":
			o.Status = autoscaling.OutcomeFailed
		case !i.State.Launching():
			o.Status = autoscaling.OutcomeCancelled
		}
	default:
		return o, false
	}
	return o, true
}

// leavingSince is when an instance began to leave, as far as is known.
func leavingSince(i *autoscaling.Instance) autoscaling.Time {
	for _, t := range i.Timeline {
		if t.Step == autoscaling.StepNone && (t.State.LeavingForGood() || t.State == autoscaling.Detaching || t.State.Final()) {
			return t.Time
		}
	}
	return i.StateTime
}

func outcomeMessage(a *autoscaling.Activity, o autoscaling.Outcome) *pb.Activity_InstanceEntry {
	progress := int32(100)
	if o.Status == autoscaling.OutcomeInProgress {
		progress = lifeProgress(o.Direction, o.State)
	}
	return &pb.Activity_InstanceEntry{
		Uid:             string(autoscaling.InstanceUID(o.Instance)),
		Instance:        autoscaling.InstanceResource(a.Namespace, a.GroupID, o.Instance),
		Direction:       enum[pb.Activity_InstanceEntry_Direction](pb.Activity_InstanceEntry_Direction_value, string(o.Direction)),
		Status:          enum[pb.Activity_Status](pb.Activity_Status_value, string(o.Status)),
		ProgressPercent: &progress,
		StartTime:       timestamp(o.StartTime),
		EndTime:         timestamp(o.EndTime),
		Cause:           o.Cause,
		Description:     describe(a, o),
		Error:           o.Error,
	}
}

// lifeProgress is how much of its way an instance has behind it, by its state.
func lifeProgress(d autoscaling.Direction, s autoscaling.InstanceState) int32 {
	first, last := autoscaling.Initial, autoscaling.InService
	switch {
	case s == autoscaling.Detaching || s == autoscaling.EnteringStandby: // half of what there is to pass
		return 50
	case d == autoscaling.DirectionTerminate || d == autoscaling.DirectionDetach:
		first, last = autoscaling.Terminating, autoscaling.Terminated
	}
	if s < first || s > last {
		return 0
	}
	return 100 * int32(s-first) / int32(last-first)
}

func describe(a *autoscaling.Activity, o autoscaling.Outcome) string {
	switch a.Kind {
	case autoscaling.EnterStandby:
		if o.Direction == autoscaling.DirectionDetach {
			return "Putting instance " + string(o.Instance) + " on standby."
		}
	case autoscaling.ExitStandby:
		if o.Direction == autoscaling.DirectionAttach {
			return "Putting instance " + string(o.Instance) + " back into service."
		}
	}
	switch o.Direction {
	case autoscaling.DirectionTerminate:
		return "Terminating instance " + string(o.Instance) + "."
	case autoscaling.DirectionAttach:
		return "Attaching instance " + string(o.Instance) + "."
	case autoscaling.DirectionDetach:
		return "Detaching instance " + string(o.Instance) + "."
	}
	return "Launching instance " + string(o.Instance) + "."
}
