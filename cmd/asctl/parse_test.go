package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// parsing is a command line of one command, and the options that it makes.
type parsing[O any] struct {
	line string
	want O
	// wrong is part of the usage error; empty: there is none.
	wrong string
}

// checkParsing runs a command up to the point where it would begin to work.
func checkParsing[O any](t *testing.T, command func(*app, func(context.Context, *O) error) *cobra.Command, tests []parsing[O], compare ...cmp.Option) {
	t.Helper()
	var zero O
	compare = append(compare, cmp.AllowUnexported(zero, listRequest{}, removal{}, actionAddress{}), cmpopts.IgnoreTypes(&app{}, &kind{}), cmpopts.EquateEmpty(), protocmp.Transform())
	for _, test := range tests {
		a := &app{env: func(string) string { return "" }}
		a.now = func() time.Time { return now }
		a.global.namespace = "default"
		var got *O
		c := command(a, func(_ context.Context, o *O) error { got = o; return nil })
		c.SetArgs(strings.Fields(test.line))
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
		err := c.Execute()
		var usage usageError
		switch {
		case test.wrong != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), test.wrong)):
			t.Errorf("%s %s: error %v, want a usage error with %q", c.Name(), test.line, err, test.wrong)
		case test.wrong == "" && err != nil:
			t.Errorf("%s %s: %v", c.Name(), test.line, err)
		case test.wrong == "":
			if d := cmp.Diff(test.want, *got, compare...); d != "" {
				t.Errorf("%s %s (-want +got):\n%s", c.Name(), test.line, d)
			}
		}
	}
}

func of[O any](k *kind, command func(*app, *kind, func(context.Context, *O) error) *cobra.Command) func(*app, func(context.Context, *O) error) *cobra.Command {
	return func(a *app, run func(context.Context, *O) error) *cobra.Command { return command(a, k, run) }
}

func TestParseCreate(t *testing.T) {
	checkParsing(t, of(groups, newCreate), []parsing[createOptions]{
		{"web --max 3", createOptions{parent: "namespaces/default", id: "web", resource: &pb.Group{MaxSize: proto.Int32(3)}}, ""},
		{"namespaces/other/groups/web --min 0", createOptions{parent: "namespaces/other", id: "web", resource: &pb.Group{MinSize: proto.Int32(0)}}, ""},
		{"web --configuration c@default --probe-tcp", createOptions{parent: "namespaces/default", id: "web", resource: &pb.Group{
			Configuration: mustReference("c@DEFAULT"), HealthCheck: &pb.HealthCheck{Probe: &pb.HealthCheck_Probe{Check: &pb.HealthCheck_Probe_Tcp{Tcp: true}}},
		}}, ""},
		{"web --label a=b=c --label d=", createOptions{parent: "namespaces/default", id: "web", resource: &pb.Group{Labels: map[string]string{"a": "b=c", "d": ""}}}, ""},
		{"", createOptions{}, "expected create GROUP"},
		{"web api", createOptions{}, "expected create GROUP"},
		{"Web", createOptions{}, "is no id"},
		{"web/x", createOptions{}, "without a /"},
		{"namespaces/default/rules/web", createOptions{}, "is not the name of a group"},
		{"web --max 3.5", createOptions{}, "no whole number"},
		{"web --max 99999999999", createOptions{}, "no whole number"},
		{"web --cooldown 5", createOptions{}, "no duration"},
		{"web --label a", createOptions{}, "expected KEY=VALUE"},
		{"web --configuration c@newest", createOptions{}, "neither a number nor LATEST nor DEFAULT"},
		{"web --configuration c@0", createOptions{}, "neither a number nor LATEST nor DEFAULT"},
		{"web --balancer edge", createOptions{}, "expected PROVIDER/POOL"},
		{"web --balancer edge/web:x", createOptions{}, "is no port"},
		{"web --balancer edge/web,colour=red", createOptions{}, "neither weight nor drain"},
		{"web --access-list db", createOptions{}, "expected PROVIDER/LIST"},
		{"web --zone :net", createOptions{}, "expected ZONE"},
		{"web --attached-last=maybe", createOptions{}, "neither true nor false"},
		{"web --nope", createOptions{}, "unknown flag"},
	})
	checkParsing(t, of(configurations, newCreate), []parsing[createOptions]{
		{`web --command sleep`, createOptions{parent: "namespaces/default", id: "web", resource: &pb.Configuration{Command: []string{"sleep"}}}, ""},
		{"web -- sleep -x", createOptions{parent: "namespaces/default", id: "web", resource: &pb.Configuration{Command: []string{"sleep", "-x"}}}, ""},
		{"web sleep", createOptions{}, "a command goes behind --"},
		{"web --command sleep -- sleep", createOptions{}, "a command goes behind --"},
		{"web --disk big", createOptions{}, "no size in GiB"},
		{"web --instance-type =2", createOptions{}, "expected TYPE"},
		{"web --instance-type a=b", createOptions{}, "no whole number"},
		{"web --provider-config [1]", createOptions{}, "expected a JSON object"},
		{"web --user-data @nowhere", createOptions{}, "no such file"},
	})
	checkParsing(t, of(rules, newCreate), []parsing[createOptions]{
		{"web/more --adjustment 1", createOptions{parent: webGroup, id: "more", resource: &pb.Rule{Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{
			AdjustmentType: pb.Rule_CHANGE_IN_CAPACITY, Adjustment: proto.Int32(1),
		}}}}, ""},
		{"web/empty", createOptions{parent: webGroup, id: "empty", resource: &pb.Rule{}}, ""},
		{"more", createOptions{}, "say GROUP/RULE"},
	})
}

