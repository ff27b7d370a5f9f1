package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var kinds = []Kind{
	{Name: "Configuration", Empty: &pb.Configuration{}},
	{Name: "Group", Empty: &pb.Group{}},
	{Name: "Rule", Empty: &pb.Rule{}, InGroup: true, OneOf: "kind"},
	{Name: "AlarmTask", Empty: &pb.AlarmTask{}, InGroup: true},
	{Name: "ScheduledTask", Empty: &pb.ScheduledTask{}, InGroup: true, OneOf: "action"},
}

func parseOne(t *testing.T, text string) *Document {
	t.Helper()
	documents, err := Parse("f.yaml", []byte(text), kinds)
	if err != nil || len(documents) != 1 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	documents[0].Namespace = "default"
	return documents[0]
}

const group = `# a comment
kind: Group
metadata: {name: web}
spec:
  minSize: 1
  maxSize: 4
  desiredCapacity: 2
  attachedLast: false
  paused: true
  configuration:
    name: web
  healthCheck:
    types: [PROVIDER]
    probe: {}
  balancers:
    - {provider: edge, pool: web}
    - provider: edge
      pool: api
      weight: 3
`

func TestADocumentKnowsWhatItSets(t *testing.T) {
	d := parseOne(t, group)
	want := []string{
		"min_size", "max_size", "desired_capacity", "attached_last", "paused", "configuration.name", "health_check.types", "health_check.probe", "balancers",
	}
	if diff := cmp.Diff(want, d.Paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if d.String() != "Group web" || d.Line != 2 {
		t.Errorf("%s in line %d", d, d.Line)
	}
}

func TestPositionsAreThoseOfTheFieldsThatErrorsName(t *testing.T) {
	d := parseOne(t, group)
	for field, want := range map[string]string{
		"max_size":                   "f.yaml:6:12",
		"maxSize":                    "f.yaml:6:12",
		"group.max_size":             "f.yaml:6:12",
		"health_check.types[0]":      "f.yaml:13:12",
		"group.healthCheck.types":    "f.yaml:13:12",
		"health_check.grace_period":  "f.yaml:13:5",
		"balancers[1].weight":        "f.yaml:16:5",
		"group.configuration.name":   "f.yaml:11:11",
		"request_id":                 "f.yaml:2",
		"":                           "f.yaml:2",
		"configuration.instanceType": "f.yaml:11:5",
	} {
		if got := d.Position(field); got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
}

func TestWhatMeansTheSameIsNoChange(t *testing.T) {
	d := parseOne(t, group)
	server := &pb.Group{
		Name: "namespaces/default/groups/web", MinSize: proto.Int32(1), MaxSize: proto.Int32(4), DesiredCapacity: proto.Int32(3),
		Configuration: &pb.Group_ConfigurationReference{Name: "namespaces/default/configurations/web", Version: structpb.NewStringValue("LATEST")},
		HealthCheck:   &pb.HealthCheck{Types: []pb.HealthCheck_Type{pb.HealthCheck_PROVIDER}, Probe: &pb.HealthCheck_Probe{}, StormThreshold: proto.Int32(50)},
		Balancers: []*pb.Group_Balancer{
			{Provider: "edge", Pool: "web", Weight: proto.Int32(1), DrainTimeout: durationpb.New(30e9)},
			{Provider: "edge", Pool: "api", Weight: proto.Int32(3), DrainTimeout: durationpb.New(30e9)},
		},
	}
	if changes := d.Changes(server); changes != nil {
		t.Errorf("changes %v", changes)
	}
	if text, err := d.Diff(server); text != "" || err != nil {
		t.Errorf("diff %q, %v", text, err)
	}
	d.ApplyDesired = true
	if changes := d.Changes(server); !cmp.Equal(changes, []string{"desired_capacity"}) {
		t.Errorf("with the annotation: changes %v", changes)
	}
	server.Balancers[1].Weight = proto.Int32(2)
	server.AttachedLast = true
	server.Configuration.Name = "namespaces/default/configurations/other"
	server.HealthCheck.Probe = nil
	want := []string{"desired_capacity", "attached_last", "configuration.name", "health_check.probe", "balancers"}
	if diff := cmp.Diff(want, d.Changes(server)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestReferencesAndVersionsAreComparedByWhatTheyName(t *testing.T) {
	for _, test := range []struct {
		name, text string
		server     proto.Message
		changed    bool
	}{
		{
			"rules of an alarm", "kind: AlarmTask\nmetadata: {name: a, group: web}\nspec: {metric: {name: m}, comparison: LESS_THAN, threshold: 1, rules: [x, namespaces/default/groups/web/rules/y]}",
			&pb.AlarmTask{
				Metric: &pb.Metric{Name: "m", Source: "push"}, Comparison: pb.AlarmTask_LESS_THAN, Threshold: proto.Float64(1),
				Rules: []string{"namespaces/default/groups/web/rules/x", "y"},
			}, false,
		},
		{
			"the rule of a task", "kind: ScheduledTask\nmetadata: {name: a, group: web}\nspec: {cron: '0 0 * * *', rule: x}",
			&pb.ScheduledTask{Recurrence: &pb.ScheduledTask_Cron{Cron: "0 0 * * *"}, Action: &pb.ScheduledTask_Rule{Rule: "namespaces/default/groups/web/rules/x"}}, false,
		},
		{
			"another action", "kind: ScheduledTask\nmetadata: {name: a, group: web}\nspec: {cron: '0 0 * * *', capacity: {minSize: 0}}",
			&pb.ScheduledTask{Recurrence: &pb.ScheduledTask_Cron{Cron: "0 0 * * *"}, Action: &pb.ScheduledTask_Rule{Rule: "namespaces/default/groups/web/rules/x"}}, true,
		},
		{
			"a version as text", "kind: Group\nmetadata: {name: a}\nspec: {maxSize: 1, configuration: {name: c, version: '3'}}",
			&pb.Group{MaxSize: proto.Int32(1), Configuration: &pb.Group_ConfigurationReference{Name: "c", Version: structpb.NewNumberValue(3)}}, false,
		},
		{
			"another version", "kind: Group\nmetadata: {name: a}\nspec: {maxSize: 1, configuration: {name: c, version: 3}}",
			&pb.Group{MaxSize: proto.Int32(1), Configuration: &pb.Group_ConfigurationReference{Name: "c"}}, true,
		},
		{
			"labels that are gone", "kind: Group\nmetadata: {name: a, labels: {}}\nspec: {maxSize: 1}",
			&pb.Group{MaxSize: proto.Int32(1), Labels: map[string]string{"a": "b"}}, true,
		},
		{
			"labels that are not told", "kind: Group\nmetadata: {name: a}\nspec: {maxSize: 1}",
			&pb.Group{MaxSize: proto.Int32(1), Labels: map[string]string{"a": "b"}}, false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if changes := parseOne(t, test.text).Changes(test.server); (len(changes) > 0) != test.changed {
				t.Errorf("changes %v", changes)
			}
		})
	}
}

func TestADiffOfWhatIsNotThereIsAllOfIt(t *testing.T) {
	text, err := parseOne(t, "kind: Group\nmetadata: {name: a}\nspec: {maxSize: 1, paused: true}").Diff(nil)
	want := "--- server Group a\n+++ f.yaml:1 Group a\n@@ -0,0 +1,2 @@\n+maxSize: 1\n+paused: true\n"
	if text != want || err != nil {
		t.Errorf("%q, %v; want %q", text, err, want)
	}
}

func TestWhatIsWrittenParsesToTheSame(t *testing.T) {
	server := &pb.Group{
		Name: "namespaces/other/groups/web", Uid: "u", Ari: "a", Etag: "3", Labels: map[string]string{"on": "yes", "n": "1"},
		MinSize: proto.Int32(0), MaxSize: proto.Int32(4), DesiredCapacity: proto.Int32(3), State: pb.Group_PAUSED, Counts: &pb.Group_Counts{Total: proto.Int32(3)},
		Configuration:   &pb.Group_ConfigurationReference{Name: "namespaces/other/configurations/web", Version: structpb.NewNumberValue(2)},
		DefaultCooldown: durationpb.New(90e9), ExternalNames: map[string]string{"x": "null"},
	}
	before := proto.Clone(server)
	text, err := Write(kinds[1], server)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(before, server) {
		t.Error("the resource was changed by writing it")
	}
	documents, err := Parse("f.yaml", text, kinds)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	d := documents[0]
	if d.Namespace != "other" || d.Name != "web" || !d.Spec.(*pb.Group).Paused {
		t.Errorf("%+v", d)
	}
	if changes := d.Changes(server); changes != nil {
		t.Errorf("changes %v of\n%s", changes, text)
	}
	for _, absent := range []string{"uid", "etag", "counts", "state", "ari"} {
		if strings.Contains(string(text), absent+":") {
			t.Errorf("%s is in\n%s", absent, text)
		}
	}
}

func TestBlockScalarsKeepTheirLastLine(t *testing.T) {
	text := "kind: Configuration\nmetadata: {name: a}\nspec:\n  provider: p\n  userData: |\n    one\n---\nkind: Configuration\nmetadata: {name: b}\nspec:\n  provider: p\n  userData: |\n    two\n"
	for _, ends := range []string{"\n", "\r\n"} {
		documents, err := Parse("f", []byte(strings.ReplaceAll(text, "\n", ends)), kinds)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"one\n", "two\n"} {
			if got := documents[i].Spec.(*pb.Configuration).UserData; got != want {
				t.Errorf("line ends %q: user data %q, want %q", ends, got, want)
			}
		}
	}
}

func TestAllProblemsComeInTheOrderOfTheFile(t *testing.T) {
	_, err := Parse("f", []byte("kind: Group\nmetadata: {name: A}\nspec: {maxSize: x}\n---\nkind: [\n---\nkind: Nope\n"), kinds)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Fatalf("%v", err)
	}
	for i, line := range []int{2, 3, 5, 7} {
		if problems[i].Line != line || problems[i].Message == "" {
			t.Errorf("problem %d: %v, want one in line %d", i, problems[i], line)
		}
	}
}

func TestAFieldWithoutAValueIsAProblem(t *testing.T) {
	for _, spec := range []string{"{maxSize: }", "{maxSize: 1, zones: }", "{maxSize: 1, healthCheck: ~}", "{maxSize: 1, balancers: [{provider: a, pool: b, weight: null}]}"} {
		_, err := Parse("f", []byte("kind: Group\nmetadata: {name: a}\nspec: "+spec+"\n"), kinds)
		if err == nil || !strings.Contains(err.Error(), "has no value") {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestNearNamesAreOffered(t *testing.T) {
	names := []string{"minSize", "maxSize", "zones"}
	for typed, want := range map[string]string{"minsize": ": do you mean minSize?", "maxSzie": ": do you mean maxSize?", "zone": ": do you mean zones?", "launch": ""} {
		if got := meant(typed, names); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
}
