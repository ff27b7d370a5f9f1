package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

const fleet = 10_000

// measureLaunch is G9: SetDesired(10,000) until 10,000 are in service, with the
// simulated provider without latency, a new cluster each time.
func measureLaunch(ctx context.Context, o options, dir string, r *report) error {
	var took, entries []float64
	for run := range o.repeat {
		d, e, err := launchFleet(ctx, o, filepath.Join(dir, strconv.Itoa(run)))
		if err != nil {
			return err
		}
		took, entries = append(took, d.Seconds()), append(entries, e)
	}
	r.add(row{Goal: "G9", What: fmt.Sprintf("SetDesired(%d) to all in service", fleet), Unit: "s", OurRuns: took, Commit: "≤ 0.5 s"}, func(ours, _ float64) bool { return ours <= 0.5 })
	r.add(row{Goal: "G9", What: "log entries per instance", Unit: "", OurRuns: entries, Commit: "≤ 0.05"}, func(ours, _ float64) bool { return ours <= 0.05 })
	return nil
}

func launchFleet(ctx context.Context, o options, dir string) (time.Duration, float64, error) {
	cluster, err := startCluster(ctx, o, dir)
	if err != nil {
		return 0, 0, err
	}
	defer cluster.Stop()
	leader, err := cluster.Leader(ctx)
	if err != nil {
		return 0, 0, err
	}
	conns, err := dial(leader.GRPC, 1)
	if err != nil {
		return 0, 0, err
	}
	defer closeAll(conns)
	group := &pb.Group{
		MinSize: proto.Int32(0), MaxSize: proto.Int32(fleet), DefaultCooldown: durationpb.New(0),
		Configuration: &pb.Group_ConfigurationReference{Name: "sim"},
	}
	if err := createGroups(ctx, conns[0], 1, group); err != nil {
		return 0, 0, err
	}
	before, err := commitIndex(ctx, leader)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	start := time.Now()
	client := pb.NewGroupServiceClient(conns[0])
	if _, err := client.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: parent + "/groups/g0", DesiredCapacity: proto.Int32(fleet)}); err != nil {
		return 0, 0, err
	}
	if err := untilInService(ctx, client, fleet); err != nil {
		return 0, 0, err
	}
	took := time.Since(start)
	after, err := commitIndex(ctx, leader)
	return took, float64(after-before) / fleet, err
}

func untilInService(ctx context.Context, client pb.GroupServiceClient, count int32) error {
	for {
		g, err := client.GetGroup(ctx, &pb.GetGroupRequest{Name: parent + "/groups/g0", Consistency: pb.Consistency_STALE}, grpc.WaitForReady(true))
		if err != nil {
			return err
		}
		if g.GetCounts().GetInService() == count {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d in service: %w", g.GetCounts().GetInService(), count, ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func commitIndex(ctx context.Context, n *nodes.Node) (int64, error) {
	var status struct {
		CommitIndex string `json:"commitIndex"`
	}
	if err := n.Get(ctx, "/v1/cluster", &status); err != nil {
		return 0, err
	}
	return strconv.ParseInt(status.CommitIndex, 10, 64)
}
