package rpc

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/explain"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var labels = map[string]string{"a": "b"}

func TestGroupSpecsComeBackAsTheyWere(t *testing.T) {
	full := autoscaling.GroupSpec{
		Min: 1, Max: 9, Desired: 3, DesiredMode: autoscaling.DesiredFollows,
		Configuration:   autoscaling.ConfigurationRef{ID: "web", Version: 7},
		Zones:           []autoscaling.Zone{{Name: "a", Network: "n"}, {Name: "b"}},
		ZonePolicy:      autoscaling.ZonePriority,
		ZoneRebalance:   true,
		DefaultCooldown: time.Minute, CooldownScope: autoscaling.CooldownAll, DefaultWarmup: 5 * time.Second,
		HealthCheck: autoscaling.HealthCheck{
			Types:       []autoscaling.HealthType{autoscaling.HealthProvider, autoscaling.HealthBalancer, autoscaling.HealthProbe},
			Probe:       &autoscaling.Probe{HTTPPath: "/ok", Port: 81, Interval: time.Second, Timeout: 2 * time.Second, UnhealthyThreshold: 4, HealthyThreshold: 5},
			GracePeriod: 9 * time.Second, StormThreshold: 60,
		},
		TerminationPolicies: []autoscaling.TerminationRule{
			autoscaling.TerminateDefault, autoscaling.TerminateOldestInstance, autoscaling.TerminateNewestInstance,
			autoscaling.TerminateOldestConfiguration, autoscaling.TerminateLeastBusy, autoscaling.TerminateRandomSeeded,
		},
		AttachedLast:          true,
		Balancers:             []autoscaling.BalancerRef{{Provider: "edge", Pool: "web", Port: 80, Weight: 0, DrainTimeout: time.Second}},
		AccessLists:           []autoscaling.AccessListRef{{Provider: "files", List: "web"}},
		NewInstancesProtected: true, KeepProtectedUnhealthy: true,
		LaunchTimeout: time.Minute, LaunchFailureLimit: 3,
		Suspended: []autoscaling.Process{
			autoscaling.ProcessLaunch, autoscaling.ProcessTerminate, autoscaling.ProcessHealthCheck, autoscaling.ProcessReplaceUnhealthy,
			autoscaling.ProcessAlarm, autoscaling.ProcessScheduled, autoscaling.ProcessLoadBalancer, autoscaling.ProcessZoneRebalance, autoscaling.ProcessRefresh,
		},
		DeletionProtection: autoscaling.ProtectionForceOnly,
		PropagatedLabels:   []string{"a"},
		Maintenance:        autoscaling.Maintenance{MinHealthyPercent: 100, MaxHealthyPercent: 150}, MaxInstanceLifetime: time.Hour,
	}
	for i := range reflect.TypeOf(full).NumField() { // nothing is forgotten
		if reflect.ValueOf(full).Field(i).IsZero() {
			t.Errorf("%s is not set", reflect.TypeOf(full).Field(i).Name)
		}
	}
	wantFull(t, groupSpecMessage(&autoscaling.Meta{Labels: labels, ExternalNames: labels}, &full),
		"name", "ari", "uid", "create_time", "update_time", "etag", "paused", "hooks", "state", "conditions", "counts", "cooldown_until", "generation")
	tcp := autoscaling.DefaultGroupSpec()
	tcp.HealthCheck.Probe = &autoscaling.Probe{Interval: time.Second, Timeout: time.Second, UnhealthyThreshold: 1, HealthyThreshold: 1}
	tcp.Configuration = autoscaling.ConfigurationRef{ID: "web", UseDefault: true}
	latest := autoscaling.DefaultGroupSpec()
	latest.Configuration.ID = "web"
	for name, spec := range map[string]autoscaling.GroupSpec{"full": full, "tcp probe": tcp, "latest": latest, "default": autoscaling.DefaultGroupSpec()} {
		m := groupSpecMessage(&autoscaling.Meta{Labels: labels, ExternalNames: labels}, &spec)
		got, err := groupSpec(m, "default")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(spec, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if !cmp.Equal(m.GetLabels(), labels) || !cmp.Equal(m.GetExternalNames(), labels) {
			t.Errorf("%s: %v", name, m)
		}
	}
}

func TestNothingSaidOfAGroupIsTheDefault(t *testing.T) {
	got, err := groupSpec(&pb.Group{}, "default")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(autoscaling.DefaultGroupSpec(), got); d != "" {
		t.Error(d)
	}
	got, _ = groupSpec(&pb.Group{
		Balancers: []*pb.Group_Balancer{{Provider: "edge", Pool: "web"}},
		HealthCheck: &pb.HealthCheck{
			Types: []pb.HealthCheck_Type{pb.HealthCheck_PROBE},
			Probe: &pb.HealthCheck_Probe{Check: &pb.HealthCheck_Probe_Tcp{Tcp: true}},
		},
	}, "default")
	if b := got.Balancers[0]; b.Weight != 1 || b.DrainTimeout != 30*time.Second {
		t.Errorf("%+v", b)
	}
	if p := got.HealthCheck.Probe; p.Interval != 10*time.Second || p.Timeout != 5*time.Second || p.UnhealthyThreshold != 3 || p.HealthyThreshold != 1 || p.HTTPPath != "" {
		t.Errorf("%+v", p)
	}
	if got.HealthCheck.StormThreshold != 50 {
		t.Errorf("%+v", got.HealthCheck)
	}
}

func TestConfigurationReferencesTakeIDOrNameAndAnyFormOfVersion(t *testing.T) {
	number, text := structpb.NewNumberValue, structpb.NewStringValue
	for _, c := range []struct {
		name    string
		version *structpb.Value
		want    autoscaling.ConfigurationRef
		refused bool
	}{
		{name: "web", want: autoscaling.ConfigurationRef{ID: "web"}},
		{name: "namespaces/default/configurations/web", version: text("LATEST"), want: autoscaling.ConfigurationRef{ID: "web"}},
		{name: "web", version: text("DEFAULT"), want: autoscaling.ConfigurationRef{ID: "web", UseDefault: true}},
		{name: "web", version: text("12"), want: autoscaling.ConfigurationRef{ID: "web", Version: 12}},
		{name: "web", version: number(3), want: autoscaling.ConfigurationRef{ID: "web", Version: 3}},
		{name: "", want: autoscaling.ConfigurationRef{}},
		{name: "namespaces/other/configurations/web", refused: true},
		{name: "namespaces/default/configurations/", refused: true},
		{name: "web", version: text("newest"), refused: true},
	} {
		got, err := readConfigurationReference(&pb.Group_ConfigurationReference{Name: c.name, Version: c.version}, "default")
		if (err != nil) != c.refused || !c.refused && got != c.want {
			t.Errorf("%s %v: %+v %v", c.name, c.version, got, err)
		}
	}
}

func TestTemplatesComeBackAsTheyWere(t *testing.T) {
	for name, want := range map[string]autoscaling.Template{
		"full": {
			Provider: "sim", InstanceTypes: []autoscaling.InstanceType{{Type: "big", Weight: 4}, {Type: "small", Weight: 1}},
			Image: "i", Command: []string{"c"}, Args: []string{"a"}, Env: map[string]string{"K": "v"},
			CPUMillis: 1, MemoryMiB: 2, BandwidthMbps: 3, Disks: []autoscaling.Disk{{SizeGiB: 4, Type: "ssd"}}, Ports: []int32{80, 81},
			UserData: "u", Labels: labels, StopTimeout: 7 * time.Second, ProviderConfig: []byte(`{"a":{"b":[1,true,null]},"z":"y"}`),
		},
		"little": {Provider: "sim", StopTimeout: autoscaling.DefaultStopTimeout},
	} {
		m := &pb.Configuration{Labels: want.Labels}
		showTemplate(&want, m)
		got, err := template(m)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	got, _ := template(&pb.Configuration{InstanceTypes: []*pb.InstanceType{{Type: "t"}}})
	if got.StopTimeout != 30*time.Second || got.InstanceTypes[0].Weight != 1 {
		t.Errorf("defaults: %+v", got)
	}
}

func TestRulesComeBackAsTheyWere(t *testing.T) {
	minute := time.Minute
	for _, kind := range []autoscaling.AdjustmentType{autoscaling.ChangeInCapacity, autoscaling.PercentChangeInCapacity, autoscaling.ExactCapacity, autoscaling.ExactPercent} {
		want := autoscaling.Rule{
			Meta: autoscaling.Meta{Labels: labels, ExternalNames: labels}, Disabled: true,
			Simple: &autoscaling.SimpleRule{AdjustmentType: kind, Adjustment: -3, MinAdjustmentMagnitude: 2, Cooldown: &minute, Rounding: autoscaling.RoundNearest},
		}
		var got autoscaling.Rule
		if err := readRule(ruleSpecMessage(&want), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	var r autoscaling.Rule
	if err := readRule(&pb.Rule{Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{Adjustment: p(int32(0))}}}, &r); err != nil || r.Disabled || r.Simple.Cooldown != nil || r.Simple.Rounding != autoscaling.RoundDefault {
		t.Errorf("defaults: %+v %v", r, err)
	}
	if readRule(&pb.Rule{}, &r) == nil || readRule(&pb.Rule{Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{}}}, &r) == nil {
		t.Error("a rule without a kind or a number was taken")
	}
}

func TestAlarmsComeBackAsTheyWere(t *testing.T) {
	for _, comparison := range []autoscaling.Comparison{autoscaling.GreaterThan, autoscaling.GreaterThanOrEqual, autoscaling.LessThan, autoscaling.LessThanOrEqual} {
		want := autoscaling.AlarmTask{
			Meta: autoscaling.Meta{Labels: labels, ExternalNames: labels}, Disabled: true,
			Metric: autoscaling.Metric{Source: "provider", Namespace: "n", Name: "cpu", Dimensions: labels, Statistic: autoscaling.StatisticP99},
			Period: 10 * time.Second, Comparison: comparison, Threshold: 0, EvaluationPeriods: 3, DatapointsToAlarm: 2, Rules: []string{"x", "y"},
		}
		var got autoscaling.AlarmTask
		if err := readAlarmTask(alarmTaskSpecMessage(&want), web, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	var a autoscaling.AlarmTask
	err := readAlarmTask(&pb.AlarmTask{Threshold: p(1.0), EvaluationPeriods: p(int32(4)), Rules: []string{web + "/rules/r"}}, web, &a)
	if err != nil || a.Disabled || a.Period != time.Minute || a.DatapointsToAlarm != 4 || a.Metric.Source != "push" || a.Metric.Statistic != autoscaling.StatisticAverage || a.Rules[0] != "r" {
		t.Errorf("defaults: %+v %v", a, err)
	}
	if readAlarmTask(&pb.AlarmTask{Rules: []string{"r"}}, web, &a) == nil {
		t.Error("an alarm without a threshold was taken")
	}
	if readAlarmTask(&pb.AlarmTask{Threshold: p(1.0), Rules: []string{ns + "/groups/other/rules/r"}}, web, &a) == nil {
		t.Error("a rule of another group was taken")
	}
}

func TestScheduledTasksComeBackAsTheyWere(t *testing.T) {
	for _, want := range []autoscaling.ScheduledTask{
		{
			Meta: autoscaling.Meta{Labels: labels, ExternalNames: labels}, Disabled: true, StartTime: 5_000_000, EndTime: 9_123_456,
			Cron: "* * * * *", TimeZone: "Europe/Berlin", LaunchWindow: time.Second, Rule: "r",
		},
		{StartTime: 5, TimeZone: "UTC", Capacity: &autoscaling.Capacity{Min: p(int32(0)), Max: p(int32(9))}},
		{StartTime: 5, TimeZone: "UTC", Capacity: &autoscaling.Capacity{Desired: p(int32(4))}},
	} {
		var got autoscaling.ScheduledTask
		if err := readScheduledTask(scheduledTaskSpecMessage(&want), web, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	var task autoscaling.ScheduledTask
	if err := readScheduledTask(&pb.ScheduledTask{Action: &pb.ScheduledTask_Rule{Rule: web + "/rules/r"}}, web, &task); err != nil ||
		task.Disabled || task.TimeZone != "UTC" || task.LaunchWindow != 600*time.Second || task.Rule != "r" {
		t.Errorf("defaults: %+v %v", task, err)
	}
}

func TestTimesAndDurations(t *testing.T) {
	for _, at := range []autoscaling.Time{0, 1, -1, 1_795_262_400_123_456} {
		if got := instant(timestamp(at)); got != at {
			t.Errorf("%d came back as %d", at, got)
		}
	}
	if d := timestamp(-1); d.CheckValid() != nil {
		t.Error(d)
	}
	if durationOr(nil, time.Second) != time.Second || durationOr(durationpb.New(0), time.Second) != 0 {
		t.Error("only an unset duration is the default")
	}
	if timestamp(0) != nil || instant(nil) != 0 {
		t.Error("never is not a time")
	}
	for _, given := range []time.Time{time.Unix(0, 0), time.Unix(0, 999), {}} {
		if at := instant(timestamppb.New(given)); at == 0 {
			t.Errorf("%s counts as not given", given)
		}
	}
}

func TestHealthIsInitializingInTheGracePeriod(t *testing.T) {
	i := &autoscaling.Instance{State: autoscaling.InService, Health: autoscaling.HealthHealthy, GraceUntil: 100}
	for now, want := range map[autoscaling.Time]pb.Instance_Health{99: pb.Instance_INITIALIZING, 100: pb.Instance_HEALTHY} {
		if got := shownHealth(i, now); got != want {
			t.Errorf("at %d it is %s, want %s", now, got, want)
		}
	}
	i.Health = autoscaling.HealthUnhealthy
	if got := shownHealth(i, 99); got != pb.Instance_UNHEALTHY {
		t.Errorf("a machine that does not run is %s in its grace period", got)
	}
}

// Enums go by name or number: neither side may know one that the other does not.
func TestEnumsOfRecordsAndMessagesAreTheSame(t *testing.T) {
	for s := autoscaling.Initial; int(s) < autoscaling.StateCount; s++ {
		if pb.Instance_State(s).String() != s.String() {
			t.Errorf("state %d is %s and %s", s, s, pb.Instance_State(s))
		}
	}
	if n := pb.Instance_State(0).Descriptor().Values().Len(); n != autoscaling.StateCount {
		t.Errorf("%d states in the API, %d in the record", n, autoscaling.StateCount)
	}
	for h, want := range map[autoscaling.Health]pb.Instance_Health{
		autoscaling.HealthInitializing: pb.Instance_INITIALIZING, autoscaling.HealthHealthy: pb.Instance_HEALTHY, autoscaling.HealthUnhealthy: pb.Instance_UNHEALTHY,
	} {
		if got := instanceMessage(emptyReader, &autoscaling.Group{}, &autoscaling.Instance{Health: h}, 0).GetHealth(); got != want {
			t.Errorf("health %d is %s", h, got)
		}
	}
	for s, want := range map[autoscaling.AttachmentState]string{
		autoscaling.AttachmentPending: "PENDING", autoscaling.AttachmentAdding: "ADDING", autoscaling.AttachmentActive: "ACTIVE",
		autoscaling.AttachmentDraining: "DRAINING", autoscaling.AttachmentRemoving: "REMOVING", autoscaling.AttachmentRemoved: "REMOVED",
	} {
		if got := attachmentState(s).String(); got != want {
			t.Errorf("attachment %d is %s, want %s", s, got, want)
		}
	}
	checkNames(t, pb.Activity_Kind(0).Descriptor(), autoscaling.ScaleOut, autoscaling.ScaleIn, autoscaling.Replace, autoscaling.Attach, autoscaling.Detach,
		autoscaling.Remove, autoscaling.EnterStandby, autoscaling.ExitStandby, autoscaling.Rebalance, autoscaling.Refresh, autoscaling.DeleteGroup)
	checkNames(t, pb.Activity_Status(0).Descriptor(), autoscaling.ActivityInProgress, autoscaling.ActivitySuccessful, autoscaling.ActivityPartial,
		autoscaling.ActivityFailed, autoscaling.ActivityRejected, autoscaling.ActivityCancelled)
	checkNames(t, pb.Activity_Trigger_Kind(0).Descriptor(), autoscaling.TriggerManual, autoscaling.TriggerScheduled, autoscaling.TriggerAlarm,
		autoscaling.TriggerCustom, autoscaling.TriggerHealthCheck, autoscaling.TriggerSystem)
	checkNames(t, pb.Activity_InstanceEntry_Direction(0).Descriptor(), autoscaling.DirectionLaunch, autoscaling.DirectionTerminate, autoscaling.DirectionAttach, autoscaling.DirectionDetach)
	checkNames(t, pb.AlarmTask_State(0).Descriptor(), autoscaling.AlarmOK, autoscaling.AlarmAlarm, autoscaling.AlarmInsufficientData)
	checkNames(t, pb.Metric_Statistic(0).Descriptor(), autoscaling.StatisticAverage, autoscaling.StatisticMinimum, autoscaling.StatisticMaximum,
		autoscaling.StatisticSum, autoscaling.StatisticP50, autoscaling.StatisticP90, autoscaling.StatisticP99)
	checkNames(t, pb.ScheduledTask_Run_Outcome(0).Descriptor(), autoscaling.RunRun, autoscaling.RunMissed, autoscaling.RunExpired, autoscaling.RunRefused)
	checkNames(t, pb.Group_State(0).Descriptor(), autoscaling.GroupActive, autoscaling.GroupPaused, autoscaling.GroupDeleting)
	checkNames(t, pb.Instance_Origin(0).Descriptor(), autoscaling.OriginCreated, autoscaling.OriginAttached)
	checkNames(t, pb.SimpleRule_Rounding(0).Descriptor(), autoscaling.RoundDefault, autoscaling.RoundNearest)
	checkNames(t, pb.Event_Type(0).Descriptor(),
		autoscaling.EventConfigurationCreated, autoscaling.EventConfigurationUpdated, autoscaling.EventConfigurationDeleted,
		autoscaling.EventGroupCreated, autoscaling.EventGroupUpdated, autoscaling.EventGroupPaused, autoscaling.EventGroupResumed,
		autoscaling.EventGroupDeleting, autoscaling.EventGroupDeleted, autoscaling.EventProcessesSuspended, autoscaling.EventProcessesResumed,
		autoscaling.EventDesiredChanged, autoscaling.EventConditionRaised, autoscaling.EventConditionCleared, autoscaling.EventRuleCreated,
		autoscaling.EventRuleUpdated, autoscaling.EventRuleDeleted, autoscaling.EventAlarmCreated, autoscaling.EventAlarmUpdated,
		autoscaling.EventAlarmDeleted, autoscaling.EventAlarmState, autoscaling.EventTaskCreated, autoscaling.EventTaskUpdated,
		autoscaling.EventTaskDeleted, autoscaling.EventTaskRun, autoscaling.EventTriggerFired, autoscaling.EventRequestRefused,
		autoscaling.EventActivityStarted, autoscaling.EventInstanceState, autoscaling.EventInstanceStep, autoscaling.EventInstanceHealth,
		autoscaling.EventInstanceProtection, autoscaling.EventActivityEnded, autoscaling.EventCooldownStarted, autoscaling.EventLaunchFailed,
		autoscaling.EventMachineAdopted, autoscaling.EventMachineLost, autoscaling.EventOrphanFound, autoscaling.EventOrphanRemoved,
		autoscaling.EventLeaderElected, autoscaling.EventNodeChanged,
		autoscaling.EventHookCreated, autoscaling.EventHookUpdated, autoscaling.EventHookDeleted, autoscaling.EventHookWaiting,
		autoscaling.EventHookHeartbeat, autoscaling.EventHookEnded, autoscaling.EventTargetCreated, autoscaling.EventTargetUpdated,
		autoscaling.EventTargetDeleted, autoscaling.EventNotificationCreated, autoscaling.EventNotificationUpdated,
		autoscaling.EventNotificationDeleted, autoscaling.EventNotificationDead, autoscaling.EventNotificationTest,
		autoscaling.EventMachineReleased, autoscaling.EventRebalanceStarted, autoscaling.EventMachinesForgotten, autoscaling.EventTimeSet)
	checkNames(t, pb.LifecycleHook_Transition(0).Descriptor(), autoscaling.TransitionLaunching, autoscaling.TransitionTerminating)
	checkNames(t, pb.LifecycleHook_Result(0).Descriptor(), autoscaling.ResultContinue, autoscaling.ResultAbandon, autoscaling.ResultRollback)
	checkNames(t, pb.Delivery_State(0).Descriptor(), autoscaling.DeliveryPending, autoscaling.DeliveryDead)
	for topic, want := range map[explain.Topic]pb.Statement_Topic{
		explain.Origin: pb.Statement_ORIGIN, explain.History: pb.Statement_HISTORY, explain.Present: pb.Statement_PRESENT,
		explain.Problem: pb.Statement_PROBLEM, explain.Next: pb.Statement_NEXT, explain.End: pb.Statement_END,
	} {
		if pb.Statement_Topic(topic) != want {
			t.Errorf("topic %d is %s, want %s", topic, pb.Statement_Topic(topic), want)
		}
	}
	for severity, want := range map[explain.Severity]pb.Finding_Severity{
		explain.Notice: pb.Finding_NOTICE, explain.Warning: pb.Finding_WARNING, explain.Error: pb.Finding_ERROR,
	} {
		if pb.Finding_Severity(severity) != want {
			t.Errorf("severity %d is %s, want %s", severity, pb.Finding_Severity(severity), want)
		}
	}
}

// checkNames checks that an enum has exactly the names, besides its zero value.
func checkNames[N ~string](t *testing.T, d protoreflect.EnumDescriptor, names ...N) {
	t.Helper()
	for _, n := range names {
		if d.Values().ByName(protoreflect.Name(n)) == nil {
			t.Errorf("%s has no %s", d.FullName(), n)
		}
	}
	if got := d.Values().Len() - 1; got != len(names) {
		t.Errorf("%s has %d values, the record %d", d.FullName(), got, len(names))
	}
}

func TestActivitiesShowHowFarTheyAre(t *testing.T) {
	a := &autoscaling.Activity{
		ID: 7, Namespace: "default", GroupID: "web", Status: autoscaling.ActivityInProgress, Launches: 4, LaunchesDone: 1, LaunchesFail: 1,
		Trigger: autoscaling.Trigger{Kind: autoscaling.TriggerAlarm, Source: "s", Rule: "r", Principal: "p", RequestID: "q"},
	}
	m := activitySummary(emptyReader, a)
	if m.GetProgressPercent() != 50 || m.GetCount() != 4 || m.Repeats != nil || m.GetName() != web+"/activities/7" {
		t.Error(m)
	}
	want := &pb.Activity_Trigger{Kind: pb.Activity_Trigger_ALARM, Source: "s", Rule: "r", Principal: "p", RequestId: "q"}
	if d := cmp.Diff(want, m.GetTrigger(), protocmp.Transform()); d != "" {
		t.Error(d)
	}
	ended := *a
	ended.Status = autoscaling.ActivityPartial
	ended.Outcomes = []autoscaling.Outcome{
		{Instance: "i-00000000000000001", Direction: autoscaling.DirectionLaunch, Status: autoscaling.OutcomeSuccessful, StartTime: 1, EndTime: 2},
		{Instance: "i-00000000000000002", Direction: autoscaling.DirectionTerminate, Status: autoscaling.OutcomeFailed, Error: "no room"},
	}
	m = activityMessage(emptyReader, &ended)
	if m.GetProgressPercent() != 100 || len(m.GetInstances()) != 2 || m.GetInstances()[1].GetError() != "no room" ||
		m.GetInstances()[0].GetStatus() != pb.Activity_SUCCESSFUL || m.GetInstances()[1].GetDirection() != pb.Activity_InstanceEntry_TERMINATE {
		t.Error(m)
	}
	if m.GetEtag() == activitySummary(emptyReader, a).GetEtag() {
		t.Error("the etag stayed")
	}
}

func TestOutcomesSoFar(t *testing.T) {
	const id = 7
	for _, c := range []struct {
		instance  autoscaling.Instance
		direction autoscaling.Direction
		status    autoscaling.OutcomeStatus
	}{
		{autoscaling.Instance{Activity: id, State: autoscaling.Pending}, autoscaling.DirectionLaunch, autoscaling.OutcomeInProgress},
		{autoscaling.Instance{Activity: id, State: autoscaling.InService, Served: true}, autoscaling.DirectionLaunch, autoscaling.OutcomeSuccessful},
		{autoscaling.Instance{Activity: id, State: autoscaling.Terminating, Served: true, Leaving: 9}, autoscaling.DirectionLaunch, autoscaling.OutcomeSuccessful},
		{autoscaling.Instance{Activity: id, State: autoscaling.TerminatingProceed, Failure: "x"}, autoscaling.DirectionLaunch, autoscaling.OutcomeFailed},
		{autoscaling.Instance{Activity: id, State: autoscaling.Terminated}, autoscaling.DirectionLaunch, autoscaling.OutcomeCancelled},
		{autoscaling.Instance{Activity: 1, Leaving: id, State: autoscaling.Terminating}, autoscaling.DirectionTerminate, autoscaling.OutcomeInProgress},
		{autoscaling.Instance{Activity: 1, Leaving: id, State: autoscaling.Terminated}, autoscaling.DirectionTerminate, autoscaling.OutcomeSuccessful},
	} {
		o, ok := outcomeSoFar(&autoscaling.Activity{ID: id}, &c.instance)
		if !ok || o.Direction != c.direction || o.Status != c.status {
			t.Errorf("%+v: %v %+v", c.instance, ok, o)
		}
	}
	if _, ok := outcomeSoFar(&autoscaling.Activity{ID: id}, &autoscaling.Instance{Activity: 1, Leaving: 2}); ok {
		t.Error("it has no part in it")
	}
}

func TestEventsNameWhatTheyAreAbout(t *testing.T) {
	m := eventMessage(&autoscaling.Event{
		Index: 5, Time: 1, Type: autoscaling.EventTriggerFired, Namespace: "default", GroupID: "web", Instance: "i-1", Activity: 42,
		Message: "m", State: autoscaling.InService, Step: autoscaling.StepStart, Details: map[string]string{"rule": "ari:as:main:default:rule/web/add-two"},
	})
	if m.GetRule() != "add-two" || m.GetActivity() != "42" || m.GetState() != pb.Instance_IN_SERVICE || m.GetStep() != "START" || m.GetIndex() != 5 {
		t.Error(m)
	}
	if m := eventMessage(&autoscaling.Event{Type: autoscaling.EventRuleDeleted, Subject: "r"}); m.GetRule() != "r" {
		t.Error(m)
	}
}

func TestHandedOverMessagesAreWhole(t *testing.T) {
	from := &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(3)), RequestId: "r"}
	var encodedMessage raw
	to, back := &pb.SetDesiredCapacityRequest{ValidateOnly: true}, &pb.SetDesiredCapacityRequest{}
	for _, step := range []error{cloner{}.Copy(&encodedMessage, from), cloner{}.Copy(back, &encodedMessage), cloner{}.Copy(to, from)} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if !proto.Equal(from, to) || !proto.Equal(from, back) {
		t.Errorf("%v %v %v", from, to, back)
	}
	if cloner.Copy(cloner{}, &pb.Group{}, from) == nil || cloner.Copy(cloner{}, &pb.Group{}, 3) == nil {
		t.Error("another kind of message was taken")
	}
}