func mustReference(s string) *pb.Group_ConfigurationReference {
	m, err := parseConfigurationReference(s)
	if err != nil {
		panic(err)
	}
	return m.(*pb.Group_ConfigurationReference)
}

func TestParseGet(t *testing.T) {
	checkParsing(t, of(instances, newGet), []parsing[getOptions]{
		{"web/i-1 web/i-2 --stale", getOptions{names: []string{webGroup + "/instances/i-1", webGroup + "/instances/i-2"}, consistency: pb.Consistency_STALE}, ""},
		{"namespaces/x/groups/g/instances/i-1", getOptions{names: []string{"namespaces/x/groups/g/instances/i-1"}}, ""},
		{"", getOptions{}, "expected get GROUP/INSTANCE"},
		{"i-1", getOptions{}, "say GROUP/INSTANCE"},
		{"a/b/c", getOptions{}, "say GROUP/INSTANCE"},
		{"web/", getOptions{}, "is no id"},
	})
}

func TestParseList(t *testing.T) {
	checkParsing(t, of(activities, newList), []parsing[listOptions]{
		{"web", listOptions{request: listRequest{parent: webGroup}, limit: 50, cut: true}, ""},
		{"web --limit 0 --status FAILED --filter kind=REMOVE", listOptions{request: listRequest{parent: webGroup, filter: "(kind=REMOVE) AND status = FAILED"}}, ""},
		{"web --limit -1", listOptions{}, "is negative"},
		{"", listOptions{}, "expected list GROUP"},
	})
	checkParsing(t, of(instances, newList), []parsing[listOptions]{
		{"web --all --order-by name", listOptions{request: listRequest{parent: webGroup, orderBy: "name", final: true}, cut: true}, ""},
	})
	checkParsing(t, of(groups, newList), []parsing[listOptions]{
		{"", listOptions{request: listRequest{parent: "namespaces/default"}, cut: true}, ""},
		{"web", listOptions{}, "expected list"},
	})
}

