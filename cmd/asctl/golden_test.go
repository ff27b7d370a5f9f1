package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// ran is one command line run against a fake server in this process.
type ran struct {
	out, err bytes.Buffer
	code     int
	fake     *fake
}

func run(t *testing.T, f *fake, stdin string, args ...string) *ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return runIn(ctx, t, f, stdin, nil, args...)
}

func runIn(ctx context.Context, t *testing.T, f *fake, stdin string, env map[string]string, args ...string) *ran {
	t.Helper()
	return runApp(ctx, t, f, stdin, env, false, args...)
}

// onTerminal runs it as if all streams were one.
func onTerminal(t *testing.T, f *fake, stdin string, env map[string]string, args ...string) *ran {
	t.Helper()
	return runApp(t.Context(), t, f, stdin, env, true, args...)
}

func runApp(ctx context.Context, t *testing.T, f *fake, stdin string, env map[string]string, terminal bool, args ...string) *ran {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	f.serve(t, listener)
	r := &ran{fake: f}
	a := &app{
		in: strings.NewReader(stdin), out: &r.out, err: &r.err,
		inTerminal: terminal, outTerminal: terminal, errTerminal: terminal,
		env: func(name string) string { return env[name] },
		now: func() time.Time { return now },
		dial: func(ctx context.Context, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "127.0.0.9:") {
				return nil, errors.New("connection refused")
			}
			return listener.DialContext(ctx)
		},
	}
	r.code = a.run(ctx, args)
	return r
}

