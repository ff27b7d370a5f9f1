package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
	"github.com/asctl/as/test/cluster/register"
)

// TestAcknowledgedWritesSurviveTwentyLeaderKills checks that what clients were
// told, while the leader was killed again and again, is a linearizable history,
// and that the last acknowledged write is there in the end.
func TestAcknowledgedWritesSurviveTwentyLeaderKills(t *testing.T) {
	const kills, writers, readers = 20, 4, 2
	w := start(t, nodes.Options{Providers: simProviders(0)})
	w.createConfiguration(&pb.Configuration{Provider: "sim"})
	g := simGroup(0)
	g.MaxSize, g.Paused = proto.Int32(1_000_000), true
	w.createGroup("web", g)

	h := &history{w: w, begin: time.Now()}
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for client := range writers {
		wait.Go(func() { h.loop(stop, client, h.write) })
	}
	for client := range readers {
		wait.Go(func() { h.loop(stop, writers+client, h.read) })
	}
	for kill := range kills {
		leader := w.leader()
		// Not before this leader has acknowledged something.
		seen := h.acknowledged.Load()
		w.eventually("a write is acknowledged", func() error {
			if h.acknowledged.Load() < seen+10 {
				return fmt.Errorf("after kill %d none was", kill)
			}
			return nil
		})
		leader.Kill()
		if _, err := w.Cluster.Leader(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.restart()
	}
	close(stop)
	wait.Wait()
	h.read(t.Context(), writers, 0) // the last word is a read after everything

	operations, dropped := h.Operations()
	t.Logf("%d operations, %d writes acknowledged, %d of unknown outcome (%d of them never seen), %d refused without effect",
		len(operations), h.acknowledged.Load(), h.unknown.Load(), dropped, h.refused.Load())
	if h.acknowledged.Load() < 10*kills {
		t.Errorf("only %d writes were acknowledged", h.acknowledged.Load())
	}
	if err := register.Check(operations, 60*time.Second); err != nil {
		t.Error(err)
	}
}

// history is what the clients were told.
type history struct {
	w     *world
	begin time.Time

	value                          atomic.Int32
	acknowledged, unknown, refused atomic.Int64
	register.History
}

func (h *history) now() int64 { return int64(time.Since(h.begin)) }

// loop calls until stop is closed, at one node after another.
func (h *history) loop(stop <-chan struct{}, client int, call func(ctx context.Context, client, node int)) {
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for node := client; ; node++ {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		call(ctx, client, node%len(h.w.Nodes))
		cancel()
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

func (h *history) write(ctx context.Context, client, node int) {
	value := h.value.Add(1)
	op := porcupine.Operation{ClientId: client, Input: register.Swap{Value: value}, Call: h.now()}
	a, err := h.w.at(h.w.Nodes[node]).groups.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: groupName("web"), DesiredCapacity: &value})
	op.Return = h.now()
	switch {
	case err == nil:
		h.acknowledged.Add(1)
		op.Output = register.Was{Value: a.GetFromCapacity()}
		if a.GetToCapacity() != value {
			h.w.Errorf("a write of %d answers %v", value, a)
		}
	case reason(err) == "NO_LEADER":
		h.refused.Add(1)
		return // it says that nothing was written
	case status.Code(err) == codes.Unavailable || status.Code(err) == codes.DeadlineExceeded:
		h.unknown.Add(1)
		op.Output = register.Was{Unknown: true}
	default:
		h.w.Errorf("a write of %d: %v", value, err)
		return
	}
	h.Add(op)
}

func (h *history) read(ctx context.Context, client, node int) {
	op := porcupine.Operation{ClientId: client, Input: register.Read{}, Call: h.now()}
	g, err := h.w.at(h.w.Nodes[node]).groups.GetGroup(ctx, &pb.GetGroupRequest{Name: groupName("web")})
	op.Return = h.now()
	switch c := status.Code(err); c {
	case codes.OK:
		op.Output = register.Was{Value: g.GetDesiredCapacity()}
		h.Add(op)
	case codes.Unavailable, codes.DeadlineExceeded:
	default:
		h.w.Errorf("a read: %v", err)
	}
}
