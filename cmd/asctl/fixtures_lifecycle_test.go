package main

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const (
	opsTarget  = "namespaces/default/notificationTargets/ops"
	heldID     = "i-00000000000000005"
	heldName   = webGroup + "/instances/" + heldID
	someToken  = "6d1a3c5e-7f00-8000-8000-000000000005"
	otherToken = "6d1a3c5e-7f01-8000-8000-000000000005"
)

// heldTier is the web tier with hooks, notifications and an instance that waits.
func heldTier() []proto.Message {
	return append(webTier(), leavingActivity(),
		&pb.NotificationTarget{
			Name: opsTarget, Ari: "ari:as:main:default:notification-target/ops", Enabled: proto.Bool(true), CreateTime: at(0), Etag: "1",
			Kind: &pb.NotificationTarget_Webhook{Webhook: &pb.Webhook{
				Url: "https://ops.example/as", Timeout: durationpb.New(10 * time.Second),
				Secrets: []*pb.Webhook_SecretVersion{{CreateTime: at(time.Minute)}, {CreateTime: at(0), ExpireTime: at(24 * time.Hour)}},
			}},
			Status: &pb.NotificationTarget_Status{Pending: proto.Int32(2), DeadLetters: proto.Int32(1), OldestTime: at(4 * time.Minute), LastError: "answered 503"},
		},
		&pb.LifecycleHook{
			Name: webGroup + "/lifecycleHooks/warm-up", Ari: "ari:as:main:default:lifecycle-hook/web/warm-up", Transition: pb.LifecycleHook_LAUNCHING,
			HeartbeatTimeout: durationpb.New(5 * time.Minute), DefaultResult: pb.LifecycleHook_ABANDON, NotificationTarget: opsTarget, Metadata: "{\"cache\":\n \"warm\"}", CreateTime: at(0), Etag: "1",
		},
		&pb.LifecycleHook{
			Name: webGroup + "/lifecycleHooks/save-log", Transition: pb.LifecycleHook_TERMINATING,
			HeartbeatTimeout: durationpb.New(time.Hour), DefaultResult: pb.LifecycleHook_CONTINUE, CreateTime: at(time.Minute), Etag: "1",
		},
		&pb.Notification{Name: webGroup + "/notifications/all", Ari: "ari:as:main:default:notification/web/all", Target: opsTarget, Enabled: proto.Bool(true), CreateTime: at(0), Etag: "1"},
		&pb.Notification{
			Name: webGroup + "/notifications/ends", Target: opsTarget, EventTypes: []pb.Event_Type{pb.Event_ACTIVITY_ENDED, pb.Event_INSTANCE_STATE}, Enabled: proto.Bool(false), CreateTime: at(0), Etag: "1",
		},
		heldInstance(),
	)
}

func heldInstance() *pb.Instance {
	return &pb.Instance{
		Name: heldName, State: pb.Instance_PENDING_WAIT, Health: pb.Instance_INITIALIZING, Zone: "default", Origin: pb.Instance_ATTACHED, RunHooks: true,
		Provider: "local", MachineId: "m-5", Weight: proto.Int32(1), Activity: webGroup + "/activities/41", CreateTime: at(0),
		Step: "HOOKS", Deadline: at(6 * time.Minute), NextStep: "It is registered with the load balancers when the hook warm-up continues; at the deadline it is terminated.",
		StatusReason: "held by the hook warm-up", LifetimeEndTime: at(48 * time.Hour), Replaces: webGroup + "/instances/i-00000000000000001", UnhealthyTime: nil,
		Waits: []*pb.Instance_Wait{
			{Hook: webGroup + "/lifecycleHooks/warm-up", StartTime: at(time.Minute), Deadline: at(6 * time.Minute), DefaultResult: pb.LifecycleHook_ABANDON},
			{Hook: webGroup + "/lifecycleHooks/gone", StartTime: at(time.Minute), Deadline: at(6 * time.Minute), DefaultResult: pb.LifecycleHook_ABANDON, Result: pb.LifecycleHook_CONTINUE, EndTime: at(90 * time.Second), EndedBy: "ops"},
		},
		Timeline: []*pb.Instance_TimelineEntry{
			{What: &pb.Instance_TimelineEntry_State{State: pb.Instance_INITIAL}, Time: at(0)},
			{What: &pb.Instance_TimelineEntry_State{State: pb.Instance_PENDING}, Time: at(12 * time.Millisecond), Message: "adopting m-5"},
			{What: &pb.Instance_TimelineEntry_Step{Step: "CREATE"}, Time: at(1262 * time.Millisecond), Message: "machine m-5"},
			{What: &pb.Instance_TimelineEntry_State{State: pb.Instance_PENDING_WAIT}, Time: at(time.Minute), Message: "hooks warm-up, gone"},
			{What: &pb.Instance_TimelineEntry_Step{Step: "HOOKS"}, Time: at(4*time.Minute + 20*time.Second), Message: "gone: CONTINUE"},
		},
	}
}

func heldAction() *pb.LifecycleAction {
	return &pb.LifecycleAction{
		Token: someToken, Instance: heldName, Hook: webGroup + "/lifecycleHooks/warm-up", Transition: pb.LifecycleHook_LAUNCHING, Activity: webGroup + "/activities/41",
		StartTime: at(time.Minute), Deadline: at(6 * time.Minute), LastDeadline: at(500 * time.Minute), HeartbeatTimeout: durationpb.New(5 * time.Minute),
		DefaultResult: pb.LifecycleHook_ABANDON, Metadata: "{\"cache\":\n \"warm\"}",
	}
}