func TestParseUpdate(t *testing.T) {
	checkParsing(t, of(groups, newUpdate), []parsing[updateOptions]{
		{"web --min 0 --clear zone --clear grace-period --etag 3", updateOptions{
			resource: &pb.Group{Name: webGroup, Etag: "3", MinSize: proto.Int32(0)}, paths: []string{"min_size", "zones", "health_check.grace_period"},
		}, ""},
		{"web", updateOptions{}, "nothing to change"},
		{"web --clear nope", updateOptions{}, "there is no such flag"},
		{"web --paused", updateOptions{}, "unknown flag"},
	})
}

func TestParseDelete(t *testing.T) {
	checkParsing(t, of(groups, newDeleteOne), []parsing[deleteOneOptions]{
		{"web api --force", deleteOneOptions{names: []string{webGroup, "namespaces/default/groups/api"}, how: removal{force: true}}, ""},
		{"", deleteOneOptions{}, "expected delete GROUP"},
	})
	checkParsing(t, of(groups, newDeleteOne), []parsing[deleteOneOptions]{
		{"web --force --skip-hooks", deleteOneOptions{names: []string{webGroup}, how: removal{force: true, skipHooks: true}}, ""}, {"web --skip-hooks", deleteOneOptions{}, "is for --force"},
	})
	checkParsing(t, of(rules, newDeleteOne), []parsing[deleteOneOptions]{{"web/a --force", deleteOneOptions{}, "unknown flag"}})
}

func TestParseDescribe(t *testing.T) {
	checkParsing(t, of(activities, newDescribe), []parsing[describeOptions]{
		{"web/42", describeOptions{name: webGroup + "/activities/42"}, ""},
		{"web/42 web/43", describeOptions{}, "expected describe GROUP/ACTIVITY"},
	})
}

func TestParseGroupVerbs(t *testing.T) {
	checkParsing(t, newGroupSetDesired, []parsing[groupSetDesiredOptions]{
		{"web 0 --honor-cooldown", groupSetDesiredOptions{name: webGroup, honorCooldown: true}, ""},
		{"web", groupSetDesiredOptions{}, "expected set-desired GROUP N"},
		{"web +1", groupSetDesiredOptions{}, "no number of instances"},
		{"web 3000000000", groupSetDesiredOptions{}, "no number of instances"},
	})
	checkParsing(t, newGroupAdjust, []parsing[groupAdjustOptions]{
		{"web 2", groupAdjustOptions{name: webGroup, adjustment: 2, kind: pb.Rule_CHANGE_IN_CAPACITY}, ""},
		{"web -- -30%", groupAdjustOptions{name: webGroup, adjustment: -30, kind: pb.Rule_PERCENT_CHANGE_IN_CAPACITY}, ""},
		{"web --adjustment -1", groupAdjustOptions{name: webGroup, adjustment: -1, kind: pb.Rule_CHANGE_IN_CAPACITY}, ""},
		{"web --adjustment-type exact-capacity", groupAdjustOptions{}, "which adjustment?"},
		{"web =", groupAdjustOptions{}, "is no adjustment"},
	})
	checkParsing(t, newGroupPause, []parsing[changeOptions]{{"web", changeOptions{name: webGroup}, ""}, {"", changeOptions{}, "expected pause GROUP"}})
	checkParsing(t, newGroupResume, []parsing[changeOptions]{{"web", changeOptions{name: webGroup}, ""}, {"a b", changeOptions{}, "expected resume GROUP"}})
	checkParsing(t, newGroupRebalance, []parsing[groupRebalanceOptions]{{"web --honor-cooldown", groupRebalanceOptions{name: webGroup, honorCooldown: true}, ""}, {"", groupRebalanceOptions{}, "expected rebalance GROUP"}})
	checkParsing(t, newGroupSuspend, []parsing[groupProcessesOptions]{
		{"web launch,terminate alarm", groupProcessesOptions{name: webGroup, processes: []pb.Group_Process{pb.Group_LAUNCH, pb.Group_TERMINATE, pb.Group_ALARM}}, ""},
		{"web", groupProcessesOptions{}, "expected suspend GROUP PROCESS"},
	})
	checkParsing(t, newGroupResumeProcesses, []parsing[groupProcessesOptions]{{"web PROCESS_UNSPECIFIED", groupProcessesOptions{}, "is none of"}})
}

