package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// deleting answers a deletion that goes on until so many looks at it were taken.
func deleting(f *fake, looks int) *fake {
	running := activity(webGroup, 46, pb.Activity_DELETE_GROUP, pb.Activity_IN_PROGRESS)
	ended := activity(webGroup, 46, pb.Activity_DELETE_GROUP, pb.Activity_SUCCESSFUL)
	f.answer("DeleteGroup", running, nil)
	f.answers["GetActivity"] = func(proto.Message) (proto.Message, error) {
		if looks--; looks < 0 {
			return ended, nil
		}
		return running, nil
	}
	return f
}

func TestADeletionThatIsWaitedForTellsWhatHoldsItUpOnce(t *testing.T) {
	f := deleting(newFake(heldTier()...), 13) // more than two looks at what holds it up
	r := run(t, f, "", "group", "delete", "web", "--force", "--yes", "--wait")
	held := "  web/" + heldID + "  PENDING_WAIT  held by warm-up  40s left\n"
	if r.code != 0 || strings.Count(r.err.String(), held) != 1 || !strings.Contains(r.out.String(), "SUCCESSFUL") {
		t.Errorf("exit code %d, output %q, stderr:\n%s", r.code, r.out.String(), r.err.String())
	}
	if !strings.Contains(r.err.String(), "  web/i-00000000000000001  IN_SERVICE\n") {
		t.Errorf("an instance that nothing holds is missing in:\n%s", r.err.String())
	}
}

func TestADeletionOfManyTellsOfAFewAndHowManyMore(t *testing.T) {
	f := deleting(newFake(webTier()...), 8)
	for _, id := range "abcdefgh" {
		f.resources = append(f.resources, &pb.Instance{Name: webGroup + "/instances/i-" + string(id), State: pb.Instance_TERMINATING, Step: "DRAIN"})
	}
	r := run(t, f, "", "group", "delete", "web", "--force", "--skip-hooks", "--yes", "--wait")
	if r.code != 0 || !strings.Contains(r.err.String(), "  web/i-c  TERMINATING  DRAIN\n  and 5 more\n") {
		t.Errorf("exit code %d, stderr:\n%s", r.code, r.err.String())
	}
}

func TestABatchThatFailsInPartTellsOfEachThatFailed(t *testing.T) {
	partial := scaleOut(pb.Activity_PARTIAL, 100, 3)
	partial.Message = "two machines do not answer"
	for n, id := range []string{"i-1", "i-2", "i-3"} {
		partial.Instances[n].Instance = webGroup + "/instances/" + id
	}
	partial.Instances[0].Error, partial.Instances[2].Error = "no answer", "refused"
	f := newFake(heldTier()...).answer("AttachInstances", partial, nil)
	r := run(t, f, "", "instance", "attach", "web", "1@127.0.0.2", "2@127.0.0.3", "3@127.0.0.4", "--wait")
	want := "asctl: activity web/43 ended PARTIAL: two machines do not answer\n  i-1: no answer\n  i-3: refused\n"
	if r.code != 1 || !strings.HasSuffix(r.err.String(), want) {
		t.Errorf("exit code %d, stderr:\n%s", r.code, r.err.String())
	}
}

func TestATestEventIsFollowedUntilItIsTakenOrFails(t *testing.T) {
	pending := someDelivery(pb.Delivery_PENDING, "")
	for _, test := range []struct {
		name string
		// looks are what is on its way at each look; the last one stays.
		looks   []*pb.Delivery
		args    []string
		code    int
		out, ed string
	}{
		{"taken", []*pb.Delivery{pending, nil}, nil, 0, "notification-target/ops has taken the test event 17\n", ""},
		{"refused", []*pb.Delivery{pending, someDelivery(pb.Delivery_PENDING, "answered 500\nsorry")}, nil, 1, "",
			"asctl: notification-target ops does not take it: answered 500 sorry; it is tried again: asctl notification-target deliveries ops\n"},
		{"refused for good", []*pb.Delivery{someDelivery(pb.Delivery_DEAD, "answered 410")}, nil, 1, "",
			"asctl: notification-target ops does not take it: answered 410; it is a dead letter: asctl notification-target dead-letters ops\n"},
		{"not tried", []*pb.Delivery{pending}, []string{"--timeout", "500ms"}, 124, "",
			"asctl: the test event has not been tried within 500ms; it is still sent: asctl notification-target deliveries ops\n"},
		{"dry run", nil, []string{"--dry-run"}, 0, "notification-target/ops can be tested (dry run)\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(heldTier()...).answer("TestNotificationTarget", pending, nil)
			n := -1
			f.answers["ListDeliveries"] = func(m proto.Message) (proto.Message, error) {
				if filter := m.(*pb.ListDeliveriesRequest).Filter; filter != "id = 17" {
					t.Errorf("filter %q", filter)
				}
				n = min(n+1, len(test.looks)-1)
				answer := &pb.ListDeliveriesResponse{}
				if test.looks[n] != nil {
					answer.Deliveries = append(answer.Deliveries, test.looks[n])
				}
				return answer, nil
			}
			r := run(t, f, "", append([]string{"notification", "test", "ops"}, test.args...)...)
			if r.code != test.code || r.out.String() != test.out || r.err.String() != test.ed {
				t.Errorf("exit code %d, output %q, stderr %q", r.code, r.out.String(), r.err.String())
			}
		})
	}
}

func TestPendingActionsAreWatchedAsTheyComeAndGo(t *testing.T) {
	f := newFake(heldTier()...)
	f.events = []*pb.Event{{Index: 1, Time: at(0), Namespace: "default", Group: "web", Type: pb.Event_LIFECYCLE_ACTION_ENDED}}
	looks := 0
	f.answers["ListLifecycleActions"] = func(proto.Message) (proto.Message, error) {
		answer := heldActions()
		if looks++; looks > 1 {
			answer.LifecycleActions = answer.LifecycleActions[1:]
		}
		return answer, nil
	}
	r := run(t, f, "", "hook", "pending", "web", "--watch", "--timeout", "2s")
	if r.code != 124 || strings.Count(r.out.String(), someToken) != 1 || strings.Count(r.out.String(), otherToken) != 1 || !strings.Contains(r.err.String(), "gone: action/"+someToken+"\n") {
		t.Errorf("exit code %d, output:\n%s\nstderr: %s", r.code, r.out.String(), r.err.String())
	}
}

// A target that wants nothing any more lets dead letters die as fast as they are
// sent: there are always some.
func TestEachDeadLetterIsSentAgainOnce(t *testing.T) {
	f := newFake().answer("RedeliverDeadLetters", &pb.RedeliverDeadLettersResponse{Count: proto.Int32(2), Left: proto.Int32(3)}, nil)
	r := run(t, f, "", "notification-target", "redeliver", "ops", "--all")
	if r.code != 0 || len(f.requests) != 3 || !strings.Contains(r.out.String(), "dead letters sent again: 6") {
		t.Errorf("exit code %d, %d requests, output %q, stderr:\n%s", r.code, len(f.requests), r.out.String(), r.err.String())
	}
}
