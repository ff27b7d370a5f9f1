package rpc

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// wantFull checks that a message that shows a record with everything set has
// every field: a field that is added to the API and not converted fails here.
func wantFull(t *testing.T, m proto.Message, except ...protoreflect.Name) {
	t.Helper()
	r := m.ProtoReflect()
	unset := map[protoreflect.Name]bool{}
	for i := range r.Descriptor().Fields().Len() {
		if f := r.Descriptor().Fields().Get(i); !r.Has(f) {
			unset[f.Name()] = true
		}
	}
	for _, name := range except {
		if !unset[name] {
			t.Errorf("%s.%s is set", r.Descriptor().Name(), name)
		}
		delete(unset, name)
	}
	for name := range unset {
		t.Errorf("%s.%s is not shown", r.Descriptor().Name(), name)
	}
}

func TestLifecycleHooksComeBackAsTheyWere(t *testing.T) {
	for _, transition := range []autoscaling.Transition{autoscaling.TransitionLaunching, autoscaling.TransitionTerminating} {
		for _, result := range []autoscaling.HookResult{autoscaling.ResultContinue, autoscaling.ResultAbandon} {
			want := autoscaling.LifecycleHook{
				Meta: autoscaling.Meta{Labels: labels, ExternalNames: labels}, Transition: transition, HeartbeatTimeout: 45 * time.Second,
				DefaultResult: result, NotificationTarget: "ops", Metadata: "m",
			}
			var got autoscaling.LifecycleHook
			if err := readLifecycleHook(lifecycleHookSpecMessage(&want), "default", &got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		}
	}
	var h autoscaling.LifecycleHook
	err := readLifecycleHook(&pb.LifecycleHook{NotificationTarget: ns + "/notificationTargets/ops"}, "default", &h)
	if err != nil || h.HeartbeatTimeout != time.Hour || h.DefaultResult != autoscaling.ResultAbandon || h.NotificationTarget != "ops" {
		t.Errorf("defaults: %+v %v", h, err)
	}
	if readLifecycleHook(&pb.LifecycleHook{NotificationTarget: "namespaces/other/notificationTargets/ops"}, "default", &h) == nil {
		t.Error("a target of another namespace was taken")
	}
	full := autoscaling.LifecycleHook{
		Meta:       autoscaling.Meta{UID: "u", ID: "warm", Namespace: "default", Labels: labels, ExternalNames: labels, CreateTime: 1, UpdateTime: 2, Revision: 3},
		Transition: autoscaling.TransitionLaunching, HeartbeatTimeout: 1, DefaultResult: autoscaling.ResultAbandon, NotificationTarget: "ops", Metadata: "m",
	}
	wantFull(t, lifecycleHookMessage(emptyReader, webGroup(), &full))
}

// webGroup is group web, not in a state.
func webGroup() *autoscaling.Group {
	return &autoscaling.Group{Meta: autoscaling.Meta{UID: "g", ID: "web", Namespace: "default"}}
}

func TestHooksOfAGroupAreReadByIDOrName(t *testing.T) {
	launching := pb.LifecycleHook_LAUNCHING
	hooks, err := declaredHooks([]*pb.LifecycleHook{
		{Name: "warm", Transition: launching, Labels: labels},
		{Name: web + "/lifecycleHooks/drain", Transition: pb.LifecycleHook_TERMINATING},
	}, "default", "web")
	if err != nil || len(hooks) != 2 || hooks[0].ID != "warm" || hooks[0].Labels["a"] != "b" || hooks[1].ID != "drain" ||
		hooks[1].Hook.Transition != autoscaling.TransitionTerminating || hooks[1].Hook.HeartbeatTimeout != time.Hour {
		t.Errorf("%+v %v", hooks, err)
	}
	_, err = declaredHooks([]*pb.LifecycleHook{{Name: "warm"}, {Name: "drain", NotificationTarget: "namespaces/other/notificationTargets/ops"}}, "default", "web")
	if refused, is := err.(*autoscaling.Error); !is || refused.Field != "hooks[1].notification_target" || !strings.HasPrefix(refused.Message, refused.Field+": ") {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"", ns + "/groups/other/lifecycleHooks/x"} {
		if _, err := declaredHooks([]*pb.LifecycleHook{{Name: name, Transition: launching}}, "default", "web"); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestActionsShowWhatTheNoticeSaid(t *testing.T) {
	a := control.PendingAction{
		Instance: "i-1", Activity: 7, Transition: autoscaling.TransitionTerminating,
		HookWait: autoscaling.HookWait{
			Token: "t", Hook: "drain", HeartbeatTimeout: time.Minute, DefaultResult: autoscaling.ResultAbandon, StartTime: 1, Deadline: 2,
			LastDeadline: 3, Result: autoscaling.ResultRollback, EndTime: 4, EndedBy: "me", Metadata: "m",
		},
	}
	m := lifecycleActionMessage(webGroup(), a)
	wantFull(t, m)
	if m.GetInstance() != web+"/instances/i-1" || m.GetHook() != web+"/lifecycleHooks/drain" || m.GetActivity() != web+"/activities/7" ||
		m.GetTransition() != pb.LifecycleHook_TERMINATING || m.GetResult() != pb.LifecycleHook_ROLLBACK || m.GetDefaultResult() != pb.LifecycleHook_ABANDON {
		t.Error(m)
	}
}

func TestInstancesShowEverythingThatIsKnown(t *testing.T) {
	i := &autoscaling.Instance{
		ID: "i-0000000000000000a", State: autoscaling.TerminatingWait, Step: autoscaling.StepHooks, Health: autoscaling.HealthUnhealthy, Zone: "a", Provider: "sim",
		InstanceType: "big", Weight: 2, Activity: 7, Leaving: 8, MachineID: "m", MachineCreateTime: 1, Addresses: []string{"10.0.0.1"}, Protected: true,
		Origin: autoscaling.OriginAttached, Entrusted: true, Balancers: []autoscaling.BalancerAttachment{{Provider: "edge"}}, CreateTime: 1, StateTime: 2,
		Deadline: 9, StatusReason: "r", UnhealthySince: 3, WarmUntil: 4, Timeline: []autoscaling.TimelineEntry{{State: autoscaling.Pending}},
		Waits:    []autoscaling.HookWait{{Token: "secret", Hook: "drain", StartTime: 1, Deadline: 2, DefaultResult: autoscaling.ResultContinue, Result: autoscaling.ResultAbandon, EndTime: 3, EndedBy: "me"}},
		RunHooks: true, LifetimeUntil: 5, Replaces: "i-0",
	}
	m := instanceMessage(emptyReader, webGroup(), i, 0)
	wantFull(t, m, "external_names", "labels", "configuration")
	wantFull(t, m.GetWaits()[0])
	if m.GetStep() != "HOOKS" || m.GetReplaces() != web+"/instances/i-0" || m.GetActivity() != web+"/activities/8" || m.GetWaits()[0].GetHook() != web+"/lifecycleHooks/drain" {
		t.Error(m)
	}
	etag := m.GetEtag()
	for name, change := range map[string]func(*autoscaling.Instance){
		"deadline": func(i *autoscaling.Instance) { i.Deadline++ }, "moving": func(i *autoscaling.Instance) { i.Moving = 3 },
		"run_hooks": func(i *autoscaling.Instance) { i.RunHooks = false }, "waits": func(i *autoscaling.Instance) { i.Waits = nil },
	} {
		changed := *i
		change(&changed)
		if instanceEtag(&changed) == etag {
			t.Errorf("the etag stays when %s changes", name)
		}
	}
	for _, s := range []autoscaling.InstanceState{autoscaling.InService, autoscaling.Standby, autoscaling.Warmed, autoscaling.Terminated, autoscaling.Detached} {
		i.State = s
		if m := instanceMessage(emptyReader, webGroup(), i, 0); m.GetDeadline() != nil || m.GetNextStep() != "" {
			t.Errorf("%s is at rest, and has deadline %v, next %q", s, m.GetDeadline(), m.GetNextStep())
		}
	}
}

func TestActivitiesShowEverythingThatIsKnown(t *testing.T) {
	a := &autoscaling.Activity{
		ID: 7, Namespace: "default", GroupID: "web", Kind: autoscaling.Detach, Status: autoscaling.ActivityRejected,
		Trigger: autoscaling.Trigger{Kind: autoscaling.TriggerManual}, Cause: "c", From: 1, To: 2, Balancers: []autoscaling.BalancerRef{{Provider: "edge"}},
		Notes: []string{"n"}, Outcomes: []autoscaling.Outcome{{Instance: "i-0000000000000000a", Direction: autoscaling.DirectionDetach, Status: autoscaling.OutcomeFailed, StartTime: 1, EndTime: 2, Error: "e", Cause: "c"}},
		Reason: autoscaling.WrongState, Message: "m", Repeats: 3, LastTime: 4, StartTime: 1, EndTime: 5,
		Victims:    []autoscaling.Victim{{Instance: "i-1", Why: "the oldest"}},
		Violations: []autoscaling.Violation{{Field: "instances[1]", Message: "i-1 is TERMINATING"}},
	}
	m := activityMessage(emptyReader, a)
	wantFull(t, m, "external_names", "labels", "configuration")
	wantFull(t, m.GetInstances()[0])
	wantFull(t, m.GetVictims()[0])
	wantFull(t, m.GetViolations()[0])
	if m.GetVictims()[0].GetInstance() != web+"/instances/i-1" || m.GetViolations()[0].GetReason() != "WRONG_STATE" {
		t.Error(m)
	}
	etag := m.GetEtag()
	a.RemovalsEnded++
	if activityMessage(emptyReader, a).GetEtag() == etag {
		t.Error("the etag stays when a removal is rolled back")
	}
}

func TestReleasedMachinesShowWhereTheyCameFrom(t *testing.T) {
	m := releasedMachineMessage(&autoscaling.Released{
		Provider: "sim", MachineID: "m", Instance: "i-1", Namespace: "default", GroupID: "web", Addresses: []string{"10.0.0.1"}, Time: 1, Activity: 7, MissingSince: 2,
	})
	wantFull(t, m)
	if m.GetInstance() != web+"/instances/i-1" || m.GetGroup() != web || m.GetActivity() != web+"/activities/7" {
		t.Error(m)
	}
}
