package main

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func at(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(then.Add(d)) }

// webTier is one of everything: what the fake knows in most tests.
func webTier() []proto.Message {
	return []proto.Message{
		&pb.Configuration{
			Name: "namespaces/default/configurations/web", Provider: "local", Command: []string{"as-webapp", "--port", "8080"},
			Env: map[string]string{"WORK": "5ms"}, CpuMillis: 100, Ports: []int32{8080}, StopTimeout: durationpb.New(5 * time.Second),
			Version: 3, Digest: "0123456789abcdef0123", DefaultVersion: 1, CreateTime: at(0), Etag: "1",
		},
		&pb.Group{
			Name: webGroup, Ari: "ari:as:main:default:group/web", Uid: "0190a5d2-0000-8000-8000-000000000001",
			MinSize: proto.Int32(2), MaxSize: proto.Int32(8), DesiredCapacity: proto.Int32(3),
			Configuration: &pb.Group_ConfigurationReference{Name: "namespaces/default/configurations/web", Version: structpb.NewStringValue("LATEST")},
			Zones:         []*pb.Group_Zone{{Zone: "default"}},
			Balancers:     []*pb.Group_Balancer{{Provider: "edge", Pool: "web", Port: 8080, Weight: proto.Int32(1), DrainTimeout: durationpb.New(5 * time.Second)}},
			AccessLists:   []*pb.Group_AccessList{{Provider: "files", List: "db"}},
			HealthCheck: &pb.HealthCheck{
				Types: []pb.HealthCheck_Type{pb.HealthCheck_PROVIDER, pb.HealthCheck_BALANCER}, GracePeriod: durationpb.New(5 * time.Second), StormThreshold: proto.Int32(50),
			},
			DefaultCooldown: durationpb.New(8 * time.Second), LaunchTimeout: durationpb.New(time.Minute), State: pb.Group_ACTIVE,
			Labels: map[string]string{"tier": "web"},
			Counts: &pb.Group_Counts{
				Initial: proto.Int32(0), Pending: proto.Int32(1), InService: proto.Int32(2), Counted: proto.Int32(3), Total: proto.Int32(3),
			},
			Conditions: []*pb.Condition{
				{Type: "LAUNCH_SUSPENDED", Status: pb.Condition_TRUE, Reason: "OUT_OF_CAPACITY", Message: "zone a is full", Time: at(time.Minute)},
				{Type: "HEALTH_STORM", Status: pb.Condition_FALSE, Time: at(time.Minute)},
			},
			CooldownUntil: timestamppb.New(now.Add(90 * time.Second)), CreateTime: at(0), UpdateTime: at(time.Minute), Etag: "7", Generation: 2,
		},
		&pb.Rule{
			Name: webGroup + "/rules/add-two", Ari: "ari:as:main:default:rule/web/add-two", Enabled: proto.Bool(true), CreateTime: at(0),
			Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{AdjustmentType: pb.Rule_CHANGE_IN_CAPACITY, Adjustment: proto.Int32(2)}},
		},
		&pb.Rule{
			Name: webGroup + "/rules/less", Ari: "ari:as:main:default:rule/web/less", Enabled: proto.Bool(false), CreateTime: at(0),
			Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{
				AdjustmentType: pb.Rule_PERCENT_CHANGE_IN_CAPACITY, Adjustment: proto.Int32(-10), Cooldown: durationpb.New(time.Minute),
			}},
		},
		&pb.AlarmTask{
			Name: webGroup + "/alarmTasks/cpu-high", Metric: &pb.Metric{Source: "provider", Name: "cpu_utilization", Statistic: pb.Metric_AVERAGE},
			Period: durationpb.New(2 * time.Second), Comparison: pb.AlarmTask_GREATER_THAN, Threshold: proto.Float64(70), EvaluationPeriods: proto.Int32(3),
			DatapointsToAlarm: proto.Int32(2), Rules: []string{webGroup + "/rules/add-two"}, Enabled: proto.Bool(true),
			State: pb.AlarmTask_ALARM, StateReason: "2 of 3 points above 70", StateTime: at(4 * time.Minute), CreateTime: at(0),
		},
		&pb.ScheduledTask{
			Name: webGroup + "/scheduledTasks/evening", Recurrence: &pb.ScheduledTask_Cron{Cron: "0 20 * * *"}, TimeZone: "Europe/Berlin",
			LaunchWindow: durationpb.New(10 * time.Minute), Enabled: proto.Bool(true), CreateTime: at(0), NextRunTime: at(time.Hour),
			Action:  &pb.ScheduledTask_Capacity_{Capacity: &pb.ScheduledTask_Capacity{MinSize: proto.Int32(4), MaxSize: proto.Int32(12)}},
			LastRun: &pb.ScheduledTask_Run{Time: at(-23 * time.Hour), Outcome: pb.ScheduledTask_Run_EXPIRED, Reason: "the group was paused"},
		},
		&pb.ScheduledTask{
			Name: webGroup + "/scheduledTasks/launch-day", StartTime: at(time.Hour), Enabled: proto.Bool(true), CreateTime: at(0), NextRunTime: at(time.Hour),
			Action: &pb.ScheduledTask_Rule{Rule: webGroup + "/rules/add-two"},
		},
		&pb.Instance{
			Name: webGroup + "/instances/i-00000000000000001", Uid: "0190a5d2-0000-8000-8000-000000000002", State: pb.Instance_IN_SERVICE,
			Health: pb.Instance_HEALTHY, Pool: pb.Instance_ACTIVE, Zone: "default", Addresses: []string{"127.77.0.2"}, Provider: "local", MachineId: "m-1",
			Configuration: &pb.ConfigurationVersion{Name: "namespaces/default/configurations/web", Version: 3}, Origin: pb.Instance_CREATED,
			Weight: proto.Int32(1), Activity: webGroup + "/activities/41", CreateTime: at(0), MachineCreateTime: at(time.Second),
			Attachments: &pb.Attachments{
				Balancers:   []*pb.BalancerAttachment{{Provider: "edge", Pool: "web", Port: 8080, State: pb.Attachments_ACTIVE}},
				AccessLists: []*pb.AccessListAttachment{{Provider: "files", List: "db", State: pb.Attachments_ACTIVE}},
			},
			Timeline: []*pb.Instance_TimelineEntry{
				{What: &pb.Instance_TimelineEntry_State{State: pb.Instance_PENDING}, Time: at(0), Message: "being added"},
				{What: &pb.Instance_TimelineEntry_Step{Step: "CREATE"}, Time: at(time.Second), Message: "machine m-1"},
				{What: &pb.Instance_TimelineEntry_State{State: pb.Instance_IN_SERVICE}, Time: at(2 * time.Second)},
			},
		},
		&pb.Instance{
			Name: webGroup + "/instances/i-00000000000000002", State: pb.Instance_PENDING, Zone: "default", Protected: true, CreateTime: at(5 * time.Minute),
			Configuration: &pb.ConfigurationVersion{Name: "namespaces/default/configurations/web", Version: 3}, StatusReason: "waits for its machine",
		},
		&pb.Activity{
			Name: webGroup + "/activities/42", Kind: pb.Activity_SCALE_OUT, Status: pb.Activity_REJECTED, Reason: "COOLDOWN",
			Message: "the group cools down for 12 s", Trigger: &pb.Activity_Trigger{Kind: pb.Activity_Trigger_ALARM, Source: "ari:as:main:default:alarm-task/web/cpu-high", Rule: "ari:as:main:default:rule/web/add-two"},
			Cause: "alarm cpu-high asked for rule add-two", Repeats: proto.Int32(4), LastTime: at(2 * time.Minute), StartTime: at(time.Minute), EndTime: at(time.Minute),
		},
		&pb.Activity{
			Name: webGroup + "/activities/41", Kind: pb.Activity_SCALE_OUT, Status: pb.Activity_PARTIAL, Trigger: &pb.Activity_Trigger{Kind: pb.Activity_Trigger_MANUAL, Principal: "ops", RequestId: "r-1"},
			Cause: "desired was set to 3", FromCapacity: proto.Int32(2), ToCapacity: proto.Int32(3), Count: proto.Int32(1), ProgressPercent: proto.Int32(100),
			Configuration: &pb.ConfigurationVersion{Name: "namespaces/default/configurations/web", Version: 3}, StartTime: at(0), EndTime: at(3 * time.Second),
			Notes: []string{"pool edge/old was missing and skipped"},
			Instances: []*pb.Activity_InstanceEntry{
				{Instance: webGroup + "/instances/i-00000000000000001", Direction: pb.Activity_InstanceEntry_LAUNCH, Status: pb.Activity_SUCCESSFUL, ProgressPercent: proto.Int32(100), Cause: "to reach 3"},
				{Instance: webGroup + "/instances/i-00000000000000003", Direction: pb.Activity_InstanceEntry_LAUNCH, Status: pb.Activity_FAILED, ProgressPercent: proto.Int32(40), Cause: "to reach 3", Error: "zone a is full"},
			},
		},
	}
}

