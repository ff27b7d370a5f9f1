package rpc

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func fields(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func TestAnUpdateChangesWhatItsMaskNames(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	update := func(g *pb.Group, mask *fieldmaskpb.FieldMask) *pb.Group {
		t.Helper()
		g.Name = web
		return ok[*pb.Group](t)(api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: g, UpdateMask: mask}))
	}
	// Both case styles, and a path into a message.
	g := update(&pb.Group{
		MaxSize: p(int32(9)), DefaultCooldown: durationpb.New(time.Minute), MinSize: p(int32(0)),
		HealthCheck: &pb.HealthCheck{StormThreshold: p(int32(70)), GracePeriod: durationpb.New(time.Hour)},
	}, fields("maxSize", "default_cooldown", "healthCheck.stormThreshold"))
	if g.GetMaxSize() != 9 || g.GetDefaultCooldown().GetSeconds() != 60 || g.GetMinSize() != 1 || g.GetHealthCheck().GetStormThreshold() != 70 || g.GetHealthCheck().GetGracePeriod().GetSeconds() != 0 {
		t.Errorf("%v", g)
	}
	// A field that is named and not set becomes its default.
	if g = update(&pb.Group{}, fields("default_cooldown")); g.GetDefaultCooldown().GetSeconds() != 300 {
		t.Errorf("%v", g.GetDefaultCooldown())
	}
	// No mask: what is set.
	if g = update(&pb.Group{MaxSize: p(int32(7)), Labels: map[string]string{"a": "b"}}, nil); g.GetMaxSize() != 7 || g.GetLabels()["a"] != "b" || g.GetMinSize() != 1 {
		t.Errorf("%v", g)
	}
	// A path into a map is the map.
	if g = update(&pb.Group{Labels: map[string]string{"c": "d"}}, fields("labels.c")); len(g.GetLabels()) != 1 || g.GetLabels()["c"] != "d" {
		t.Errorf("%v", g.GetLabels())
	}
	// What only the service writes may be sent back.
	etag := g.GetEtag()
	g.State, g.Counts, g.Conditions = pb.Group_DELETING, nil, nil
	g = update(g, fields("state", "create_time", "uid", "etag", "name", "counts.total"))
	if g.GetState() != pb.Group_ACTIVE || g.GetEtag() != etag {
		t.Errorf("%v, etag was %s", g, etag)
	}
	if g.GetDesiredCapacity() != 2 || g.GetConfiguration().GetName() != "web" || len(g.GetBalancers()) != 1 {
		t.Errorf("what was not named changed: %v", g)
	}
	_, err := api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: &pb.Group{Name: web}, UpdateMask: fields("colour")})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
}

func TestTheEtagIsCheckedWhetherOrNotItIsInTheMask(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	g := ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
	for _, mask := range []*fieldmaskpb.FieldMask{nil, fields("max_size"), fields("maxSize", "etag")} {
		_, err := api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: &pb.Group{Name: web, MaxSize: p(int32(8)), Etag: "77"}, UpdateMask: mask})
		wantError(t, err, codes.Aborted, autoscaling.EtagMismatch)
	}
	next := ok[*pb.Group](t)(api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: &pb.Group{Name: web, MaxSize: p(int32(8)), Etag: g.GetEtag()}}))
	if next.GetEtag() == g.GetEtag() {
		t.Error("the etag stayed")
	}
	// A status does not change it.
	c.serveAll()
	if after := ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: web})); after.GetEtag() != next.GetEtag() {
		t.Errorf("%s became %s", next.GetEtag(), after.GetEtag())
	}
}

func TestDesiredMovesWithTheBoundsUnlessItIsNamed(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	g := ok[*pb.Group](t)(api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: &pb.Group{Name: web, MinSize: p(int32(3))}}))
	if g.GetDesiredCapacity() != 3 {
		t.Errorf("%v", g)
	}
	_, err := api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: &pb.Group{Name: web, MinSize: p(int32(4)), DesiredCapacity: p(int32(3))}})
	wantError(t, err, codes.OutOfRange, autoscaling.OutOfRange)
}

