package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// reason is the ErrorInfo's.
func reason(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

func simGroup(desired int32) *pb.Group {
	return &pb.Group{
		MinSize: proto.Int32(0), MaxSize: proto.Int32(1000), DesiredCapacity: proto.Int32(desired),
		Configuration: &pb.Group_ConfigurationReference{Name: "web"},
	}
}

// TestOfManyConcurrentExecutionsOneIsAccepted sends 500 requests for the same
// simple rule at once, to all nodes.
func TestOfManyConcurrentExecutionsOneIsAccepted(t *testing.T) {
	t.Parallel()
	const requests, launchDelay = 500, time.Second
	w := start(t, nodes.Options{Providers: simProviders(launchDelay)})
	w.createConfiguration(&pb.Configuration{Provider: "sim"})
	for attempt := range 10 {
		group := fmt.Sprintf("burst-%d", attempt)
		w.createGroup(group, simGroup(0))
		w.createRule(group, "add-one", 1)
		begin := time.Now()
		outcomes := w.burst(group, requests)
		took := time.Since(begin)
		t.Logf("%d requests took %s: %v", requests, took.Round(time.Millisecond), outcomes)
		if took > launchDelay*8/10 {
			// The first activity may have ended before the last request came: then
			// another may follow it. A busy machine gets another try.
			w.eventually("the activities end", func() error { return w.nothingUnderWay(group) })
			w.oneAfterAnother(group)
			continue
		}
		if len(outcomes) != 2 || outcomes["accepted"] != 1 || outcomes["FailedPrecondition ACTIVITY_IN_PROGRESS"] != requests-1 {
			t.Errorf("of %d requests: %v", requests, outcomes)
		}
		w.awaitSettled(group, 1)
		accepted, refused := 0, int32(0)
		for _, a := range w.activities(group) {
			if a.Status == pb.Activity_REJECTED {
				refused += a.GetRepeats()
			} else {
				accepted++
			}
		}
		if accepted != 1 {
			t.Errorf("%d activities, want 1", accepted)
		}
		t.Logf("refusals on record: %d", refused)
		return
	}
	t.Fatalf("%d requests never fit into %s", requests, launchDelay)
}

func (w *world) nothingUnderWay(group string) error {
	for _, a := range w.activities(group) {
		if a.Status == pb.Activity_IN_PROGRESS {
			return fmt.Errorf("%s is in progress", a.Name)
		}
	}
	return nil
}

// oneAfterAnother checks that no two accepted activities ran at the same time.
func (w *world) oneAfterAnother(group string) {
	w.Helper()
	var next time.Time // the start of the one after
	for _, a := range w.activities(group) {
		if a.Status == pb.Activity_REJECTED {
			continue
		}
		if end := a.EndTime.AsTime(); !next.IsZero() && end.After(next) {
			w.Errorf("%s ended at %s, the one after it began at %s", a.Name, end, next)
		}
		next = a.StartTime.AsTime()
	}
}

// burst executes the rule so many times at once and counts the answers.
func (w *world) burst(group string, requests int) map[string]int {
	var mu sync.Mutex
	outcomes := map[string]int{}
	var ready, wait sync.WaitGroup
	gun := make(chan struct{})
	for i := range requests {
		ready.Add(1)
		wait.Go(func() {
			a := w.at(w.Nodes[i%len(w.Nodes)])
			ready.Done()
			<-gun
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			_, err := a.rules.ExecuteRule(ctx, &pb.ExecuteRuleRequest{Name: groupName(group) + "/rules/add-one"})
			outcome := "accepted"
			if err != nil {
				outcome = status.Code(err).String() + " " + reason(err)
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[outcome]++
		})
	}
	ready.Wait()
	close(gun)
	wait.Wait()
	return outcomes
}

// TestOneRequestIDIsOneActivityAcrossALeaderChange repeats a request before,
// while and after the leader dies.
func TestOneRequestIDIsOneActivityAcrossALeaderChange(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: simProviders(time.Second)})
	w.createConfiguration(&pb.Configuration{Provider: "sim"})
	w.createGroup("web", simGroup(0))
	w.createRule("web", "add-one", 1)
	request := &pb.ExecuteRuleRequest{Name: groupName("web") + "/rules/add-one", RequestId: uuid.NewString()}
	execute := func(answer **pb.Activity) {
		w.must("execute", func(ctx context.Context, a api) (err error) {
			*answer, err = a.rules.ExecuteRule(ctx, request)
			return err
		})
	}
	answers := make([]*pb.Activity, 5)
	execute(&answers[0])
	var wait sync.WaitGroup
	leader := w.leader()
	wait.Go(leader.Kill)
	wait.Go(func() { execute(&answers[1]) })
	wait.Go(func() { execute(&answers[2]) })
	wait.Wait()
	execute(&answers[3])
	w.restart()
	w.awaitSettled("web", 1) // the first answer is remembered, not the state
	execute(&answers[4])
	for i, a := range answers {
		if !proto.Equal(a, answers[0]) {
			t.Errorf("answer %d is\n%v\nand not\n%v", i, a, answers[0])
		}
	}
	if all := w.activities("web"); len(all) != 1 {
		t.Errorf("%d activities: %v", len(all), all)
	}
	// The same id with other content is a mistake of the caller.
	other := proto.CloneOf(request)
	other.HonorCooldown = true
	err := w.attempt(func(ctx context.Context, a api) error { _, err := a.rules.ExecuteRule(ctx, other); return err })
	if status.Code(err) != codes.AlreadyExists || reason(err) != "IDEMPOTENCY_MISMATCH" {
		t.Errorf("the same id with other content: %v", err)
	}
	w.awaitSettled("web", 1)
}
