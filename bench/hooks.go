package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// completers is how many callers complete the waits of a fleet.
const completers = 64

// measureHooks is HOOKS: 10,000 instances of one group wait in a launch hook, and
// 64 concurrent callers complete each by its token. None may be lost: all are in
// service afterwards.
func measureHooks(ctx context.Context, o options, dir string, r *report) error {
	var rate, rest []float64
	for run := range o.repeat {
		perSecond, settled, err := completeFleet(ctx, o, filepath.Join(dir, strconv.Itoa(run)))
		if err != nil {
			return err
		}
		rate, rest = append(rate, perSecond), append(rest, milliseconds(settled))
	}
	r.add(row{
		Goal: "HOOKS", What: fmt.Sprintf("completions of %d hook waits, %d callers", fleet, completers), Unit: "/s", OurRuns: rate, Commit: "≥ 5000/s",
	}, func(ours, _ float64) bool { return ours >= 5000 })
	r.add(row{Goal: "HOOKS", What: "from the last completion to all in service", Unit: "ms", OurRuns: rest}, nil)
	return nil
}

func completeFleet(ctx context.Context, o options, dir string) (perSecond float64, settled time.Duration, err error) {
	cluster, err := startCluster(ctx, o, dir)
	if err != nil {
		return 0, 0, err
	}
	defer cluster.Stop()
	leader, err := cluster.Leader(ctx)
	if err != nil {
		return 0, 0, err
	}
	conns, err := dial(leader.GRPC, connections)
	if err != nil {
		return 0, 0, err
	}
	defer closeAll(conns)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tokens, err := fleetInHooks(ctx, conns[0])
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := completeAll(ctx, conns, tokens); err != nil {
		return 0, 0, err
	}
	took := time.Since(start)
	if err := untilInService(ctx, pb.NewGroupServiceClient(conns[0]), fleet); err != nil {
		return 0, 0, err
	}
	return fleet / took.Seconds(), time.Since(start) - took, nil
}

// fleetInHooks launches the fleet and answers the tokens once all of it waits.
func fleetInHooks(ctx context.Context, conn *grpc.ClientConn) ([]string, error) {
	group := &pb.Group{
		MinSize: proto.Int32(0), MaxSize: proto.Int32(fleet), DefaultCooldown: durationpb.New(0),
		Configuration: &pb.Group_ConfigurationReference{Name: "sim"},
	}
	if err := createGroups(ctx, conn, 1, group); err != nil {
		return nil, err
	}
	const name = parent + "/groups/g0"
	hooks := pb.NewLifecycleHookServiceClient(conn)
	_, err := hooks.CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{
		Parent: name, LifecycleHookId: "boot", LifecycleHook: &pb.LifecycleHook{Transition: pb.LifecycleHook_LAUNCHING},
	})
	if err != nil {
		return nil, err
	}
	groups := pb.NewGroupServiceClient(conn)
	if _, err := groups.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: name, DesiredCapacity: proto.Int32(fleet)}); err != nil {
		return nil, err
	}
	for {
		g, err := groups.GetGroup(ctx, &pb.GetGroupRequest{Name: name})
		if err != nil {
			return nil, err
		}
		if g.GetCounts().GetWaiting() == fleet {
			break
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d wait: %w", g.GetCounts().GetWaiting(), fleet, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	var tokens []string
	for page := ""; ; {
		list, err := hooks.ListLifecycleActions(ctx, &pb.ListLifecycleActionsRequest{Parent: name, PageSize: 1000, PageToken: page})
		if err != nil {
			return nil, err
		}
		for _, a := range list.GetLifecycleActions() {
			tokens = append(tokens, a.GetToken())
		}
		if page = list.GetNextPageToken(); page == "" {
			break
		}
	}
	if len(tokens) != fleet {
		return nil, fmt.Errorf("%d tokens for %d instances that wait", len(tokens), fleet)
	}
	return tokens, nil
}

// completeAll completes every wait once, by so many callers at a time.
func completeAll(ctx context.Context, conns []*grpc.ClientConn, tokens []string) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	failures := make(chan error, completers)
	for caller := range completers {
		client := pb.NewLifecycleHookServiceClient(conns[caller%len(conns)])
		wait.Go(func() {
			for {
				at := int(next.Add(1)) - 1
				if at >= len(tokens) {
					return
				}
				_, err := client.CompleteLifecycleAction(ctx, &pb.CompleteLifecycleActionRequest{
					Parent: parent + "/groups/g0", Token: tokens[at], Result: pb.LifecycleHook_CONTINUE,
				})
				if err != nil {
					failures <- fmt.Errorf("completion %d: %w", at, err)
					return
				}
			}
		})
	}
	wait.Wait()
	close(failures)
	return <-failures
}
