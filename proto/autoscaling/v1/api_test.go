package autoscalingv1_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	autoscalingv1 "github.com/asctl/as/proto/autoscaling/v1"
)

func files() []protoreflect.FileDescriptor {
	var all []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("autoscaling.v1", func(f protoreflect.FileDescriptor) bool {
		all = append(all, f)
		return true
	})
	return all
}

func eachMethod(t *testing.T, check func(t *testing.T, m protoreflect.MethodDescriptor)) {
	methods := 0
	for _, f := range files() {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				methods++
				t.Run(string(m.Name()), func(t *testing.T) { check(t, m) })
			}
		}
	}
	if methods == 0 {
		t.Fatal("no methods")
	}
}

func binding(m protoreflect.MethodDescriptor) *annotations.HttpRule {
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	return rule
}

func missing(m protoreflect.MessageDescriptor, fields ...protoreflect.Name) []protoreflect.Name {
	var gone []protoreflect.Name
	for _, f := range fields {
		if m.Fields().ByName(f) == nil {
			gone = append(gone, f)
		}
	}
	return gone
}

func TestEveryMethodHasAnHTTPBinding(t *testing.T) {
	eachMethod(t, func(t *testing.T, m protoreflect.MethodDescriptor) {
		rule := binding(m)
		if rule == nil {
			t.Fatal("no google.api.http option")
		}
		resource := strings.TrimPrefix(strings.TrimPrefix(string(m.Name()), "Create"), "Update")
		switch {
		case rule.GetGet() != "" || rule.GetDelete() != "":
			if rule.Body != "" {
				t.Errorf("a body: %q", rule.Body)
			}
		case resource != string(m.Name()): // Create and Update
			body := m.Input().Fields().ByName(protoreflect.Name(rule.Body))
			if body == nil || string(body.Message().Name()) != resource {
				t.Errorf("body is %q, want the %s itself", rule.Body, resource)
			}
		default: // a custom verb
			if rule.Body != "*" {
				t.Errorf("body is %q, want *", rule.Body)
			}
		}
	})
}

func TestEveryMutationTakesRequestIDAndValidateOnly(t *testing.T) {
	eachMethod(t, func(t *testing.T, m protoreflect.MethodDescriptor) {
		if binding(m).GetGet() != "" {
			return
		}
		if gone := missing(m.Input(), "request_id", "validate_only"); gone != nil {
			t.Errorf("%s has no %v", m.Input().Name(), gone)
		}
	})
}

func TestEveryGetAndListTakesConsistency(t *testing.T) {
	eachMethod(t, func(t *testing.T, m protoreflect.MethodDescriptor) {
		name := string(m.Name())
		if name == "GetClusterStatus" { // each node answers from what it knows
			return
		}
		if strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") {
			if gone := missing(m.Input(), "consistency"); gone != nil {
				t.Errorf("%s has no %v", m.Input().Name(), gone)
			}
		}
	})
}

func TestEveryListIsPagedTheSameWay(t *testing.T) {
	eachMethod(t, func(t *testing.T, m protoreflect.MethodDescriptor) {
		if !strings.HasPrefix(string(m.Name()), "List") {
			return
		}
		if gone := missing(m.Input(), "parent", "page_size", "page_token", "skip", "filter", "order_by"); gone != nil {
			t.Errorf("%s has no %v", m.Input().Name(), gone)
		}
		if gone := missing(m.Output(), "next_page_token", "total_size"); gone != nil {
			t.Errorf("%s has no %v", m.Output().Name(), gone)
		}
		first := m.Output().Fields().Get(0)
		path := binding(m).GetGet()
		if collection := path[strings.LastIndex(path, "/")+1:]; first.JSONName() != collection || !first.IsList() {
			t.Errorf("answers its list as %s, its path says %s", first.JSONName(), collection)
		}
	})
}

func TestEveryResourceHasTheCommonFields(t *testing.T) {
	for _, resource := range []proto.Message{
		&autoscalingv1.Configuration{},
		&autoscalingv1.Group{},
		&autoscalingv1.Rule{},
		&autoscalingv1.AlarmTask{},
		&autoscalingv1.ScheduledTask{},
		&autoscalingv1.Instance{},
		&autoscalingv1.Activity{},
	} {
		m := resource.ProtoReflect().Descriptor()
		if gone := missing(m, "name", "ari", "uid", "external_names", "labels", "create_time", "update_time", "etag"); gone != nil {
			t.Errorf("%s has no %v", m.Name(), gone)
		}
	}
}