func TestParseRuleExecute(t *testing.T) {
	checkParsing(t, newRuleExecute, []parsing[ruleExecuteOptions]{
		{"web/add-two", ruleExecuteOptions{name: webGroup + "/rules/add-two"}, ""},
		{"ari:as:main:default:rule/web/add-two --metric-value 0", ruleExecuteOptions{ari: "ari:as:main:default:rule/web/add-two", metricValue: proto.Float64(0)}, ""},
		{"add-two", ruleExecuteOptions{}, "say GROUP/RULE"},
	})
}

func TestParseAlarmTaskVerbs(t *testing.T) {
	want := changeOptions{name: webGroup + "/alarmTasks/busy"}
	checkParsing(t, newAlarmTaskEnable, []parsing[changeOptions]{{"web/busy", want, ""}, {"busy", changeOptions{}, "say GROUP/ALARM_TASK"}})
	checkParsing(t, newAlarmTaskDisable, []parsing[changeOptions]{{"web/busy", want, ""}})
}

func TestParseInstanceVerbs(t *testing.T) {
	checkParsing(t, newInstanceRemove, []parsing[instanceMoveOptions]{
		{"web/i-1 web/i-2 --decrement-desired", instanceMoveOptions{group: webGroup, ids: []string{"i-1", "i-2"}, decrement: true}, ""},
		{"web i-1 i-2", instanceMoveOptions{group: webGroup, ids: []string{"i-1", "i-2"}}, ""},
		{"web i_1", instanceMoveOptions{}, "no instance id"},
		{"web/i-1 i-2", instanceMoveOptions{}, "say GROUP/INSTANCE"},
	})
	checkParsing(t, newInstanceProtect, []parsing[instanceProtectOptions]{{"web/i-1", instanceProtectOptions{group: webGroup, ids: []string{"i-1"}, protected: true}, ""}})
	checkParsing(t, newInstanceUnprotect, []parsing[instanceProtectOptions]{{"web/i-1", instanceProtectOptions{group: webGroup, ids: []string{"i-1"}}, ""}})
	checkParsing(t, newInstanceSetHealth, []parsing[instanceSetHealthOptions]{
		{"web/i-1 healthy", instanceSetHealthOptions{name: webGroup + "/instances/i-1", health: pb.Instance_HEALTHY}, ""},
		{"web/i-1 INITIALIZING", instanceSetHealthOptions{}, "neither HEALTHY nor UNHEALTHY"},
	})
}

func TestParseInstanceMoves(t *testing.T) {
	want := instanceMoveOptions{group: webGroup, ids: []string{"i-1", "i-2"}}
	checkParsing(t, newInstanceEnterStandby, []parsing[instanceMoveOptions]{
		{"web i-1 i-2", want, ""}, {"web/i-1 web/i-2", want, ""}, {"web/i-1 api/i-2", instanceMoveOptions{}, "instances of one group"},
		{"web/i-1 --decrement", instanceMoveOptions{group: webGroup, ids: []string{"i-1"}, decrement: true}, ""}, {"web/i-1 --run-hooks", instanceMoveOptions{}, "unknown flag"},
	})
	checkParsing(t, newInstanceExitStandby, []parsing[instanceMoveOptions]{{"web i-1 i-2", want, ""}, {"web", instanceMoveOptions{}, "which instances of group web?"},
		{"web i-1 i-1", instanceMoveOptions{}, "i-1 is named twice"}, {"web/i-1 web/i-2 web/i-1", instanceMoveOptions{}, "i-1 is named twice"},
	})
	checkParsing(t, newInstanceDetach, []parsing[instanceMoveOptions]{
		{"web/i-1 --run-hooks --decrement", instanceMoveOptions{group: webGroup, ids: []string{"i-1"}, decrement: true, runHooks: true}, ""},
		{"", instanceMoveOptions{}, "expected detach GROUP/INSTANCE..."},
	})
	checkParsing(t, newInstanceAttach, []parsing[instanceAttachOptions]{
		{"web 1@127.0.0.2 2@[::1] --entrusted --run-hooks", instanceAttachOptions{group: webGroup, machines: []string{"1@127.0.0.2", "2@[::1]"}, entrusted: true, runHooks: true}, ""},
		{"web", instanceAttachOptions{}, "expected attach GROUP MACHINE..."},
		{"web m-1 m-2 m-1", instanceAttachOptions{}, "m-1 is named twice"},
		{"web/x m-1", instanceAttachOptions{}, "without a /"},
	})
	checkParsing(t, newInstanceReleased, []parsing[listOptions]{{"", listOptions{request: listRequest{parent: "namespaces/default"}, limit: 50, cut: true}, ""}, {"web", listOptions{}, "expected released"}})
}

