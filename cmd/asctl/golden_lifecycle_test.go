package main

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestLifecycleCommands(t *testing.T) {
	known := func() *fake { return newFake(heldTier()...) }
	moved := activity(webGroup, 45, pb.Activity_ENTER_STANDBY, pb.Activity_IN_PROGRESS)
	secret := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	withSecret := func() *pb.NotificationTarget {
		m := proto.Clone(heldTier()[len(webTier())+1]).(*pb.NotificationTarget)
		m.GetWebhook().Secret = secret
		return m
	}
	checkGolden(t, []goldenFile{
		{"hook", known, []string{
			"hook list web", "hook list web -o wide", "hook list", "hook get web/warm-up -o json", "hook get web/nope", "hook get warm-up",
			"hook create web/drain --transition terminating --heartbeat-timeout 2m --default-result continue --target ops --metadata {}",
			"hook create web/drain --transition sideways", "hook create web/drain --transition launching --default-result", "hook create nope/drain --transition launching",
			"hook update web/warm-up --heartbeat-timeout 10m --clear metadata", "hook delete web/warm-up --yes", "hook delete web/warm-up",
		}},
		{"hook_actions", func() *fake {
			return known().answer("ListLifecycleActions", heldActions(), nil).
				answer("CompleteLifecycleAction", &pb.CompleteLifecycleActionResponse{LifecycleActions: []*pb.LifecycleAction{endedAction()}}, nil).
				answer("RecordLifecycleActionHeartbeat", &pb.RecordLifecycleActionHeartbeatResponse{LifecycleActions: []*pb.LifecycleAction{heldAction()}}, nil)
		}, []string{
			"hook pending web", "hook pending web -o wide --order-by deadline", "hook pending web -o json --limit 1", "hook pending web -o name", "hook pending",
			"hook complete web --token " + someToken + " --result CONTINUE", "hook complete web --instance " + heldID + " --hook warm-up --result abandon",
			"hook complete web --instance web/" + heldID + " --hook web/warm-up --result continue -o wide",
			"hook complete web --activity 41 --hook warm-up --result ROLLBACK -o json", "hook complete web --token " + someToken, "hook complete web --result CONTINUE",
			"hook complete web --token " + someToken + " --hook warm-up --result CONTINUE", "hook complete web --instance i-1 --activity 41 --hook warm-up --result CONTINUE",
			"hook complete web --instance i-1 --result CONTINUE", "hook complete web --token x --result MAYBE", "hook complete --token x --result CONTINUE",
			"hook heartbeat web --token " + someToken, "hook heartbeat web --activity 41 --hook warm-up", "hook heartbeat web --hook warm-up",
		}},
		{"hook_refused", func() *fake {
			return known().
				answer("CompleteLifecycleAction", nil, refused(codes.FailedPrecondition, "WRONG_STATE", "the action has ended with CONTINUE at 18:00:00")).
				answer("RecordLifecycleActionHeartbeat", nil, refused(codes.NotFound, "NOT_FOUND", "no such token"))
		}, []string{
			"hook complete web --token " + someToken + " --result CONTINUE", "hook heartbeat web --token " + someToken,
		}},
		{"notification", known, []string{
			"notification list web", "notification list web -o wide", "notification get web/ends -o yaml",
			"notification create web/more --target ops --event-type activity-ended,instance-state", "notification create web/more --target ops --event-type nothing",
			"notification update web/all --enabled=false", "notification update web/ends --clear event-type", "notification delete web/all --yes",
		}},
		{"notification_target", func() *fake {
			return known().answer("CreateNotificationTarget", withSecret(), nil).answer("RotateNotificationTargetSecret", withSecret(), nil).
				answer("ListDeadLetters", &pb.ListDeadLettersResponse{DeadLetters: []*pb.Delivery{someDelivery(pb.Delivery_DEAD, "answered 503\nService Unavailable")}, TotalSize: proto.Int32(1)}, nil).
				answer("ListDeliveries", &pb.ListDeliveriesResponse{Deliveries: []*pb.Delivery{someDelivery(pb.Delivery_PENDING, "")}, TotalSize: proto.Int32(1)}, nil).
				answer("RedeliverDeadLetters", &pb.RedeliverDeadLettersResponse{Count: proto.Int32(1), Left: proto.Int32(0)}, nil)
		}, []string{
			"notification-target list", "notification-target list -o wide", "notification-target describe ops", "notification-target get ops -o json",
			"notification-target create ops --url https://ops.example/as", "notification-target create ops --url https://ops.example/as --secret " + secret,
			"notification-target create ops --url https://ops.example/as -o yaml", "notification-target create ops --url https://ops.example/as --dry-run",
			"notification-target update ops --webhook-timeout 5s --enabled=false", "notification-target update ops --secret " + secret, "notification-target delete ops --yes",
			"notification-target rotate-secret ops", "notification-target rotate-secret ops --secret " + secret, "notification-target rotate-secret web/ops",
			"notification-target deliveries ops", "notification-target deliveries ops -o wide --filter state=PENDING", "notification-target dead-letters ops", "notification-target dead-letters ops -o json",
			"notification-target redeliver ops 17", "notification-target redeliver ops --all", "notification-target redeliver ops", "notification-target redeliver ops 17 --all", "notification-target redeliver ops x",
		}},
		{"instance_moves", func() *fake {
			f := known()
			for _, method := range []string{"AttachInstances", "DetachInstances", "RemoveInstances", "EnterStandby", "ExitStandby"} {
				f.answer(method, moved, nil)
			}
			return f.answer("ListReleasedMachines", &pb.ListReleasedMachinesResponse{TotalSize: proto.Int32(1), ReleasedMachines: []*pb.ReleasedMachine{{
				Provider: "local", MachineId: "4711@127.0.0.2", Addresses: []string{"127.0.0.2"}, Instance: heldName, Group: webGroup, ReleaseTime: at(0), Activity: webGroup + "/activities/41",
			}}}, nil)
		}, []string{
			"instance attach web 4711@127.0.0.2 4712@127.0.0.3 --entrusted", "instance attach web 4711@127.0.0.2 --run-hooks -o name --dry-run", "instance attach web",
			"instance detach web/i-1 web/i-2 --decrement", "instance detach web i-1 --run-hooks", "instance detach web",
			"instance enter-standby web i-1 i-2 --decrement-desired", "instance enter-standby web/i-1", "instance exit-standby web/i-1 -o json", "instance exit-standby web i-1 --decrement",
			"instance remove web/i-1 --decrement", "instance released", "instance released -o wide", "instance describe web/" + heldID, "activity describe web/44",
			"group rebalance web",
		}},
		{"instance_moves_refused", func() *fake {
			return known().answer("AttachInstances", nil, refusedItems("machine_ids")).answer("DetachInstances", nil, refusedItems("instances")).
				answer("EnterStandby", nil, refused(codes.OutOfRange, "OUT_OF_RANGE", "desired 1 would be below min_size 2")).
				answer("ExitStandby", nil, refusedItems("instances")).answer("RemoveInstances", nil, refusedItems("instances")).
				answer("SetInstanceProtection", nil, refusedItems("instances")).
				answer("RebalanceGroup", nil, refused(codes.FailedPrecondition, "NO_CHANGE", "the zones are even"))
		}, []string{
			"instance attach web 1@127.0.0.2 2@127.0.0.3 3@127.0.0.4", "instance detach web i-1 i-2 i-3", "instance enter-standby web/i-1 --decrement", "instance exit-standby web i-1 i-2 i-3",
			"instance remove web/i-1 web/i-2 web/i-3", "instance protect web i-1 i-2 i-3", "group rebalance web",
		}},
		{"explain", func() *fake {
			return known().answer("ExplainInstance", someExplanation(), nil).
				answer("ExplainGroup", &pb.Explanation{Resource: webGroup, Summary: "web has 2 of 3 instances in service."}, nil)
		}, []string{
			"explain instance web/" + heldID, "explain instance " + heldID, "explain instance i-9", "explain instance web/" + heldID + " -o json", "explain group web", "explain group web -o name",
			"explain group web/x", "explain node n1",
		}},
		{"doctor", func() *fake { return known().answer("ListFindings", someFindings(), nil) }, []string{
			"doctor", "doctor web -o json", "doctor -o name", "doctor web api",
		}},
		{"doctor_well", func() *fake {
			well := someFindings()
			well.Findings = well.Findings[1:2]
			f := known()
			f.answers["ListFindings"] = func(m proto.Message) (proto.Message, error) {
				if m.(*pb.ListFindingsRequest).Group == "web" {
					return well, nil
				}
				return &pb.ListFindingsResponse{}, nil
			}
			return f
		}, []string{
			"doctor", "doctor web", "doctor -n other", "doctor api", "doctor -o yaml",
		}},
		{"group_lifecycle", known, []string{
			"group create api --max 2 --hook warm-up:launching,timeout=5m,default=continue,target=ops,metadata=a,b=c --hook save:terminating --min-healthy-percent 100 --max-healthy-percent 150 --max-instance-lifetime 168h",
			"group create api --max 2 --hook warm-up", "group create api --max 2 --hook a:launching,color=red", "group create api --max 2 --hook a:launching,timeout=soon",
			"group update web --max-healthy-percent 120", "group update web --hook a:launching",
			"group delete web --force --skip-hooks --yes", "group delete web --skip-hooks --yes",
		}},
	})
}