// TestPathsReachTheirMethods asks for every path of the REST API. What a handler without a method behind it answers
// is 501; a path that no method has is 404, a verb that it has not 405.
func TestPathsReachTheirMethods(t *testing.T) {
	mux := runtime.NewServeMux()
	ctx := context.Background()
	if err := errors.Join(
		autoscalingv1.RegisterConfigurationServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedConfigurationServiceServer{}),
		autoscalingv1.RegisterGroupServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedGroupServiceServer{}),
		autoscalingv1.RegisterRuleServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedRuleServiceServer{}),
		autoscalingv1.RegisterAlarmTaskServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedAlarmTaskServiceServer{}),
		autoscalingv1.RegisterScheduledTaskServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedScheduledTaskServiceServer{}),
		autoscalingv1.RegisterInstanceServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedInstanceServiceServer{}),
		autoscalingv1.RegisterActivityServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedActivityServiceServer{}),
		autoscalingv1.RegisterMetricServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedMetricServiceServer{}),
		autoscalingv1.RegisterEventServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedEventServiceServer{}),
		autoscalingv1.RegisterClusterServiceHandlerServer(ctx, mux, autoscalingv1.UnimplementedClusterServiceServer{}),
	); err != nil {
		t.Fatal(err)
	}

	const ns = "/v1/namespaces/default"
	const web = ns + "/groups/web"
	for _, path := range []string{
		"POST " + ns + "/configurations?configurationId=web&requestId=r&validateOnly=true",
		"GET " + ns + "/configurations/web?consistency=STALE",
		"GET " + ns + "/configurations",
		"PATCH " + ns + "/configurations/web?updateMask=image,cpuMillis",
		"DELETE " + ns + "/configurations/web",
		"GET " + ns + "/configurations/web/versions",
		"POST " + ns + "/groups?groupId=web",
		"GET " + web,
		"GET " + ns + "/groups?pageSize=1&pageToken=x&skip=1&filter=a&orderBy=b&consistency=LINEARIZABLE",
		"PATCH " + web + "?updateMask=max_size",
		"DELETE " + web + "?force=true",
		"POST " + web + ":setDesiredCapacity",
		"POST " + web + ":adjust",
		"POST " + web + ":pause",
		"POST " + web + ":resume",
		"POST " + web + ":suspendProcesses",
		"POST " + web + ":resumeProcesses",
		"POST " + web + "/rules?ruleId=out",
		"GET " + web + "/rules/out",
		"GET " + web + "/rules",
		"PATCH " + web + "/rules/out",
		"DELETE " + web + "/rules/out",
		"POST " + web + "/rules/out:execute",
		"POST /v1/rules:execute",
		"POST " + web + "/alarmTasks?alarmTaskId=busy",
		"GET " + web + "/alarmTasks/busy",
		"GET " + web + "/alarmTasks",
		"PATCH " + web + "/alarmTasks/busy",
		"DELETE " + web + "/alarmTasks/busy",
		"POST " + web + "/alarmTasks/busy:enable",
		"POST " + web + "/alarmTasks/busy:disable",
		"POST " + web + "/scheduledTasks?scheduledTaskId=evening",
		"GET " + web + "/scheduledTasks/evening",
		"GET " + web + "/scheduledTasks",
		"PATCH " + web + "/scheduledTasks/evening",
		"DELETE " + web + "/scheduledTasks/evening",
		"GET " + web + "/instances",
		"GET " + web + "/instances/i-0123456789abcdef0",
		"POST " + web + "/instances:remove",
		"POST " + web + "/instances:setProtection",
		"POST " + web + "/instances/i-0123456789abcdef0:setHealth",
		"GET " + web + "/activities/42",
		"GET " + web + "/activities",
		"POST " + web + "/metrics:put",
		"GET " + web + "/metrics:query?metric=queue&statistic=P90&period=60s",
		"POST /v1/metrics:putStream",
		"GET /v1/events:watch?namespace=default&group=web&afterIndex=7",
		"GET /v1/cluster",
		"POST /v1/cluster:transferLeadership",
		"POST /v1/cluster:setTime",
	} {
		t.Run(path, func(t *testing.T) {
			verb, target, _ := strings.Cut(path, " ")
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, httptest.NewRequest(verb, target, strings.NewReader("{}")))
			if answer.Code != http.StatusNotImplemented {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
		})
	}
}

