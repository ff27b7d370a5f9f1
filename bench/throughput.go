package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// connections is how many the clients of one measurement share, on every side.
const connections = 8

// valueSize is that of an etcd put: about what one SetDesiredCapacity adds to
// our log (group, activity and event records).
const valueSize = 256

// levels are the client counts of goals G1 and G2, with what we commit to.
var levels = []struct {
	clients int
	goal    string
	commit  float64
}{
	{1000, "G1", 2.5}, {256, "G2", 2}, {64, "G2", 1.6}, {1, "G2", 0.9},
}

// measureThroughput is G1 to G3: SetDesiredCapacity on paused groups, a group
// each client, so that every call is a replicated change of a group and nothing
// is launched; against etcd puts and against an empty gRPC server (F2).
func measureThroughput(ctx context.Context, o options, dir string, r *report) error {
	cluster, err := startCluster(ctx, o, dir)
	if err != nil {
		return err
	}
	defer cluster.Stop()
	leader, err := cluster.Leader(ctx)
	if err != nil {
		return err
	}
	ours, err := dial(leader.GRPC, connections)
	if err != nil {
		return err
	}
	defer closeAll(ours)
	group := &pb.Group{MinSize: proto.Int32(0), MaxSize: proto.Int32(10), Paused: true, Configuration: &pb.Group_ConfigurationReference{Name: "sim"}}
	if err := createGroups(ctx, ours[0], levels[0].clients, group); err != nil {
		return err
	}
	names := make([]string, levels[0].clients)
	for i := range names {
		names[i] = fmt.Sprintf("%s/groups/g%d", parent, i)
	}

	empty, stopEmpty, err := startEmptyServer()
	if err != nil {
		return err
	}
	defer stopEmpty()
	floor, err := dial(empty, connections)
	if err != nil {
		return err
	}
	defer closeAll(floor)

	var theirs []*grpc.ClientConn
	if o.etcd != "" {
		etcd, err := startEtcd(ctx, o.etcd, dir)
		if err != nil {
			return err
		}
		defer etcd.stop()
		first, err := etcd.leader(ctx)
		if err != nil {
			return err
		}
		if theirs, err = dial(first.client, connections); err != nil {
			return err
		}
		defer closeAll(theirs)
	}

	desired := make([]int32, len(names)) // each client has its group and its element
	setDesired := func(ctx context.Context, client, _ int) error {
		// The number differs from call to call: no call is for nothing.
		desired[client] = desired[client]%9 + 1
		_, err := pb.NewGroupServiceClient(ours[client%connections]).SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{
			Name: names[client], DesiredCapacity: proto.Int32(desired[client]),
		})
		return err
	}
	value := make([]byte, valueSize)
	putOne := func(ctx context.Context, client, _ int) error {
		return put(ctx, theirs[client%connections], names[client], value)
	}
	call := func(ctx context.Context, client, _ int) error {
		_, err := callRaw(ctx, floor[client%connections], emptyMethod, value[:64])
		return err
	}

	for _, level := range levels {
		if !o.wants(level.goal) && !(o.wants("G3") && level.clients == 1000) {
			continue
		}
		rate := row{Goal: level.goal, What: fmt.Sprintf("SetDesiredCapacity, %d clients, against etcd put", level.clients), Unit: "/s", Commit: fmt.Sprintf("≥ %.1f × etcd", level.commit)}
		tail := row{Goal: "G3", What: fmt.Sprintf("p99 at %d clients, against etcd put", level.clients), Unit: "ms", Commit: "≤ 0.5 × etcd"}
		middle := row{Goal: level.goal, What: fmt.Sprintf("p50 at %d clients", level.clients), Unit: "ms"}
		share := row{Goal: "F2", What: fmt.Sprintf("SetDesiredCapacity against empty gRPC calls, %d clients", level.clients), Unit: "/s"}
		if level.clients == 1000 {
			share.Commit = "≥ 0.8 × F2"
		}
		for range o.repeat {
			mine := closedLoop(ctx, level.clients, o.duration, setDesired)
			if mine.failed > 0 {
				return fmt.Errorf("%d calls failed, the last with: %w", mine.failed, mine.err)
			}
			bare := closedLoop(ctx, level.clients, o.duration/2, call)
			rate.OurRuns = append(rate.OurRuns, mine.perSecond)
			tail.OurRuns = append(tail.OurRuns, milliseconds(mine.p99))
			middle.OurRuns = append(middle.OurRuns, milliseconds(mine.p50))
			share.OurRuns, share.Peers = append(share.OurRuns, mine.perSecond), append(share.Peers, bare.perSecond)
			if o.etcd != "" {
				etcd := closedLoop(ctx, level.clients, o.duration, putOne)
				if etcd.failed > 0 {
					return fmt.Errorf("%d puts failed, the last with: %w", etcd.failed, etcd.err)
				}
				rate.Peers = append(rate.Peers, etcd.perSecond)
				tail.Peers = append(tail.Peers, milliseconds(etcd.p99))
				middle.Peers = append(middle.Peers, milliseconds(etcd.p50))
			}
		}
		atLeast := func(bound float64) func(_, ratio float64) bool {
			if o.etcd == "" {
				return nil
			}
			return func(_, ratio float64) bool { return ratio >= bound }
		}
		r.add(rate, atLeast(level.commit))
		r.add(middle, nil)
		if level.clients == 1000 {
			var judge func(_, ratio float64) bool
			if o.etcd != "" {
				judge = func(_, ratio float64) bool { return ratio <= 0.5 }
			}
			r.add(tail, judge)
			r.add(share, func(_, ratio float64) bool { return ratio >= 0.8 })
		} else {
			r.add(share, nil)
		}
	}
	return nil
}

// startEmptyServer runs floor F2 in a process of its own, as the servers are.
func startEmptyServer() (string, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, emptyServerMode)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("the empty server: %w", err)
	}
	return strings.TrimSpace(address), stop, nil
}
