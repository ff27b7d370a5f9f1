package cluster_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/fsm"
)

// TestMain makes the test binary a node when it is told to: for deaths that
// only a process of its own can die.
func TestMain(m *testing.M) {
	if spec := os.Getenv("CLUSTER_TEST_NODE"); spec != "" {
		runNode(spec)
	}
	os.Exit(m.Run())
}

// runNode runs "id directory initial-cluster" and writes one value after
// another while it leads.
func runNode(spec string) {
	f := strings.Fields(spec)
	initial := map[string]string{}
	for _, member := range strings.Split(f[2], ",") {
		id, address, _ := strings.Cut(member, "=")
		initial[id] = address
	}
	var node *cluster.Node
	node, err := cluster.New(cluster.Config{
		NodeID: f[0], DataDir: f[1], RaftAddr: initial[f[0]], InitialCluster: initial,
		Lead: func(ctx context.Context, _ cluster.Leadership) error {
			for i := 0; ctx.Err() == nil; i++ {
				node.Do(ctx, func(tx *fsm.Tx) error { return put("x", fmt.Sprint(i))(tx) })
			}
			return nil
		},
	})
	if err == nil {
		err = node.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestTheDeathOfALeadersProcessIsNoticedAtOnce: two nodes here, the third in a
// process of its own, which leads, writes, and is killed.
func TestTheDeathOfALeadersProcessIsNoticedAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	initial := map[string]string{}
	for _, id := range []string{"n1", "n2", "n3"} {
		initial[id] = clustertest.FreeAddress(t)
	}
	var members []string
	for id, address := range initial {
		members = append(members, id+"="+address)
	}
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	nodes := map[string]*cluster.Node{}
	for _, id := range []string{"n1", "n2"} {
		n, err := cluster.New(cluster.Config{
			NodeID: id, DataDir: filepath.Join(dir, id), RaftAddr: initial[id], InitialCluster: initial,
		})
		if err != nil {
			t.Fatal(err)
		}
		nodes[id] = n
		go func() { done <- n.Run(ctx) }()
	}
	defer func() {
		stop()
		for range nodes {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}()

	var slowest time.Duration
	for round := range 5 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), fmt.Sprintf("CLUSTER_TEST_NODE=n3 %s %s", filepath.Join(dir, "n3"), strings.Join(members, ",")))
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		kill := func() {
			child.Process.Kill()
			child.Wait()
		}
		eventually(t, "the child leads and writes", func() bool {
			for _, n := range nodes {
				if l, ok := n.Leader(); ok && l.ID == "n3" {
					return ready(n)
				}
				n.TransferLeadership(context.Background(), "n3")
			}
			return false
		})
		time.Sleep(300 * time.Millisecond) // any moment of its writing will do
		start := time.Now()
		kill()
		eventually(t, "another writes", func() bool {
			for _, n := range nodes {
				if n.Do(context.Background(), put("y", fmt.Sprint(round))) == nil {
					return true
				}
			}
			return false
		})
		took := time.Since(start)
		t.Logf("round %d: %s", round, took)
		slowest = max(slowest, took)
	}
	t.Logf("slowest: %s", slowest) // bench asserts times, tests do not
}

func ready(n *cluster.Node) bool {
	ok, _ := n.Ready()
	return ok
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for start := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("it did not come about that %s", what)
		}
	}
}

func TestThreeNodesOverTCP(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{TCP: true})
	c.Write(put("x", "1"))
	c.EnsureSame()
	old := c.Leader()
	c.Restart(old)
	c.Write(put("x", "2"))
	c.EnsureSame()
	for _, m := range c.Members {
		if got := version(m.View(), "x"); got != "2" {
			t.Errorf("node %s has %q", m.ID, got)
		}
	}
}