func threeNodes() *pb.ClusterStatus {
	return &pb.ClusterStatus{
		ClusterId: "0190a5d2-0000-7000-8000-0000000000aa", Leader: "n1", Term: 4, CommitIndex: 120,
		Nodes: []*pb.ClusterStatus_Node{
			{Id: "n1", Role: pb.ClusterStatus_Node_LEADER, Health: pb.ClusterStatus_Node_HEALTHY, GrpcAddress: "127.0.0.1:7400", HttpAddress: "127.0.0.1:7480", RaftAddress: "127.0.0.1:7490", AppliedIndex: 120, LastContact: timestamppb.New(now), Version: "v0.2.0"},
			{Id: "n2", Role: pb.ClusterStatus_Node_FOLLOWER, Health: pb.ClusterStatus_Node_UNHEALTHY, GrpcAddress: "127.0.0.1:7401", HttpAddress: "127.0.0.1:7481", RaftAddress: "127.0.0.1:7491", AppliedIndex: 90, LastContact: at(0), Version: "v0.2.0"},
		},
		Warnings: []string{"n2 has other providers than n1"},
	}
}

func someEvents() []*pb.Event {
	return []*pb.Event{
		{Index: 1, Time: at(0), Namespace: "default", Group: "web", Type: pb.Event_TRIGGER_FIRED, Rule: "add-two", Message: "alarm cpu-high asks for add-two"},
		{Index: 2, Time: at(time.Millisecond), Namespace: "default", Group: "web", Type: pb.Event_ACTIVITY_STARTED, Activity: "42", Message: "3 -> 5"},
		{Index: 3, Time: at(2 * time.Millisecond), Namespace: "default", Group: "web", Type: pb.Event_INSTANCE_STATE, Instance: "i-00000000000000004", Activity: "42", State: pb.Instance_PENDING, Attributes: map[string]string{"zone": "default"}},
		{Index: 4, Time: at(time.Second), Namespace: "default", Group: "web", Type: pb.Event_INSTANCE_STEP, Instance: "i-00000000000000004", Activity: "42", State: pb.Instance_PENDING, Step: "CREATE", Message: "machine m-4"},
		{Index: 5, Time: at(2 * time.Second), Namespace: "default", Type: pb.Event_NODE_CHANGED, Subject: "n3", Message: "joined"},
	}
}