func TestEveryValidationRuleCompiles(t *testing.T) {
	validator, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files() {
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			var broken *protovalidate.CompilationError
			if err := validator.Validate(dynamicpb.NewMessage(m)); errors.As(err, &broken) {
				t.Errorf("%s: %v", m.Name(), err)
			}
		}
	}
}

func TestValidation(t *testing.T) {
	const parent = `"parent": "namespaces/default/groups/web"`
	for _, c := range []struct {
		about   string
		request proto.Message
		json    string
		field   string // that is refused; empty: none
	}{
		{"a small group", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"maxSize": 3, "configuration": {"name": "web"}}}`, ""},
		{"no parent", &autoscalingv1.CreateGroupRequest{}, `{"groupId": "web", "group": {}}`, "parent"},
		{"no id", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "group": {}}`, "group_id"},
		{"id with a hyphen last", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web-", "group": {}}`, "group_id"},
		{"id with a capital", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "Web", "group": {}}`, "group_id"},
		{"id of 63", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "` + strings.Repeat("a", 63) + `", "group": {}}`, ""},
		{"id of 64", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "` + strings.Repeat("a", 64) + `", "group": {}}`, "group_id"},
		{"no group", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web"}`, "group"},
		{"min below zero", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"minSize": -1}}`, "group.min_size"},
		{"cooldown of a day", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"defaultCooldown": "86400s"}}`, ""},
		{"cooldown of more", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"defaultCooldown": "86400.1s"}}`, "group.default_cooldown"},
		{"version as a number", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": 3}}}`, ""},
		{"version as a word", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": "DEFAULT"}}}`, ""},
		{"version as digits", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": "3"}}}`, ""},
		{"version 0", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": 0}}}`, "group.configuration.version"},
		{"version and a half", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": 1.5}}}`, "group.configuration.version"},
		{"version in another word", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": "newest"}}}`, "group.configuration.version"},
		{"version as a list", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": [1]}}}`, "group.configuration.version"},
		{"version true", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"configuration": {"name": "web", "version": true}}}`, "group.configuration.version"},
		{"probe of a port", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"healthCheck": {"types": ["PROBE"], "probe": {"tcp": true}}}}`, ""},
		{"probe of a relative path", &autoscalingv1.CreateGroupRequest{}, `{"parent": "namespaces/default", "groupId": "web", "group": {"healthCheck": {"probe": {"http": "healthz"}}}}`, "group.health_check.probe.http"},
		{"update of one field", &autoscalingv1.UpdateGroupRequest{}, `{"group": {"name": "namespaces/default/groups/web", "maxSize": 5}, "updateMask": "maxSize"}`, ""},
		{"update without a name", &autoscalingv1.UpdateGroupRequest{}, `{"group": {"maxSize": 5}}`, "group.name"},
		{"group by uid", &autoscalingv1.GetGroupRequest{}, `{"name": "namespaces/default/groups/0b1d3a52-8c1c-4b5e-9d5e-0a1b2c3d4e5f"}`, ""},
		{"a rule's name for a group", &autoscalingv1.GetGroupRequest{}, `{"name": "namespaces/default/groups/web/rules/out"}`, "name"},
		{"desired 0", &autoscalingv1.SetDesiredCapacityRequest{}, `{"name": "namespaces/default/groups/web", "desiredCapacity": 0}`, ""},
		{"no desired", &autoscalingv1.SetDesiredCapacityRequest{}, `{"name": "namespaces/default/groups/web"}`, "desired_capacity"},
		{"adjust without a type", &autoscalingv1.AdjustGroupRequest{}, `{"name": "namespaces/default/groups/web", "adjustment": 1}`, "adjustment_type"},
		{"rule by name", &autoscalingv1.ExecuteRuleRequest{}, `{"name": "namespaces/default/groups/web/rules/out"}`, ""},
		{"rule by ari", &autoscalingv1.ExecuteRuleRequest{}, `{"ari": "ari:as:main:default:rule/web/out", "metricValue": 80, "breachThreshold": 70}`, ""},
		{"rule by nothing", &autoscalingv1.ExecuteRuleRequest{}, `{}`, "name or by ari"},
		{"rule by both", &autoscalingv1.ExecuteRuleRequest{}, `{"name": "namespaces/default/groups/web/rules/out", "ari": "ari:as:main:default:rule/web/out"}`, "name or by ari"},
		{"alarm with threshold 0", &autoscalingv1.CreateAlarmTaskRequest{}, `{` + parent + `, "alarmTaskId": "idle", "alarmTask": {"metric": {"name": "queue"}, "comparison": "LESS_THAN_OR_EQUAL", "threshold": 0, "rules": ["in"]}}`, ""},
		{"alarm with a period of 0", &autoscalingv1.CreateAlarmTaskRequest{}, `{` + parent + `, "alarmTaskId": "idle", "alarmTask": {"period": "0s"}}`, "alarm_task.period"},
		{"task with cron, start and end", &autoscalingv1.CreateScheduledTaskRequest{}, `{` + parent + `, "scheduledTaskId": "evening", "scheduledTask": {"cron": "0 20 * * *", "timeZone": "Europe/Berlin", "startTime": "2030-01-01T00:00:00Z", "endTime": "2031-01-01T00:00:00Z", "capacity": {"minSize": 0}}}`, ""},
		{"environment with a bad name", &autoscalingv1.CreateConfigurationRequest{}, `{"parent": "namespaces/default", "configurationId": "web", "configuration": {"env": {"A-B": "1"}}}`, `configuration.env["A-B"]`},
		{"port twice", &autoscalingv1.CreateConfigurationRequest{}, `{"parent": "namespaces/default", "configurationId": "web", "configuration": {"ports": [80, 80]}}`, "configuration.ports"},
		{"remove nothing", &autoscalingv1.RemoveInstancesRequest{}, `{` + parent + `}`, "instances"},
		{"health of initializing", &autoscalingv1.SetInstanceHealthRequest{}, `{"name": "namespaces/default/groups/web/instances/i-0123456789abcdef0", "health": "INITIALIZING"}`, "health"},
		{"samples", &autoscalingv1.PutMetricsRequest{}, `{` + parent + `, "samples": [{"metric": "queue", "value": 7}]}`, ""},
		{"sample that is no number", &autoscalingv1.PutMetricsRequest{}, `{` + parent + `, "samples": [{"metric": "queue", "value": "NaN"}]}`, "samples[0].value"},
		{"watch everything", &autoscalingv1.WatchEventsRequest{}, `{}`, ""},
		{"watch from now on", &autoscalingv1.WatchEventsRequest{}, `{"afterIndex": -1}`, ""},
		{"page size below zero", &autoscalingv1.ListGroupsRequest{}, `{"parent": "namespaces/default", "pageSize": -1}`, "page_size"},
	} {
		t.Run(c.about, func(t *testing.T) {
			if err := protojson.Unmarshal([]byte(c.json), c.request); err != nil {
				t.Fatal(err)
			}
			err := protovalidate.Validate(c.request)
			var refused *protovalidate.ValidationError
			switch {
			case err != nil && !errors.As(err, &refused):
				t.Fatal(err)
			case c.field == "" && err != nil:
				t.Error(err)
			case c.field != "" && (err == nil || !strings.Contains(err.Error(), c.field)):
				t.Errorf("answered %v, want a refusal of %s", err, c.field)
			}
		})
	}
}

func TestSizesAreWrittenWhenZero(t *testing.T) {
	group := &autoscalingv1.Group{MinSize: proto.Int32(0), MaxSize: proto.Int32(0), DesiredCapacity: proto.Int32(0)}
	text, err := protojson.Marshal(group)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"minSize", "maxSize", "desiredCapacity"} {
		if !bytes.Contains(text, []byte(`"`+field+`"`)) {
			t.Errorf("%s has no %s", text, field)
		}
	}
}

func TestOpenAPIHasEveryMethod(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal(autoscalingv1.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	operations := map[string]bool{}
	for path, verbs := range document.Paths {
		for verb, operation := range verbs {
			operations[operation.OperationID] = true
			if strings.Contains(path, "=") || strings.Contains(path, ".") {
				t.Errorf("%s %s is not a path of names", verb, path)
			}
		}
	}
	eachMethod(t, func(t *testing.T, m protoreflect.MethodDescriptor) {
		if id := string(m.Parent().Name()) + "_" + string(m.Name()); !operations[id] {
			t.Errorf("no operation %s", id)
		}
	})
}
