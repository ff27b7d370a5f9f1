package rpc

import (
	"context"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestReadsSayWhatTheyAnsweredAt(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	for _, test := range []struct {
		node        *testNode
		consistency pb.Consistency
		age         string
	}{
		{c.nodes[0], pb.Consistency_CONSISTENCY_UNSPECIFIED, "0"},
		{c.nodes[0], pb.Consistency_STALE, "0"},
		{c.nodes[1], pb.Consistency_LINEARIZABLE, "0"}, // forwarded
		{c.nodes[1], pb.Consistency_STALE, "7"},
	} {
		var header metadata.MD
		_, err := test.node.clients().GetGroup(context.Background(), &pb.GetGroupRequest{Name: web, Consistency: test.consistency}, grpc.Header(&header))
		if err != nil {
			t.Fatal(err)
		}
		if header.Get(headerAppliedIndex)[0] != decimal(c.index) || header.Get(headerAge)[0] != test.age {
			t.Errorf("%s %s: %v, at %d", test.node.id, test.consistency, header, c.index)
		}
		_, err = test.node.clients().ListGroups(context.Background(), &pb.ListGroupsRequest{Parent: ns, Consistency: test.consistency}, grpc.Header(&header))
		if err != nil || len(header.Get(headerAppliedIndex)) != 1 {
			t.Errorf("%v %v", header, err)
		}
	}
}

func TestOnlyStaleReadsAreAnsweredWithoutALeader(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	c.lead(nil)
	api := c.nodes[1].clients()
	ok[*pb.Group](t)(api.GetGroup(context.Background(), &pb.GetGroupRequest{Name: web, Consistency: pb.Consistency_STALE}))
	_, err := api.GetGroup(context.Background(), &pb.GetGroupRequest{Name: web})
	st := wantError(t, err, codes.Unavailable, autoscaling.NoLeader)
	detail[*errdetails.RetryInfo](t, st)
}

func TestEveryKindIsFoundByUID(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	ok[*pb.AlarmTask](t)(api.CreateAlarmTask(ctx, &pb.CreateAlarmTaskRequest{Parent: web, AlarmTaskId: "busy", AlarmTask: busyAlarm()}))
	ok[*pb.ScheduledTask](t)(api.CreateScheduledTask(ctx, &pb.CreateScheduledTaskRequest{Parent: web, ScheduledTaskId: "night", ScheduledTask: nightTask()}))
	group := ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
	byUID := ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: ns + "/groups/" + group.GetUid()}))
	if len(group.GetUid()) != 36 || byUID.GetName() != web {
		t.Error(byUID)
	}
	parent := ns + "/groups/" + group.GetUid() // a uid stands for its group in children's names too
	conf := ok[*pb.Configuration](t)(api.GetConfiguration(ctx, &pb.GetConfigurationRequest{Name: ns + "/configurations/web"}))
	rule := ok[*pb.Rule](t)(api.GetRule(ctx, &pb.GetRuleRequest{Name: parent + "/rules/add-two"}))
	alarm := ok[*pb.AlarmTask](t)(api.GetAlarmTask(ctx, &pb.GetAlarmTaskRequest{Name: web + "/alarmTasks/busy"}))
	task := ok[*pb.ScheduledTask](t)(api.GetScheduledTask(ctx, &pb.GetScheduledTaskRequest{Name: web + "/scheduledTasks/night"}))
	instance := ok[*pb.ListInstancesResponse](t)(api.ListInstances(ctx, &pb.ListInstancesRequest{Parent: parent})).GetInstances()[0]
	activity := ok[*pb.ListActivitiesResponse](t)(api.ListActivities(ctx, &pb.ListActivitiesRequest{Parent: parent})).GetActivities()[0]
	for want, got := range map[string]string{
		conf.GetName():     ok[*pb.Configuration](t)(api.GetConfiguration(ctx, &pb.GetConfigurationRequest{Name: ns + "/configurations/" + conf.GetUid()})).GetName(),
		rule.GetName():     ok[*pb.Rule](t)(api.GetRule(ctx, &pb.GetRuleRequest{Name: parent + "/rules/" + rule.GetUid()})).GetName(),
		alarm.GetName():    ok[*pb.AlarmTask](t)(api.GetAlarmTask(ctx, &pb.GetAlarmTaskRequest{Name: web + "/alarmTasks/" + alarm.GetUid()})).GetName(),
		task.GetName():     ok[*pb.ScheduledTask](t)(api.GetScheduledTask(ctx, &pb.GetScheduledTaskRequest{Name: web + "/scheduledTasks/" + task.GetUid()})).GetName(),
		instance.GetName(): ok[*pb.Instance](t)(api.GetInstance(ctx, &pb.GetInstanceRequest{Name: web + "/instances/" + instance.GetUid()})).GetName(),
		activity.GetName(): ok[*pb.Activity](t)(api.GetActivity(ctx, &pb.GetActivityRequest{Name: web + "/activities/" + activity.GetUid()})).GetName(),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if rule.GetName() != web+"/rules/add-two" {
		t.Errorf("names have ids, not %s", rule.GetName())
	}
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	_, err := api.GetRule(ctx, &pb.GetRuleRequest{Name: web + "/rules/none"})
	st := wantError(t, err, codes.NotFound, autoscaling.NotFound)
	if d := detail[*errdetails.ResourceInfo](t, st); d.GetResourceName() != web+"/rules/none" {
		t.Error(d)
	}
	_, err = api.ExecuteRule(ctx, &pb.ExecuteRuleRequest{Ari: "ari:as:main:default:rule/web/none"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
	_, err = api.ExecuteRule(ctx, &pb.ExecuteRuleRequest{Ari: "web/add-two"})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
	_, err = api.ListRules(ctx, &pb.ListRulesRequest{Parent: ns + "/groups/none"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
	_, err = api.GetGroup(ctx, &pb.GetGroupRequest{Name: "groups/web"})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
}

func TestStaleIsReadFromTheEncoding(t *testing.T) {
	stale := protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.VarintType), uint64(pb.Consistency_STALE))
	before := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "namespaces/default")
	after := protowire.AppendVarint(protowire.AppendTag(nil, 8, protowire.VarintType), 1)
	later := protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.VarintType), uint64(pb.Consistency_LINEARIZABLE))
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, test := range map[string]struct {
		message []byte
		want    bool
	}{
		"alone": {stale, true}, "between": {join(before, stale, after), true}, "not there": {join(before, after), false},
		"the last one counts": {join(stale, later), false}, "empty": {nil, false}, "broken": {join(stale[:1]), false}, "broken before": {[]byte{0xff}, false},
	} {
		if got := isStale(test.message, 7); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
