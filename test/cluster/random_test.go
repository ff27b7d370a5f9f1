package cluster_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

var (
	randomSeed = flag.Uint64("random.seed", 0, "seed of the random kills; 0: another one each time")
	randomTime = flag.Duration("random.time", 20*time.Second, "how long nodes and instances are killed at random")
)

// TestRandomKillsEndInOrder moves desired about while nodes, at times all of
// them, and instances are killed at random moments. When that is over the group
// has what it wants, and nothing is left of what it does not.
func TestRandomKillsEndInOrder(t *testing.T) {
	t.Parallel()
	seed := *randomSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	g := webGroup(2)
	g.HealthCheck.GracePeriod = seconds(1)
	w.createGroup("web", g)

	deadline := time.Now().Add(*randomTime)
	var wait sync.WaitGroup
	// Nobody is ever there twice.
	wait.Go(func() {
		for time.Now().Before(deadline) {
			for id, pids := range w.processes() {
				if len(pids) > 1 {
					t.Errorf("%s is there as processes %v", id, pids)
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	wait.Go(func() { w.moveDesired(rand.New(rand.NewPCG(seed, 1)), deadline) })
	w.killAtRandom(rand.New(rand.NewPCG(seed, 2)), deadline)
	wait.Wait()
	w.restart()

	desired := w.group("web").GetDesiredCapacity()
	w.awaitSettled("web", desired)
	w.checkOutside("web")
	w.awaitSettled("web", desired) // what was killed last may have been replaced meanwhile
	live := w.instances("web", false)
	for id := range w.machines() {
		if n := w.starts(id); n > 1 || n == 0 && live[id] != nil {
			t.Errorf("%s started %d times", id, n)
		}
	}
	begun, ended := map[string]int{}, map[string]int{}
	for _, e := range w.feed.after(0, of("web", pb.Event_ACTIVITY_STARTED)) {
		begun[e.Activity]++
	}
	for _, e := range w.feed.after(0, of("web", pb.Event_ACTIVITY_ENDED)) {
		ended[e.Activity]++
	}
	for id := range begun {
		if begun[id] != 1 || ended[id] != 1 {
			t.Errorf("activity %s started %d times and ended %d times", id, begun[id], ended[id])
		}
	}
	t.Logf("%d activities, %d machines, desired %d at the end", len(begun), len(w.machines()), desired)
}

// moveDesired sets desired to anything between 0 and 6, now and then.
func (w *world) moveDesired(r *rand.Rand, deadline time.Time) {
	for time.Now().Before(deadline) {
		request := &pb.SetDesiredCapacityRequest{Name: groupName("web"), DesiredCapacity: proto.Int32(r.Int32N(7)), RequestId: uuid.NewString()}
		err := w.attempt(func(ctx context.Context, a api) error {
			_, err := a.groups.SetDesiredCapacity(ctx, request)
			return err
		})
		if err != nil && status.Code(err) != codes.FailedPrecondition { // NO_CHANGE
			w.Errorf("set desired: %v", err)
		}
		time.Sleep(time.Duration(r.IntN(600)) * time.Millisecond)
	}
}

// killAtRandom kills a node, all nodes or an instance, and starts nodes again.
func (w *world) killAtRandom(r *rand.Rand, deadline time.Time) {
	done := map[string]int{}
	defer func() { w.Log(fmt.Sprint("killed: ", done)) }()
	for time.Now().Before(deadline) {
		time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
		switch n := r.IntN(10); {
		case n < 6:
			w.Nodes[r.IntN(len(w.Nodes))].Kill()
			done["nodes"]++
		case n < 7:
			for _, n := range w.Nodes {
				n.Kill()
			}
			done["all nodes"]++
		default:
			for _, pids := range w.processes() { // in no order: good enough
				if syscall.Kill(pids[0], syscall.SIGKILL) == nil {
					done["instances"]++
				}
				break
			}
		}
		if r.IntN(2) == 0 {
			time.Sleep(time.Duration(r.IntN(500)) * time.Millisecond)
		}
		if err := w.Cluster.Start(); err != nil {
			w.Error(err)
		}
	}
}