func TestParseHookVerbs(t *testing.T) {
	checkParsing(t, newHookPending, []parsing[listOptions]{{"web --limit 3", listOptions{request: listRequest{parent: webGroup}, limit: 3}, ""}, {"", listOptions{}, "expected pending GROUP"}})
	checkParsing(t, newHookComplete, []parsing[hookCompleteOptions]{
		{"web --token t --result continue", hookCompleteOptions{address: actionAddress{group: webGroup, token: "t"}, result: pb.LifecycleHook_CONTINUE}, ""},
		{"web --hook h --instance web/i-1 --result ABANDON", hookCompleteOptions{address: actionAddress{group: webGroup, hook: "h", instance: "i-1"}, result: pb.LifecycleHook_ABANDON}, ""},
		{"web --hook h --activity web/42 --result rollback", hookCompleteOptions{address: actionAddress{group: webGroup, hook: "h", activity: "42"}, result: pb.LifecycleHook_ROLLBACK}, ""},
		{"web --token t --instance i-1 --result CONTINUE", hookCompleteOptions{}, "which hold?"}, {"web --hook h --result CONTINUE", hookCompleteOptions{}, "which hold?"},
		{"web --token t", hookCompleteOptions{}, "say --result CONTINUE, ABANDON or ROLLBACK"}, {"web --token t --result RESULT_UNSPECIFIED", hookCompleteOptions{}, "is none of"},
	})
	checkParsing(t, newHookHeartbeat, []parsing[hookHeartbeatOptions]{
		{"web --token t", hookHeartbeatOptions{address: actionAddress{group: webGroup, token: "t"}}, ""}, {"web --token t --result CONTINUE", hookHeartbeatOptions{}, "unknown flag"},
	})
}

func TestParseNotificationTargetVerbs(t *testing.T) {
	checkParsing(t, newNotificationTest, []parsing[notificationTestOptions]{{"ops", notificationTestOptions{name: opsTarget}, ""}, {"web/ops", notificationTestOptions{}, "without a /"}})
	checkParsing(t, newNotificationTargetRotateSecret, []parsing[notificationTargetRotateOptions]{
		{"ops", notificationTargetRotateOptions{name: opsTarget}, ""}, {"ops --secret whsec_x", notificationTargetRotateOptions{name: opsTarget, secret: "whsec_x"}, ""},
		{"ops --secret @nowhere", notificationTargetRotateOptions{}, "nowhere: no such file"},
	})
	checkParsing(t, newNotificationTargetRedeliver, []parsing[notificationTargetRedeliverOptions]{
		{"ops 1 22", notificationTargetRedeliverOptions{name: opsTarget, ids: []string{"1", "22"}}, ""}, {"ops --all", notificationTargetRedeliverOptions{name: opsTarget}, ""},
		{"ops", notificationTargetRedeliverOptions{}, "which dead letters?"}, {"ops 0", notificationTargetRedeliverOptions{}, "they are numbers"},
	})
	checkParsing(t, newNotificationTargetDeadLetters, []parsing[listOptions]{{"ops", listOptions{request: listRequest{parent: opsTarget}, limit: 50, cut: true}, ""}, {"", listOptions{}, "expected dead-letters NOTIFICATION_TARGET"}})
	checkParsing(t, newNotificationTargetDeliveries, []parsing[listOptions]{{"ops --stale", listOptions{request: listRequest{parent: opsTarget, consistency: pb.Consistency_STALE}, limit: 50, cut: true}, ""}})
}

