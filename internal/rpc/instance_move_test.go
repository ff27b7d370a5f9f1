package rpc

import (
	"context"
	"slices"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestMachinesAreLookedAtBeforeTheyAreAttached(t *testing.T) {
	var mu sync.Mutex
	var looked []Dependencies
	c := startCluster(t, 2, func(cfg *Config) {
		cfg.Refresh = func(_ context.Context, d Dependencies) {
			mu.Lock()
			defer mu.Unlock()
			looked = append(looked, d)
		}
	})
	setUp(t, c.nodes[0])
	c.drive()
	looked = nil
	ok[*pb.Activity](t)(c.nodes[1].clients().AttachInstances(context.Background(), &pb.AttachInstancesRequest{Parent: web, MachineIds: []string{"m-1", "m-2"}}))
	mu.Lock()
	defer mu.Unlock()
	if len(looked) != 1 || !slices.Equal(looked[0].Machines, []MachineRef{{"sim", "m-1"}, {"sim", "m-2"}}) || len(looked[0].Balancers) != 1 || len(looked[0].AccessLists) != 1 {
		t.Errorf("looked at %+v", looked)
	}
}

func TestARepeatedAttachIsAnsweredWhenItsGroupIsGone(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	attach := &pb.AttachInstancesRequest{Parent: web, MachineIds: []string{"m-1"}, RequestId: "attach"}
	first := ok[*pb.Activity](t)(api.AttachInstances(ctx, attach))
	ok[*pb.Activity](t)(api.DeleteGroup(ctx, &pb.DeleteGroupRequest{Name: web, Force: true}))
	c.drive()
	if again := ok[*pb.Activity](t)(api.AttachInstances(ctx, attach)); !proto.Equal(again, first) {
		t.Errorf("repeated: %v, first %v", again, first)
	}
}

func TestAnActivityThatRunsListsItsInstancesAndTheirWay(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	c.drive()
	id := string(c.nodes[0].instances()[0].ID)
	get := func(name string) *pb.Activity {
		return ok[*pb.Activity](t)(api.GetActivity(ctx, &pb.GetActivityRequest{Name: name}))
	}
	check := func(when string, a *pb.Activity, direction pb.Activity_InstanceEntry_Direction, status pb.Activity_Status, description string) {
		t.Helper()
		if len(a.GetInstances()) != 1 {
			t.Fatalf("%s: %v", when, a)
		}
		e := a.GetInstances()[0]
		if e.GetDirection() != direction || e.GetStatus() != status || e.GetDescription() != description || e.GetStartTime() == nil ||
			(status == pb.Activity_SUCCESSFUL) != (e.GetProgressPercent() == 100) {
			t.Errorf("%s: %v", when, e)
		}
	}
	standby := ok[*pb.Activity](t)(api.EnterStandby(ctx, &pb.EnterStandbyRequest{Parent: web, Instances: []string{id}, DecrementDesired: true}))
	check("entering", standby, pb.Activity_InstanceEntry_DETACH, pb.Activity_IN_PROGRESS, "Putting instance "+id+" on standby.")
	if m := ok[*pb.Instance](t)(api.GetInstance(ctx, &pb.GetInstanceRequest{Name: web + "/instances/" + id})); m.GetActivity() != standby.GetName() || m.GetStep() != "DRAIN" || m.GetDeadline() == nil || m.GetNextStep() == "" {
		t.Errorf("entering: %v", m)
	}
	c.drive()
	check("entered", get(standby.GetName()), pb.Activity_InstanceEntry_DETACH, pb.Activity_SUCCESSFUL, "Putting instance "+id+" on standby.")
	back := ok[*pb.Activity](t)(api.ExitStandby(ctx, &pb.ExitStandbyRequest{Parent: web, Instances: []string{id}}))
	check("leaving", back, pb.Activity_InstanceEntry_ATTACH, pb.Activity_IN_PROGRESS, "Putting instance "+id+" back into service.")
	c.drive()
	check("left", get(back.GetName()), pb.Activity_InstanceEntry_ATTACH, pb.Activity_SUCCESSFUL, "Putting instance "+id+" back into service.")
	attach := ok[*pb.Activity](t)(api.AttachInstances(ctx, &pb.AttachInstancesRequest{Parent: web, MachineIds: []string{"m-1"}}))
	attached := string(instanceOf(attach.GetInstances()[0].GetUid()))
	check("attaching", attach, pb.Activity_InstanceEntry_ATTACH, pb.Activity_IN_PROGRESS, "Attaching instance "+attached+".")
	c.drive()
	check("attached", get(attach.GetName()), pb.Activity_InstanceEntry_ATTACH, pb.Activity_SUCCESSFUL, "Attaching instance "+attached+".")
	// One that is not entrusted is let go, whoever removes it.
	remove := ok[*pb.Activity](t)(api.RemoveInstances(ctx, &pb.RemoveInstancesRequest{Parent: web, Instances: []string{attached}, DecrementDesired: true}))
	check("removing", remove, pb.Activity_InstanceEntry_DETACH, pb.Activity_IN_PROGRESS, "Detaching instance "+attached+".")
	c.drive()
	check("removed", get(remove.GetName()), pb.Activity_InstanceEntry_DETACH, pb.Activity_SUCCESSFUL, "Detaching instance "+attached+".")
	if m := ok[*pb.ListReleasedMachinesResponse](t)(api.ListReleasedMachines(ctx, &pb.ListReleasedMachinesRequest{Parent: ns})); len(m.GetReleasedMachines()) != 1 || m.GetReleasedMachines()[0].GetMachineId() != "m-1" {
		t.Errorf("%v", m)
	}
}

func instanceOf(uid string) autoscaling.InstanceID {
	id, _ := autoscaling.InstanceOfUID(autoscaling.UID(uid))
	return id
}

func TestADeletionShowsHowFarItIsAndWhatHoldsIt(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	ok[*pb.LifecycleHook](t)(api.CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: "backup", LifecycleHook: &pb.LifecycleHook{Transition: pb.LifecycleHook_TERMINATING}}))
	c.drive()
	a := ok[*pb.Activity](t)(api.DeleteGroup(ctx, &pb.DeleteGroupRequest{Name: web, Force: true}))
	if a.GetProgressPercent() != 0 || a.GetCount() != 2 {
		t.Errorf("%v", a)
	}
	c.drive()
	waiting := ok[*pb.ListLifecycleActionsResponse](t)(api.ListLifecycleActions(ctx, &pb.ListLifecycleActionsRequest{Parent: web})).GetLifecycleActions()
	if len(waiting) != 2 || waiting[0].GetTransition() != pb.LifecycleHook_TERMINATING || waiting[0].GetActivity() != a.GetName() {
		t.Fatalf("%v", waiting)
	}
	ok[*pb.CompleteLifecycleActionResponse](t)(api.CompleteLifecycleAction(ctx, &pb.CompleteLifecycleActionRequest{Parent: web, Token: waiting[0].GetToken(), Result: pb.LifecycleHook_ROLLBACK}))
	c.drive() // ROLLBACK counts as CONTINUE
	a = ok[*pb.Activity](t)(api.GetActivity(ctx, &pb.GetActivityRequest{Name: a.GetName()}))
	if a.GetProgressPercent() != 50 || a.GetStatus() != pb.Activity_IN_PROGRESS {
		t.Errorf("%v", a)
	}
	// Whoever cannot wait asks again.
	again := ok[*pb.Activity](t)(api.DeleteGroup(ctx, &pb.DeleteGroupRequest{Name: web, Force: true, SkipHooks: true}))
	if again.GetName() != a.GetName() || len(again.GetNotes()) == 0 {
		t.Errorf("%v", again)
	}
	c.drive()
	c.do(func(tx *fsm.Tx) error {
		for g := range tx.Groups("") {
			if err := c.nodes[0].server.operations.AdvanceDeletion(tx, g.UID); err != nil {
				return err
			}
		}
		return nil
	})
	if a = ok[*pb.Activity](t)(api.GetActivity(ctx, &pb.GetActivityRequest{Name: a.GetName()})); a.GetProgressPercent() != 100 || a.GetStatus() != pb.Activity_SUCCESSFUL {
		t.Errorf("%v", a)
	}
}