func TestCommands(t *testing.T) {
	scaled := activity(webGroup, 43, pb.Activity_SCALE_OUT, pb.Activity_IN_PROGRESS)
	scaling := func() *fake {
		return newFake(webTier()...).answer("SetDesiredCapacity", scaled, nil).answer("AdjustGroup", scaled, nil).
			answer("ExecuteRule", scaled, nil).answer("RemoveInstances", scaled, nil)
	}
	cooling := refusedWith(codes.FailedPrecondition, "COOLDOWN", "group web cools down until 18:05:32", map[string]string{"activity": webGroup + "/activities/44"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(12 * time.Second)})
	group := webTier()[1]
	alarm := webTier()[4]
	instance := webTier()[7]
	points := &pb.QueryMetricsResponse{Points: []*pb.QueryMetricsResponse_Point{
		{Time: at(0), Value: proto.Float64(12.5), Samples: proto.Int32(3)}, {Time: at(time.Minute), Value: proto.Float64(1e6), Samples: proto.Int32(1)},
	}}
	clustered := func() *fake {
		return newFake().answer("GetClusterStatus", threeNodes(), nil).answer("TransferLeadership", threeNodes(), nil).
			answer("SetTime", &pb.SetTimeResponse{Before: at(240 * time.Hour), Time: at(0), Changed: true}, nil)
	}
	eventful := func() *fake { f := newFake(webTier()...); f.events = someEvents(); return f }
	known := func() *fake { return newFake(webTier()...) }

	checkGolden(t, []goldenFile{
		{"configuration", known, []string{
			"configuration list", "configuration list -o wide", "configuration get web -o json", "configuration get web -o yaml", "configuration list -o name",
			"configuration create batch --provider local --command sleep --command 100 --env A=1,2 --env B= --cpu-millis 250 --port 80,81 --instance-type small=2 --disk 20:ssd --stop-timeout 5s --label x=y --arg --verbose",
			"configuration create batch --provider local -o json -- sleep 100",
			"configuration create web --provider local",
			"configuration update web --image web:2", "configuration update web --clear env,cpu-millis", "configuration update web",
			"configuration delete web --yes", "configuration delete web",
		}},
		{"group", known, []string{
			"group list", "group list -o wide", "group list -o json --stale", "group list -o name", "group get web", "group get web -o yaml", "group get nope", "group describe web",
			"group create api --min 1 --max 5 --desired 2 --configuration web@3 --balancer edge/api:81,weight=2,drain=5s --access-list files/db --zone a:net1 --zone b --health-check provider,balancer --grace-period 30s --cooldown 1m --probe-http /healthz --termination-policy newest-instance --deletion-protection force-only --label tier=api --paused",
			"group create api --max 5 -o name", "group create api --max 5 --dry-run", "group create web --max 1",
			"group update web --max 10 --grace-period 10s --etag 7", "group update web --configuration web@DEFAULT -o yaml",
			"group delete web --yes", "group delete web --force --yes -o name", "group delete web --force",
		}},
		{"group_scaling", scaling, []string{
			"group set-desired web 5", "group set-desired web 5 --honor-cooldown -o json --request-id once", "group set-desired web five", "group set-desired web -1",
			"group adjust web +3", "group adjust web -2", "group adjust web -10% --min-adjustment-magnitude 2", "group adjust web =5", "group adjust web =50%",
			"group adjust web --adjustment 2 --adjustment-type exact-capacity", "group adjust web", "group adjust web +x", "group adjust web +1 --adjustment 1",
			"rule execute web/add-two", "rule execute ari:as:main:default:rule/web/add-two --honor-cooldown -o name", "rule execute web/add-two --metric-value 91.5 --breach-threshold 70", "rule execute add-two",
			"instance remove web/i-00000000000000001 web/i-00000000000000002", "instance remove web i-00000000000000001 --decrement", "instance remove web/i-1 api/i-2", "instance remove web",
		}},
		{"group_refused", func() *fake {
			return known().answer("SetDesiredCapacity", nil, cooling).
				answer("PauseGroup", nil, status.Error(codes.PermissionDenied, "role viewer may not")).
				answer("ResumeGroup", nil, refused(codes.Aborted, "ETAG_MISMATCH", "etag is 8")).
				answer("UpdateGroup", nil, refused(codes.InvalidArgument, "INVALID_ARGUMENT", "max_size: 1 is below min_size 2", &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
					{Field: "max_size", Description: "1 is below min_size 2"}, {Field: "zones", Description: "no such zone"},
				}})).
				answer("AdjustGroup", nil, refused(codes.OutOfRange, "OUT_OF_RANGE", "desired 99 is above max_size 8"))
		}, []string{
			"group set-desired web 5", "group pause web", "group resume web", "group update web --max 1", "group adjust web =99",
		}},
		{"group_processes", func() *fake {
			return known().answer("PauseGroup", group, nil).answer("ResumeGroup", group, nil).answer("SuspendProcesses", group, nil).answer("ResumeProcesses", group, nil)
		}, []string{
			"group pause web", "group resume web -o name", "group suspend web launch health-check", "group suspend web ALARM,SCHEDULED", "group suspend web nothing",
			"group resume-processes web LAUNCH", "group suspend web", "group pause web/x",
		}},
		{"rule", known, []string{
			"rule list web", "rule list web -o wide", "rule list", "rule get web/add-two -o json", "rule get web/nope", "rule get add-two",
			"rule create web/more --adjustment 3", "rule create web/fewer --adjustment-type percent-change-in-capacity --adjustment -25 --rounding nearest --cooldown 90s --enabled=false",
			"rule create nope/more --adjustment 3", "rule update web/less --enabled", "rule update web/less --adjustment -20", "rule delete web/add-two web/less --yes",
		}},
		{"scheduled_task", known, []string{
			"scheduled-task list web", "scheduled-task list web -o wide", "scheduled-task get web/evening -o yaml",
			"scheduled-task create web/night --cron @daily --time-zone UTC --rule add-two --launch-window 1m",
			"scheduled-task create web/once --start-time 2026-03-01T00:00:00Z --min 1 --desired 2 --max 3", "scheduled-task create web/bad --start-time tomorrow",
			"scheduled-task update web/evening --max 20", "scheduled-task delete web/evening --yes",
		}},
		{"alarm_task", func() *fake {
			return known().answer("EnableAlarmTask", alarm, nil).answer("DisableAlarmTask", alarm, nil)
		}, []string{
			"alarm-task list web", "alarm-task list web -o wide", "alarm-task get web/cpu-high -o json",
			"alarm-task create web/busy --metric requests --source push --dimension host=a --statistic p99 --period 10s --comparison greater-than --threshold 99.5 --evaluation-periods 3 --datapoints-to-alarm 2 --rule add-two",
			"alarm-task create web/busy --comparison above", "alarm-task update web/cpu-high --threshold 80", "alarm-task enable web/cpu-high", "alarm-task disable web/cpu-high", "alarm-task delete web/cpu-high --yes",
		}},
		{"instance", func() *fake {
			return known().answer("SetInstanceHealth", instance, nil).
				answer("SetInstanceProtection", &pb.SetInstanceProtectionResponse{Instances: []*pb.Instance{instance.(*pb.Instance)}}, nil)
		}, []string{
			"instance list web", "instance list web -o wide --all", "instance list web -o name --limit 1", "instance list web --filter state=PENDING --order-by create_time",
			"instance get web/i-00000000000000001", "instance get web/i-00000000000000001 -o wide", "instance get namespaces/default/groups/web/instances/i-00000000000000002 -o name",
			"instance describe web/i-00000000000000001", "instance protect web/i-00000000000000001", "instance unprotect web i-00000000000000001 -o json",
			"instance set-health web/i-00000000000000001 unhealthy --respect-grace-period", "instance set-health web/i-00000000000000001 sick",
		}},
		{"activity", known, []string{
			"activity list web", "activity list web -o wide --limit 0", "activity list web --status IN_PROGRESS", "activity list web --status FAILED --filter kind=REMOVE --limit 1 -o name",
			"activity get web/42", "activity get web/41 -o json", "activity describe web/41", "activity describe web/42",
		}},
		{"event", eventful, []string{
			"event watch --limit 5 --after 0", "event watch --group web --limit 4 --after 0 -o wide", "event watch web --after 2 --limit 1 -o json", "event watch --after 4 --limit 1 -o yaml",
			"event watch --type instance-state,INSTANCE_STEP --limit 2 --after 0", "event watch -o name", "event watch --type nothing", "event watch web --group api",
		}},
		{"metric", func() *fake {
			return known().answer("PutMetrics", &pb.PutMetricsResponse{Accepted: proto.Int32(2)}, nil).answer("QueryMetrics", points, nil)
		}, []string{
			"metric put web requests=120.5 errors=0", "metric put web load=1 --instance i-00000000000000001 --time 2026-01-31T18:00:00Z -o json", "metric put web load", "metric put web load=NaN",
			"metric query web requests", "metric query web cpu_utilization --source provider --statistic maximum --period 10s --since 10m -o json", "metric query web x --start yesterday",
		}},
		{"cluster", clustered, []string{
			"cluster status", "cluster status -o wide", "cluster status -o json", "cluster transfer-leadership n2 -o name", "cluster transfer-leadership", "cluster set-time", "cluster set-time --force --dry-run", "cluster set-time -o json", "node list", "node list -o yaml", "node list -o name",
		}},
		{"provider", func() *fake {
			return newFake().answer("ForgetMachines", &pb.ForgetMachinesResponse{Provider: "local", Instances: 3, Configured: true}, nil)
		}, []string{
			"provider forget-machines local --yes", "provider forget-machines local --dry-run", "provider forget-machines local", "provider forget-machines",
		}},
	})
}

// goldenFile is what a golden file has: command lines, each against a fake of its
// own.
type goldenFile struct {
	file string
	fake func() *fake
	// lines are command lines; words are separated by spaces, which none has in it.
	lines []string
}

func checkGolden(t *testing.T, files []goldenFile) {
	for _, test := range files {
		t.Run(test.file, func(t *testing.T) {
			var b bytes.Buffer
			for _, line := range test.lines {
				r := run(t, test.fake(), "", strings.Fields(line)...)
				b.WriteString(r.record(line))
			}
			golden(t, test.file+".txt", b.String())
		})
	}
}

// record is what the golden files have of a command line.
func (r *ran) record(line string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "$ asctl %s\n", line)
	for _, request := range r.fake.recorded() {
		fmt.Fprintf(&b, "> %s\n", request)
	}
	b.WriteString(r.out.String())
	for text := range strings.Lines(r.err.String()) {
		b.WriteString("! " + text)
	}
	fmt.Fprintf(&b, "= %d\n\n", r.code)
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", path, d)
	}
}
