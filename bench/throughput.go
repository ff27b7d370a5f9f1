package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// connections is how many the clients of one measurement share, on every side.
const connections = 8

// valueSize is that of an etcd put: what one SetDesiredCapacity adds to our log
// under load (group, activity and event records), by the metrics
// autoscaling_cluster_entry_bytes and _functions.
const valueSize = 440

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
	s, err := openSides(ctx, o, dir)
	defer s.close()
	if err != nil {
		return err
	}
	for _, level := range levels {
		if o.wants(level.goal) || o.wants("G3") && level.clients == 1000 {
			if err := s.measure(ctx, o, level.clients, level.goal, level.commit, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// sides are what one load is given to by turns: us, nobody (F2), etcd.
type sides struct {
	ours, floor, theirs []*grpc.ClientConn // theirs is empty without a peer
	names               []string           // of the groups, one for each client
	desired             []int32            // each client has its element
	value               []byte
	closers             []func()
}

func (s *sides) close() {
	for _, c := range slices.Backward(s.closers) {
		c()
	}
}

// dial opens connections that are closed with the sides.
func (s *sides) dial(address string) ([]*grpc.ClientConn, error) {
	conns, err := dial(address, connections)
	s.closers = append(s.closers, func() { closeAll(conns) })
	return conns, err
}

// openSides starts everything; what it started is closed also after an error.
func openSides(ctx context.Context, o options, dir string) (*sides, error) {
	s := &sides{value: make([]byte, valueSize)}
	cluster, err := startCluster(ctx, o, dir)
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, cluster.Stop)
	leader, err := cluster.Leader(ctx)
	if err != nil {
		return s, err
	}
	if s.ours, err = s.dial(leader.GRPC); err != nil {
		return s, err
	}
	group := &pb.Group{MinSize: proto.Int32(0), MaxSize: proto.Int32(10), Paused: true, Configuration: &pb.Group_ConfigurationReference{Name: "sim"}}
	if err := createGroups(ctx, s.ours[0], levels[0].clients, group); err != nil {
		return s, err
	}
	for i := range levels[0].clients {
		s.names = append(s.names, fmt.Sprintf("%s/groups/g%d", parent, i))
	}
	s.desired = make([]int32, len(s.names))

	empty, stopEmpty, err := startEmptyServer()
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, stopEmpty)
	if s.floor, err = s.dial(empty); err != nil || o.etcd == "" {
		return s, err
	}
	etcd, err := startEtcd(ctx, o.etcd, dir)
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, etcd.stop)
	first, err := etcd.leader(ctx)
	if err != nil {
		return s, err
	}
	s.theirs, err = s.dial(first.client)
	return s, err
}

func (s *sides) setDesired(ctx context.Context, client, _ int) error {
	// The number differs from call to call: no call is for nothing.
	s.desired[client] = s.desired[client]%9 + 1
	_, err := pb.NewGroupServiceClient(s.ours[client%connections]).SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{
		Name: s.names[client], DesiredCapacity: proto.Int32(s.desired[client]),
	})
	return err
}

func (s *sides) put(ctx context.Context, client, _ int) error {
	return put(ctx, s.theirs[client%connections], s.names[client], s.value)
}

func (s *sides) empty(ctx context.Context, client, _ int) error {
	_, err := callRaw(ctx, s.floor[client%connections], emptyMethod, s.value[:64])
	return err
}

// measure is one level: so many clients, the sides by turns.
func (s *sides) measure(ctx context.Context, o options, clients int, goal string, commit float64, r *report) error {
	rate := row{Goal: goal, What: fmt.Sprintf("SetDesiredCapacity, %d clients, against etcd put", clients), Unit: "/s", Commit: fmt.Sprintf("≥ %.1f × etcd", commit)}
	middle := row{Goal: goal, What: fmt.Sprintf("p50 at %d clients", clients), Unit: "ms"}
	tail := row{Goal: "G3", What: fmt.Sprintf("p99 at %d clients, against etcd put", clients), Unit: "ms", Commit: "≤ 0.5 × etcd"}
	share := row{Goal: "F2", What: fmt.Sprintf("SetDesiredCapacity against empty gRPC calls, %d clients", clients), Unit: "/s"}
	for range o.repeat {
		mine := closedLoop(ctx, clients, o.duration, s.setDesired)
		if mine.failed > 0 {
			return fmt.Errorf("%d calls failed, the last with: %w", mine.failed, mine.err)
		}
		bare := closedLoop(ctx, clients, o.duration/2, s.empty)
		rate.OurRuns = append(rate.OurRuns, mine.perSecond)
		tail.OurRuns = append(tail.OurRuns, milliseconds(mine.p99))
		middle.OurRuns = append(middle.OurRuns, milliseconds(mine.p50))
		share.OurRuns, share.Peers = append(share.OurRuns, mine.perSecond), append(share.Peers, bare.perSecond)
		if len(s.theirs) == 0 {
			continue
		}
		etcd := closedLoop(ctx, clients, o.duration, s.put)
		if etcd.failed > 0 {
			return fmt.Errorf("%d puts failed, the last with: %w", etcd.failed, etcd.err)
		}
		rate.Peers = append(rate.Peers, etcd.perSecond)
		tail.Peers = append(tail.Peers, milliseconds(etcd.p99))
		middle.Peers = append(middle.Peers, milliseconds(etcd.p50))
	}
	r.add(rate, s.judge(func(ratio float64) bool { return ratio >= commit }))
	r.add(middle, nil)
	if clients != 1000 {
		r.add(share, nil)
		return nil
	}
	r.add(tail, s.judge(func(ratio float64) bool { return ratio <= 0.5 }))
	share.Commit = "≥ 0.8 × F2"
	r.add(share, func(_, ratio float64) bool { return ratio >= 0.8 })
	return nil
}

// judge decides by the ratio to the peer, where there is one.
func (s *sides) judge(met func(ratio float64) bool) func(_, ratio float64) bool {
	if len(s.theirs) == 0 {
		return nil
	}
	return func(_, ratio float64) bool { return met(ratio) }
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