func TestParseExplainAndDoctor(t *testing.T) {
	checkParsing(t, newExplainGroup, []parsing[explainOptions]{{"web --stale", explainOptions{name: webGroup, consistency: pb.Consistency_STALE}, ""}, {"", explainOptions{}, "expected group GROUP"}})
	checkParsing(t, newExplainInstance, []parsing[explainOptions]{
		{"web/i-1", explainOptions{name: webGroup + "/instances/i-1"}, ""}, {"i-1", explainOptions{name: "i-1"}, ""}, {"I_1", explainOptions{}, "does not name an instance"},
	})
	checkParsing(t, newDoctor, []parsing[doctorOptions]{{"", doctorOptions{}, ""}, {"web", doctorOptions{group: "web"}, ""}, {"namespaces/x/groups/web", doctorOptions{group: "web"}, ""}, {"web api", doctorOptions{}, "expected doctor [GROUP]"}})
}

func TestParseHookOfAGroup(t *testing.T) {
	for text, wrong := range map[string]string{
		"a:launching": "", "a:terminating,timeout=30s,metadata={\"b\": 1, \"c\": 2}": "", "a": "expected ID:TRANSITION", ":launching": "expected ID", "a:sideways": "is none of LAUNCHING",
		"a:launching,default=perhaps": "is none of CONTINUE", "a:launching,timeout": "is no duration", "a:launching,x=y": "is none of timeout",
	} {
		_, err := parseHook(text)
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v, want %q", text, err, wrong)
		}
	}
}

func TestParseEventWatch(t *testing.T) {
	checkParsing(t, newEventWatch, []parsing[eventWatchOptions]{
		{"", eventWatchOptions{after: -1}, ""},
		{"web --after 7 --type activity-ended --limit 2", eventWatchOptions{group: "web", after: 7, types: []pb.Event_Type{pb.Event_ACTIVITY_ENDED}, limit: 2}, ""},
		{"--group namespaces/default/groups/web", eventWatchOptions{group: "web", after: -1}, ""},
		{"--after -2", eventWatchOptions{}, "--after is -1 or more"},
	})
}

func TestParseMetricVerbs(t *testing.T) {
	checkParsing(t, newMetricPut, []parsing[metricPutOptions]{
		{"web a=1 b=-2.5e3", metricPutOptions{group: webGroup, samples: []*pb.Sample{{Metric: "a", Value: 1}, {Metric: "b", Value: -2500}}}, ""},
		{"web a=1 --time now", metricPutOptions{}, "is no time"},
		{"web", metricPutOptions{}, "expected put GROUP METRIC=VALUE"},
	})
	checkParsing(t, newMetricQuery, []parsing[metricQueryOptions]{
		{"web cpu --since 1m --statistic p90", metricQueryOptions{request: &pb.QueryMetricsRequest{
			Parent: webGroup, Metric: "cpu", Statistic: pb.Metric_P90, StartTime: timestamppb.New(now.Add(-60e9)),
		}}, ""},
		{"web", metricQueryOptions{}, "expected query GROUP METRIC"},
	})
}