// heldActions are what waits: one with time, one whose deadline is now.
func heldActions() *pb.ListLifecycleActionsResponse {
	late := proto.Clone(heldAction()).(*pb.LifecycleAction)
	late.Token, late.Hook, late.Deadline = otherToken, webGroup+"/lifecycleHooks/gone", timestamppb.New(now)
	return &pb.ListLifecycleActionsResponse{LifecycleActions: []*pb.LifecycleAction{heldAction(), late}, TotalSize: proto.Int32(2)}
}

func endedAction() *pb.LifecycleAction {
	w := heldAction()
	w.Result, w.EndTime, w.EndedBy = pb.LifecycleHook_CONTINUE, timestamppb.New(now), "cli"
	return w
}

func someDelivery(state pb.Delivery_State, lastError string) *pb.Delivery {
	d := &pb.Delivery{
		Id: "17", State: state, Attempts: proto.Int32(3), LastError: lastError, NextTime: timestamppb.New(now.Add(30 * time.Second)), GiveUpTime: at(24 * time.Hour),
		Event: &pb.Event{Index: 3, Time: at(0), Namespace: "default", Group: "web", Instance: heldID, Type: pb.Event_INSTANCE_STATE, State: pb.Instance_PENDING, Message: "being added"},
	}
	if state == pb.Delivery_DEAD {
		d.NextTime, d.EndTime = nil, at(24*time.Hour)
	}
	return d
}

func someFindings() *pb.ListFindingsResponse {
	return &pb.ListFindingsResponse{TotalSize: proto.Int32(3), Findings: []*pb.Finding{
		{
			Kind: "DEAD_LETTERS", Severity: pb.Finding_ERROR, Resource: opsTarget, Problem: "1 event could not be delivered to ops.", Cause: "It answered 503 for 24 hours.",
			Next: "Nothing: dead letters are kept for 7 days.", Command: "asctl notification-target redeliver ops --all", Since: at(0),
		},
		{
			Kind: "INSTANCE_OVERDUE", Severity: pb.Finding_WARNING, Resource: heldName, Group: webGroup, Problem: "It has been draining for longer than it may.",
			Next: "It is deregistered by force.", Since: at(time.Minute), Deadline: at(5 * time.Minute),
		},
		{
			Kind: "HELD", Severity: pb.Finding_NOTICE, Resource: heldName, Group: webGroup, Problem: "The hook warm-up holds it.", Command: "asctl hook pending web",
			Since: at(time.Minute), Deadline: at(6 * time.Minute),
		},
	}}
}

func someExplanation() *pb.Explanation {
	return &pb.Explanation{
		Resource: heldName, Time: timestamppb.New(now), Summary: heldID + " waits for the hook warm-up, 40 seconds at most.",
		Statements: []*pb.Statement{
			{Topic: pb.Statement_ORIGIN, Text: "Activity 41 launched it because the alarm cpu-high asked for the rule add-two.", Time: at(0), Links: []*pb.Statement_Link{
				{Kind: "activity", Name: webGroup + "/activities/41", Ari: "ari:as:main:default:activity/web/41"},
				{Kind: "alarm-task", Name: webGroup + "/alarmTasks/cpu-high"}, {Kind: "rule", Name: webGroup + "/rules/add-two"}, {Kind: "principal", Name: "ops"},
			}},
			{Topic: pb.Statement_HISTORY, Text: "Its machine was created.", Time: at(1262 * time.Millisecond)},
			{Topic: pb.Statement_HISTORY, Text: "The hook gone let it go on.", Time: at(90 * time.Second)},
			{Topic: pb.Statement_PRESENT, Text: "The hook warm-up holds it.", Links: []*pb.Statement_Link{{Kind: "lifecycle-hook", Name: webGroup + "/lifecycleHooks/warm-up"}}},
			{Topic: pb.Statement_NEXT, Text: "Without an answer it is terminated.", Time: at(6 * time.Minute)},
			{Topic: pb.Statement_HISTORY, Text: "Activity 41 still runs since 2026-01-31T18:00:00Z.", Time: at(0), Links: []*pb.Statement_Link{{Kind: "activity", Name: webGroup + "/activities/41"}}},
		},
	}
}

func leavingActivity() *pb.Activity {
	a := activity(webGroup, 44, pb.Activity_SCALE_IN, pb.Activity_IN_PROGRESS)
	a.FromCapacity, a.ToCapacity, a.Count = proto.Int32(3), proto.Int32(2), proto.Int32(1)
	a.Victims = []*pb.Activity_Victim{
		{Instance: webGroup + "/instances/i-00000000000000001", Why: "it is unhealthy"},
		{Instance: heldName, Why: "zone a has most instances, and it is the oldest there"},
	}
	return a
}

// refusedItems is a batch of which two items were refused.
func refusedItems(field string) error {
	return refused(codes.FailedPrecondition, "WRONG_STATE", field+"[0]: is TERMINATING", &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: field + "[0]", Description: "is TERMINATING"}, {Field: field + "[2]", Description: "is TERMINATING"},
	}})
}
