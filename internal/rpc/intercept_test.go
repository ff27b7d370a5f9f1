package rpc

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func codeOf(err error) codes.Code { return status.Code(err) }

func TestOnlyTheLogHasTheCause(t *testing.T) {
	var log bytes.Buffer
	c := startCluster(t, 1, func(cfg *Config) { cfg.Logger = hclog.New(&hclog.LoggerOptions{Output: &log}) })
	api := setUp(t, c.nodes[0])
	if log.Len() > 0 {
		t.Errorf("calls that are well are logged: %s", log.String())
	}
	broken := errors.New("disk on fire")
	c.broken.Store(&broken)
	ctx := metadata.AppendToOutgoingContext(context.Background(), headerRequestID, "call-7")
	_, err := api.PauseGroup(ctx, &pb.PauseGroupRequest{Name: web})
	st := wantError(t, err, codes.Internal, "INTERNAL")
	if st.Message() != "internal error call-7" {
		t.Error(st.Message())
	}
	if got := log.String(); !strings.Contains(got, "disk on fire") || !strings.Contains(got, "id=call-7") || !strings.Contains(got, "PauseGroup") {
		t.Error(got)
	}
}

func TestAPanicIsAnInternalErrorAndTheServerGoesOn(t *testing.T) {
	var log bytes.Buffer
	c := startCluster(t, 1, func(cfg *Config) {
		cfg.Logger = hclog.New(&hclog.LoggerOptions{Output: &log})
		cfg.Refresh = func(context.Context, Dependencies) { panic("boom") }
	})
	api := c.nodes[0].clients()
	_, err := api.CreateConfiguration(context.Background(), &pb.CreateConfigurationRequest{Parent: ns, ConfigurationId: "web", Configuration: simConfiguration()})
	wantError(t, err, codes.Internal, "INTERNAL")
	if got := log.String(); !strings.Contains(got, "boom") || !strings.Contains(got, "configuration.go") {
		t.Error(got)
	}
	ok[*pb.ClusterStatus](t)(api.GetClusterStatus(context.Background(), &pb.GetClusterStatusRequest{}))
}

func TestMessagesAreCheckedBeforeAnythingElse(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	_, err := api.SetDesiredCapacity(context.Background(), &pb.SetDesiredCapacityRequest{Name: "web", DesiredCapacity: p(int32(-1))})
	st := wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
	violations := detail[*errdetails.BadRequest](t, st).GetFieldViolations()
	if len(violations) != 2 || violations[0].GetField() != "name" || violations[1].GetField() != "desired_capacity" {
		t.Error(violations)
	}
	_, err = api.CreateRule(context.Background(), &pb.CreateRuleRequest{Parent: web, RuleId: "x", Rule: &pb.Rule{
		Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{Adjustment: p(int32(9_000_000))}},
	}})
	st = wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
	if f := detail[*errdetails.BadRequest](t, st).GetFieldViolations()[0].GetField(); f != "simple.adjustment" {
		t.Errorf("fields are named as in the resource, not %s", f)
	}
}

func TestCallsAreCounted(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	api := c.nodes[1].clients()
	ok[*pb.Group](t)(api.GetGroup(context.Background(), &pb.GetGroupRequest{Name: web}))
	_, _ = api.GetGroup(context.Background(), &pb.GetGroupRequest{Name: ns + "/groups/none"})
	for _, n := range c.nodes { // counted where they came in, and at the leader
		metrics := n.rest("GET", "/metrics", nil).Body.String()
		for _, line := range []string{
			`autoscaling_rpc_requests_total{code="OK",method="GetGroup"} 1`, `autoscaling_rpc_requests_total{code="NotFound",method="GetGroup"} 1`,
			`autoscaling_rpc_request_duration_seconds_count{method="GetGroup"} 2`,
		} {
			if !strings.Contains(metrics, line+"\n") {
				t.Errorf("%s: no %s", n.id, line)
			}
		}
	}
	metrics := c.nodes[1].rest("GET", "/metrics", nil).Body.String()
	if !strings.Contains(metrics, `autoscaling_rpc_forwards_total{outcome="answered"} 1`) || !strings.Contains(metrics, `autoscaling_rpc_forwards_total{outcome="refused"} 1`) {
		t.Error(metrics)
	}
}

func TestHealthAndReflection(t *testing.T) {
	c := startCluster(t, 1)
	n := c.nodes[0]
	health := grpc_health_v1.NewHealthClient(n.conn)
	for _, serving := range []bool{true, false} {
		n.server.SetServing(serving)
		answer, err := health.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil || (answer.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING) != serving {
			t.Errorf("%v %v", answer, err)
		}
	}
	stream, err := grpc_reflection_v1.NewServerReflectionClient(n.conn).ServerReflectionInfo(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	services := map[string]bool{}
	for _, s := range answer.GetListServicesResponse().GetService() {
		services[s.GetName()] = true
	}
	if !services["autoscaling.v1.GroupService"] || !services["grpc.health.v1.Health"] || len(services) < 12 {
		t.Error(services)
	}
}

func TestEveryMethodHasAHandler(t *testing.T) {
	c := startCluster(t, 1)
	info := c.nodes[0].server.GRPC().GetServiceInfo()
	for _, m := range methods() {
		found := false
		for _, have := range info[string(m.Parent().FullName())].Methods {
			found = found || have.Name == string(m.Name())
		}
		if !found {
			t.Errorf("%s is not offered", m.FullName())
		}
	}
}
