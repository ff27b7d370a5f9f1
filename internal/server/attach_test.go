package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// outsider is a process that somebody else started, as a machine to attach.
func outsider(t *testing.T, address string) (machine string, ended <-chan struct{}) {
	t.Helper()
	command := exec.Command("sleep", "300")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-done
	})
	return fmt.Sprintf("%d@%s", command.Process.Pid, address), done
}

func runsOn(ended <-chan struct{}) bool {
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

const attachParent, attachGroup = "namespaces/default", "namespaces/default/groups/web"

// attachable makes a group of processes without instances.
func attachable(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	if _, err := pb.NewConfigurationServiceClient(conn).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
		Parent: attachParent, ConfigurationId: "web", Configuration: &pb.Configuration{Provider: "local", Command: []string{"sleep", "300"}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := pb.NewGroupServiceClient(conn).CreateGroup(ctx, &pb.CreateGroupRequest{Parent: attachParent, GroupId: "web", Group: &pb.Group{
		MaxSize: proto.Int32(5), DesiredCapacity: proto.Int32(0), Configuration: &pb.Group_ConfigurationReference{Name: "web"},
		AccessLists: []*pb.Group_AccessList{{Provider: "files", List: "db"}},
	}}); err != nil {
		t.Fatal(err)
	}
}

// awaitServing answers the group's instances when so many of them are in service and
// there are no others; nil when the group is gone and none is wanted.
func awaitServing(ctx context.Context, t *testing.T, conn *grpc.ClientConn, want int) []*pb.Instance {
	t.Helper()
	for {
		list, err := pb.NewInstanceServiceClient(conn).ListInstances(ctx, &pb.ListInstancesRequest{Parent: attachGroup})
		serving := 0
		for _, i := range list.GetInstances() {
			if i.GetState() == pb.Instance_IN_SERVICE {
				serving++
			}
		}
		if serving == want && len(list.GetInstances()) == want && (err == nil || want == 0) {
			return list.GetInstances()
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%v, %v: want %d in service", list.GetInstances(), err, want)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A process that runs is attached by its number and address, is in the access
// list, outlives the node and the group where it was not entrusted to it, and is
// attached again from those that were let go.
func TestAProcessIsAttachedAndLetGo(t *testing.T) {
	c := dev(t)
	stop := run(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn := connect(t, c)
	attachable(ctx, t, conn)
	instances := pb.NewInstanceServiceClient(conn)
	spared, sparedEnded := outsider(t, "127.79.0.1")
	entrusted, entrustedEnded := outsider(t, "127.79.0.2")
	attach := func(trust bool, machines ...string) error {
		_, err := instances.AttachInstances(ctx, &pb.AttachInstancesRequest{Parent: attachGroup, MachineIds: machines, Entrusted: trust})
		return err
	}
	list := func() string {
		text, _ := os.ReadFile(filepath.Join(c.DataDir, "access", "db.txt"))
		return string(text)
	}
	if err := attach(false, spared); err != nil {
		t.Fatal(err)
	}
	if i := awaitServing(ctx, t, conn, 1)[0]; i.GetMachineId() != spared || i.GetOrigin() != pb.Instance_ATTACHED || i.GetAddresses()[0] != "127.79.0.1" {
		t.Errorf("instance %v", i)
	}
	if err := attach(true, entrusted); err != nil {
		t.Fatal(err)
	}
	awaitServing(ctx, t, conn, 2)
	if text := list(); !strings.Contains(text, "127.79.0.1") || !strings.Contains(text, "127.79.0.2") {
		t.Errorf("the list has %q", text)
	}

	// Each machine that is in the way is named.
	err := attach(false, spared, "999999999@127.79.0.3", "1@127.79.0.4")
	told := map[string]string{}
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				told[v.GetField()] = v.GetReason()
			}
		}
	}
	if want := map[string]string{"machine_ids[0]": "IN_USE", "machine_ids[1]": "NOT_FOUND", "machine_ids[2]": "PERMISSION_DENIED"}; fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("refused for %v (%v), want %v", told, err, want)
	}

	stop()
	stop = run(t, c)
	awaitServing(ctx, t, conn, 2)
	if _, err := pb.NewGroupServiceClient(conn).DeleteGroup(ctx, &pb.DeleteGroupRequest{Name: attachGroup, Force: true}); err != nil {
		t.Fatal(err)
	}
	awaitServing(ctx, t, conn, 0)
	for list() != "" && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case <-entrustedEnded:
	case <-ctx.Done():
		t.Error("a process that was entrusted to the group runs on")
	}
	if !runsOn(sparedEnded) {
		t.Fatal("a process that was not entrusted was ended")
	}
	for released := 0; released != 1; time.Sleep(10 * time.Millisecond) {
		all, err := instances.ListReleasedMachines(ctx, &pb.ListReleasedMachinesRequest{Parent: attachParent})
		if err != nil {
			t.Fatal(err)
		}
		if released = len(all.GetReleasedMachines()); released == 1 && all.GetReleasedMachines()[0].GetMachineId() != spared {
			t.Errorf("released is %v", all.GetReleasedMachines()[0])
		}
	}
	stop()
	if !runsOn(sparedEnded) {
		t.Error("it ended with the node")
	}
}

// With its state a --dev node in memory forgets its machines: those of others it
// lets go.
func TestADevNodeEndsItsOwnMachinesOnly(t *testing.T) {
	c := dev(t)
	c.DataDir = ""
	c.Providers = Providers{}
	if err := c.PrepareDev(); err != nil {
		t.Fatal(err)
	}
	pool := c.Providers.Balancer["edge"].Builtin.Pools["web"]
	pool.Listen = freeAddress(t)
	c.Providers.Balancer["edge"].Builtin.Pools["web"] = pool
	stop := run(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn := connect(t, c)
	attachable(ctx, t, conn)
	instances := pb.NewInstanceServiceClient(conn)
	spared, sparedEnded := outsider(t, "127.79.1.1")
	entrusted, entrustedEnded := outsider(t, "127.79.1.2")
	for machine, trust := range map[string]bool{spared: false, entrusted: true} {
		if _, err := instances.AttachInstances(ctx, &pb.AttachInstancesRequest{Parent: attachGroup, MachineIds: []string{machine}, Entrusted: trust}); err != nil {
			t.Fatal(err)
		}
	}
	awaitServing(ctx, t, conn, 2)
	stop()
	select {
	case <-entrustedEnded:
	case <-ctx.Done():
		t.Error("a process that was entrusted to the node outlives it")
	}
	if !runsOn(sparedEnded) {
		t.Error("a process that was not entrusted was ended")
	}
}
