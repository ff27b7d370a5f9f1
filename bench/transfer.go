package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// measureTransfer is G8: one client writes without a pause, repeating what was
// UNAVAILABLE with the same request id at another node, while the leader is
// stopped with SIGTERM and started again, over and over. The gap is the longest
// time between two accepted writes around a stop.
func measureTransfer(ctx context.Context, o options, dir string, r *report) error {
	cluster, err := startCluster(ctx, o, dir)
	if err != nil {
		return err
	}
	defer cluster.Stop()
	var conns []*grpc.ClientConn
	for _, n := range cluster.Nodes {
		c, err := dial(n.GRPC, 1)
		if err != nil {
			return err
		}
		defer closeAll(c)
		conns = append(conns, c[0])
	}
	group := &pb.Group{MinSize: proto.Int32(0), MaxSize: proto.Int32(10), Paused: true, Configuration: &pb.Group_ConfigurationReference{Name: "sim"}}
	if err := createGroups(ctx, conns[0], 1, group); err != nil {
		return err
	}

	writing, stop := context.WithCancel(ctx)
	defer stop()
	w := &steadyWriter{conns: conns}
	done := make(chan struct{})
	go func() { defer close(done); w.run(writing) }()
	defer func() { stop(); <-done }()

	var gaps []float64
	for range o.repeat {
		leader, err := cluster.Leader(ctx)
		if err != nil {
			return err
		}
		w.reset()
		leader.Stop()
		select { // what came after the stop counts too
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
		gaps = append(gaps, milliseconds(w.longest()))
		if err := leader.Start(); err != nil {
			return err
		}
		ready, cancel := context.WithTimeout(ctx, 30*time.Second)
		err = cluster.WaitReady(ready)
		cancel()
		if err != nil {
			return err
		}
	}
	stop()
	<-done
	r.add(row{Goal: "G8", What: "longest write gap of a rolling restart (SIGTERM of the leader)", Unit: "ms", OurRuns: gaps, Commit: "≤ 50 ms"}, func(ours, _ float64) bool { return ours <= 50 })
	r.add(row{Goal: "G8", What: "calls failed in spite of the client's retry", Unit: "", OurRuns: []float64{float64(w.failed)}, Commit: "0"}, func(ours, _ float64) bool { return ours == 0 })
	if w.err != nil {
		return fmt.Errorf("a write failed: %w", w.err)
	}
	return nil
}

// steadyWriter writes one call after the other and keeps the longest gap.
type steadyWriter struct {
	conns  []*grpc.ClientConn
	gaps   gapMeter
	failed int
	err    error
}

func (w *steadyWriter) reset()                 { w.gaps.reset() }
func (w *steadyWriter) longest() time.Duration { return w.gaps.longest() }

func (w *steadyWriter) run(ctx context.Context) {
	at := 0
	for sequence := 0; ctx.Err() == nil; sequence++ {
		request := &pb.SetDesiredCapacityRequest{
			Name: parent + "/groups/g0", DesiredCapacity: proto.Int32(int32(sequence%9 + 1)), RequestId: fmt.Sprintf("bench-%d", sequence),
		}
		deadline := time.Now().Add(10 * time.Second)
		for {
			_, err := pb.NewGroupServiceClient(w.conns[at]).SetDesiredCapacity(ctx, request)
			if err == nil {
				w.gaps.accepted()
				break
			}
			if ctx.Err() != nil {
				return
			}
			if status.Code(err) != codes.Unavailable || time.Now().After(deadline) {
				w.failed, w.err = w.failed+1, err
				break
			}
			at = (at + 1) % len(w.conns)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
}