func TestParseManifestVerbs(t *testing.T) {
	checkParsing(t, newApply, []parsing[applyOptions]{{"-f a.yaml,b.yaml -f -", applyOptions{files: []string{"a.yaml", "b.yaml", "-"}}, ""}, {"a.yaml", applyOptions{}, "expected apply"}})
	checkParsing(t, newDiff, []parsing[diffOptions]{{"-f a.yaml", diffOptions{files: []string{"a.yaml"}}, ""}, {"a.yaml", diffOptions{}, "expected diff"}})
	checkParsing(t, newDelete, []parsing[deleteOptions]{{"-f a.yaml --force", deleteOptions{files: []string{"a.yaml"}, how: removal{force: true}}, ""}, {"web", deleteOptions{}, "expected delete"}})
	checkParsing(t, newExportGroup, []parsing[exportOptions]{{"web api", exportOptions{names: []string{webGroup, "namespaces/default/groups/api"}}, ""}, {"", exportOptions{}, "expected group GROUP"}})
	checkParsing(t, newExportConfiguration, []parsing[exportOptions]{{"web", exportOptions{names: []string{"namespaces/default/configurations/web"}}, ""}})
}

func TestParseClusterVerbs(t *testing.T) {
	checkParsing(t, newClusterStatus, []parsing[clusterStatusOptions]{{"", clusterStatusOptions{}, ""}, {"n1", clusterStatusOptions{}, "expected status"}})
	checkParsing(t, newClusterTransferLeadership, []parsing[clusterTransferLeadershipOptions]{{"n2", clusterTransferLeadershipOptions{node: "n2"}, ""}, {"n1 n2", clusterTransferLeadershipOptions{}, "expected transfer-leadership"}})
	checkParsing(t, newClusterSetTime, []parsing[clusterSetTimeOptions]{{"--force", clusterSetTimeOptions{force: true}, ""}, {"12:00", clusterSetTimeOptions{}, "expected set-time"}})
	checkParsing(t, newNodeList, []parsing[nodeListOptions]{{"", nodeListOptions{}, ""}, {"n1", nodeListOptions{}, "expected list"}})
	checkParsing(t, newConfigurationVersions, []parsing[configurationVersionsOptions]{{"web --limit 2", configurationVersionsOptions{name: "namespaces/default/configurations/web", limit: 2}, ""}, {"", configurationVersionsOptions{}, "expected versions"}})
}

func TestCommandsAreSplitAsAShellSplitsWords(t *testing.T) {
	for _, test := range []struct {
		text  string
		words []string
		ok    bool
	}{
		{"sleep 100", []string{"sleep", "100"}, true},
		{"  a  'b c'\t\"d 'e'\"  ", []string{"a", "b c", "d 'e'"}, true},
		{`a\ b '' "x\"y" 'a\b'`, []string{"a b", "", `x"y`, `a\b`}, true},
		{"$HOME *", []string{"$HOME", "*"}, true},
		{"", nil, true},
		{"'a", nil, false},
		{`a\`, nil, false},
	} {
		words, err := splitWords(test.text)
		if d := cmp.Diff(test.words, words); d != "" || (err == nil) != test.ok {
			t.Errorf("%q: %v\n%s", test.text, err, d)
		}
	}
}

func TestNegativeNumbersAreArgumentsOfAdjustOnly(t *testing.T) {
	for line, want := range map[string]string{
		"group adjust web -2":                     "group adjust web -- -2",
		"group adjust web -10% --wait":            "group adjust web --wait -- -10%",
		"-n x group adjust web --adjustment -2":   "-n x group adjust web --adjustment -2",
		"group adjust web -- -2":                  "group adjust web -- -2",
		"rule update web/a --adjustment -2":       "rule update web/a --adjustment -2",
		"group set-desired web -1":                "group set-desired web -1",
		"group adjust web +2 --honor-cooldown -w": "group adjust web +2 --honor-cooldown -w",
	} {
		if got := strings.Join(negativesLast(strings.Fields(line)), " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