func TestAConfigurationsUpdateIsANewVersion(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	const name = ns + "/configurations/web"
	v2 := ok[*pb.Configuration](t)(api.UpdateConfiguration(ctx, &pb.UpdateConfigurationRequest{
		Configuration: &pb.Configuration{Name: name, Image: "v2"}, UpdateMask: fields("image"),
	}))
	if v2.GetVersion() != 2 || v2.GetImage() != "v2" || v2.GetPorts()[0] != 8080 || v2.GetProviderConfig().GetFields()["speed"].GetNumberValue() != 2 {
		t.Errorf("%v", v2)
	}
	// A path into the provider's own configuration is all of it.
	config, _ := structpb.NewStruct(map[string]any{"x": map[string]any{"y": "z"}})
	v3 := ok[*pb.Configuration](t)(api.UpdateConfiguration(ctx, &pb.UpdateConfigurationRequest{
		Configuration: &pb.Configuration{Name: name, ProviderConfig: config}, UpdateMask: fields("providerConfig.x.y"),
	}))
	if v3.GetVersion() != 3 || len(v3.GetProviderConfig().GetFields()) != 1 {
		t.Errorf("%v", v3)
	}
	versions := ok[*pb.ListConfigurationVersionsResponse](t)(api.ListConfigurationVersions(ctx, &pb.ListConfigurationVersionsRequest{Parent: name}))
	var images []string
	for _, v := range versions.GetVersions() {
		images = append(images, v.GetImage())
	}
	if len(images) != 3 || images[0] != "v2" || images[2] != "v1" || versions.GetTotalSize() != 3 {
		t.Errorf("%v", versions)
	}
	_, err := api.UpdateConfiguration(ctx, &pb.UpdateConfigurationRequest{Configuration: &pb.Configuration{Name: name, Provider: "cloud9"}})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
}

func TestChildrenAreUpdatedFieldByField(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	rule := ok[*pb.Rule](t)(api.UpdateRule(ctx, &pb.UpdateRuleRequest{
		Rule:       &pb.Rule{Name: web + "/rules/add-two", Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{Adjustment: p(int32(3))}}},
		UpdateMask: fields("simple.adjustment"),
	}))
	if rule.GetSimple().GetAdjustment() != 3 || rule.GetSimple().GetAdjustmentType() != pb.Rule_CHANGE_IN_CAPACITY || !rule.GetEnabled() {
		t.Errorf("%v", rule)
	}
	ok[*pb.AlarmTask](t)(api.CreateAlarmTask(ctx, &pb.CreateAlarmTaskRequest{Parent: web, AlarmTaskId: "busy", AlarmTask: busyAlarm()}))
	alarm := ok[*pb.AlarmTask](t)(api.UpdateAlarmTask(ctx, &pb.UpdateAlarmTaskRequest{
		AlarmTask: &pb.AlarmTask{Name: web + "/alarmTasks/busy", Threshold: p(0.0)}, UpdateMask: fields("threshold"),
	}))
	if alarm.Threshold == nil || alarm.GetThreshold() != 0 || alarm.GetMetric().GetName() != "cpu" || alarm.GetState() != pb.AlarmTask_INSUFFICIENT_DATA {
		t.Errorf("%v", alarm)
	}
	ok[*pb.ScheduledTask](t)(api.CreateScheduledTask(ctx, &pb.CreateScheduledTaskRequest{Parent: web, ScheduledTaskId: "night", ScheduledTask: nightTask()}))
	task := ok[*pb.ScheduledTask](t)(api.UpdateScheduledTask(ctx, &pb.UpdateScheduledTaskRequest{
		ScheduledTask: &pb.ScheduledTask{Name: web + "/scheduledTasks/night", TimeZone: "Europe/Berlin"}, UpdateMask: fields("timeZone"),
	}))
	if task.GetTimeZone() != "Europe/Berlin" || task.GetCron() != "0 22 * * *" || task.GetCapacity().GetMaxSize() != 2 || task.GetNextRunTime() == nil {
		t.Errorf("%v", task)
	}
}

func busyAlarm() *pb.AlarmTask {
	return &pb.AlarmTask{
		Metric: &pb.Metric{Name: "cpu"}, Comparison: pb.AlarmTask_GREATER_THAN, Threshold: p(80.0), Rules: []string{"add-two"},
	}
}

func nightTask() *pb.ScheduledTask {
	return &pb.ScheduledTask{
		Recurrence: &pb.ScheduledTask_Cron{Cron: "0 22 * * *"},
		Action:     &pb.ScheduledTask_Capacity_{Capacity: &pb.ScheduledTask_Capacity{MaxSize: p(int32(2))}},
	}
}
