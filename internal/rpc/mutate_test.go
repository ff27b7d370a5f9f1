package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestARepeatedRequestGetsItsFirstAnswer(t *testing.T) {
	c := startCluster(t, 2)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	req := &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(4)), RequestId: "once"}
	first := ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, req))
	if first.GetTrigger().GetRequestId() != "once" {
		t.Error(first.GetTrigger())
	}
	before := c.index
	for range 2 {
		if again := ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, req)); !proto.Equal(first, again) {
			t.Errorf("got %v, first %v", again, first)
		}
	}
	c.serveAll()
	before++
	c.lead(c.nodes[1])
	for _, n := range c.nodes {
		if again := ok[*pb.Activity](t)(n.clients().SetDesiredCapacity(ctx, req)); !proto.Equal(first, again) {
			t.Errorf("after a change of leader %s answers %v, first %v", n.id, again, first)
		}
	}
	if c.index != before {
		t.Errorf("repeats wrote %d entries", c.index-before)
	}
}

func TestARequestIDMeansOneThing(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(4)), RequestId: "a"}))
	_, err := api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(5)), RequestId: "a"})
	wantError(t, err, codes.AlreadyExists, autoscaling.IdempotencyMismatch)
	_, err = api.PauseGroup(ctx, &pb.PauseGroupRequest{Name: web, RequestId: "a"})
	wantError(t, err, codes.AlreadyExists, autoscaling.IdempotencyMismatch)
	// Another namespace has ids of its own.
	ok[*pb.Configuration](t)(api.CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
		Parent: "namespaces/other", ConfigurationId: "web", Configuration: simConfiguration(), RequestId: "a",
	}))
}

func TestRefusalsAreRecordedButNotRemembered(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	req := &pb.ExecuteRuleRequest{Name: web + "/rules/add-two", RequestId: "again"}
	_, err := api.ExecuteRule(ctx, req) // the group's first activity runs
	st := wantError(t, err, codes.FailedPrecondition, autoscaling.ActivityRunning)
	name := detail[*errdetails.ErrorInfo](t, st).GetMetadata()["activity"]
	record := ok[*pb.Activity](t)(api.GetActivity(ctx, &pb.GetActivityRequest{Name: name}))
	if record.GetStatus() != pb.Activity_REJECTED || record.GetReason() != "ACTIVITY_IN_PROGRESS" || record.GetRepeats() != 1 {
		t.Errorf("recorded %v", record)
	}
	c.serveAll()
	a := ok[*pb.Activity](t)(api.ExecuteRule(ctx, req))
	if a.GetToCapacity() != 4 || a.GetTrigger().GetKind() != pb.Activity_Trigger_CUSTOM {
		t.Errorf("after the refusal: %v", a)
	}
}

func TestADryRunAnswersAndWritesNothing(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	before, events := c.index, c.nodes[0].View().LastEvent()
	a := ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(4)), ValidateOnly: true, RequestId: "r"}))
	if a.GetToCapacity() != 4 || len(a.GetInstances()) != 2 {
		t.Errorf("%v", a)
	}
	_, err := api.ExecuteRule(ctx, &pb.ExecuteRuleRequest{Name: web + "/rules/add-two", ValidateOnly: true})
	wantError(t, err, codes.FailedPrecondition, autoscaling.ActivityRunning)
	_, err = api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(9)), ValidateOnly: true})
	wantError(t, err, codes.OutOfRange, autoscaling.OutOfRange)
	if c.index != before || c.nodes[0].View().LastEvent() != events {
		t.Error("a dry run wrote something")
	}
	// The same request for real is not a repeat; as a dry run it then is one.
	ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(4)), RequestId: "r"}))
	again := ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(4)), RequestId: "r", ValidateOnly: true}))
	if again.GetName() == "" || again.GetToCapacity() != 4 {
		t.Errorf("%v", again)
	}
}

func TestBigAnswersAreReadAgain(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	ok[*pb.Group](t)(api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: &pb.Group{Name: web, MaxSize: p(int32(100))}}))
	req := &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(80)), RequestId: "big"}
	first := ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, req))
	if proto.Size(first) <= autoscaling.MaxAnswer {
		t.Fatal("the answer is not big")
	}
	if again := ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, req)); again.GetName() != first.GetName() || len(again.GetInstances()) != 78 {
		t.Errorf("%v", again)
	}
	c.serveAll()
	var ids []string
	for _, i := range c.nodes[0].instances() {
		ids = append(ids, string(i.ID))
	}
	protect := &pb.SetInstanceProtectionRequest{Parent: web, Instances: ids, Protected: true, RequestId: "many"}
	for range 2 {
		answer := ok[*pb.SetInstanceProtectionResponse](t)(api.SetInstanceProtection(ctx, protect))
		if len(answer.GetInstances()) != len(ids) || !answer.GetInstances()[3].GetProtected() || answer.GetInstances()[3].GetName() != web+"/instances/"+ids[3] {
			t.Errorf("%d answers", len(answer.GetInstances()))
		}
	}
}

func TestDeletionsAreRememberedToo(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	for range 2 {
		if _, err := api.DeleteRule(context.Background(), &pb.DeleteRuleRequest{Name: web + "/rules/add-two", RequestId: "gone"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := api.DeleteRule(context.Background(), &pb.DeleteRuleRequest{Name: web + "/rules/add-two"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
}

func TestOneActivityOfManyConcurrentExecutions(t *testing.T) {
	c := startCluster(t, 3)
	setUp(t, c.nodes[0])
	c.serveAll()
	var wg sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[string]int{}
	for i := range 200 {
		api := c.nodes[i%3].clients()
		wg.Go(func() {
			_, err := api.ExecuteRule(context.Background(), &pb.ExecuteRuleRequest{Ari: "ari:as:main:default:rule/web/add-two", RequestId: fmt.Sprint(i)})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				outcomes["accepted"]++
			} else {
				wantError(t, err, codes.FailedPrecondition, autoscaling.ActivityRunning)
				outcomes["refused"]++
			}
		})
	}
	wg.Wait()
	if outcomes["accepted"] != 1 || outcomes["refused"] != 199 {
		t.Error(outcomes)
	}
}

func TestTheWritersErrorsReachTheCaller(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	call := func(broken error) error {
		c.broken.Store(&broken)
		_, err := api.PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
		return err
	}
	wantError(t, call(autoscaling.Errorf(autoscaling.OutcomeUnknown, "lost")), codes.Unavailable, autoscaling.OutcomeUnknown)
	wantError(t, call(autoscaling.Errorf(autoscaling.LimitExceeded, "too many wait")), codes.ResourceExhausted, autoscaling.LimitExceeded)
	st := wantError(t, call(errors.New("disk on fire")), codes.Internal, "INTERNAL")
	if id := detail[*errdetails.ErrorInfo](t, st).GetMetadata()["id"]; id == "" || st.Message() != "internal error "+id {
		t.Errorf("%v", st)
	}
}
