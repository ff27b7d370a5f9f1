package nemesis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/asctl/as/test/cluster/nodes"
)

// patience is for what should take a second or two; the machine is slow.
const patience = 90 * time.Second

// lane is one cluster with its hosts, its callers and its share of the faults.
// Lanes run side by side, since most faults are waiting.
type lane struct {
	*testing.T
	*nodes.Cluster
	network *network
	random  *rand.Rand
	conns   map[*nodes.Node]*grpc.ClientConn
	counts  map[string]int // fault → how often
	begin   time.Time
}

const laneProviders = `
providers:
  compute:
    sim: {type: sim, directory: {{.Shared}}/sim}
`

// newLane makes hosts, disks and configuration; it starts nothing.
func newLane(t *testing.T, index, size int, random *rand.Rand) *lane {
	t.Helper()
	dir, err := os.MkdirTemp("", "as-nemesis-lane-")
	if err != nil {
		t.Fatal(err)
	}
	l := &lane{
		T: t, random: random, conns: map[*nodes.Node]*grpc.ClientConn{}, counts: map[string]int{},
		network: newNetwork(t, index, size), begin: time.Now(), Cluster: &nodes.Cluster{Dir: dir},
	}
	t.Cleanup(l.cleanUp)
	for i := range size {
		l.makeDisk(l.disk(fmt.Sprintf("n%d", i+1)))
	}
	hosts := l.network.hosts(size, func(i int) string { return filepath.Join(l.disk(fmt.Sprintf("n%d", i+1)), "data") })
	if l.Cluster, err = nodes.New(nodes.Options{
		Binary: asserver, Dir: dir, Size: size, Providers: laneProviders, Hosts: hosts,
		Args:  []string{"--insecure"},
		EnvOf: func(id string) []string { return []string{clockKey + "=" + l.clockFile(id)} },
	}); err != nil {
		t.Fatal(err)
	}
	for _, n := range l.Nodes {
		if l.conns[n], err = grpc.NewClient(n.GRPC,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second, Backoff: backoff.Config{
				BaseDelay: 10 * time.Millisecond, Multiplier: 1.5, MaxDelay: 100 * time.Millisecond,
			}}),
		); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// step says in the test's output what happens, with the time since the start.
func (l *lane) step(format string, args ...any) {
	l.Logf("%7.2fs  %s", time.Since(l.begin).Seconds(), fmt.Sprintf(format, args...))
}

// cleanUp ends the nodes, each by its process id, and unmounts their disks.
func (l *lane) cleanUp() {
	l.network.heal()
	for _, conn := range l.conns {
		conn.Close()
	}
	for _, n := range l.Nodes {
		_ = n.Signal(os.Kill) // also a stopped one
		n.Kill()
	}
	for _, n := range l.Nodes {
		l.checkLog(n)
		if out, err := exec.Command("umount", l.disk(n.ID)).CombinedOutput(); err != nil && !(*nemesisKeep && l.Failed()) {
			l.Logf("umount: %v: %s", err, out)
		}
	}
	if l.Failed() {
		l.Logf("the nodes' logs are in %s", l.Dir)
		if *nemesisKeep {
			return
		}
		images, _ := filepath.Glob(filepath.Join(l.Dir, "*.img"))
		for _, image := range images {
			_ = os.Remove(image)
		}
		return
	}
	_ = os.RemoveAll(l.Dir)
}

// checkLog finds what no fault may lead to.
func (l *lane) checkLog(n *nodes.Node) {
	text, err := os.ReadFile(n.LogFile())
	if err != nil {
		return
	}
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:", "goroutine 1 ["} {
		if _, after, found := strings.Cut(string(text), bad); found {
			l.Errorf("%s's log has %q: %.1500s", n.ID, bad, after)
		}
	}
}

// startAll starts the nodes that do not run and waits until all serve.
func (l *lane) startAll() {
	l.Helper()
	if err := l.Cluster.Start(); err != nil {
		l.Fatal(err)
	}
	l.awaitReady()
}

func (l *lane) awaitReady() {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.Cluster.WaitReady(ctx); err != nil {
		for _, n := range l.Nodes {
			l.Logf("%s:\n%s", n.ID, l.tail(n, 25))
		}
		l.Fatal(err)
	}
}

func (l *lane) tail(n *nodes.Node, lines int) string {
	text, _ := os.ReadFile(n.LogFile())
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// awaitWhole waits until every node is ready and a voter: until the cluster may
// lose one node again.
func (l *lane) awaitWhole() {
	l.Helper()
	l.awaitReady()
	deadline := time.Now().Add(patience)
	for {
		missing := l.missing()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			for _, n := range l.Nodes {
				l.Logf("%s:\n%s", n.ID, l.tail(n, 25))
			}
			l.Fatalf("the cluster is not whole: %s", missing)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// missing says why the cluster is not whole, by the word of its leader.
func (l *lane) missing() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	leader, err := l.Cluster.Leader(ctx)
	if err != nil {
		return err.Error()
	}
	var status clusterStatus
	if err := leader.Get(ctx, "/v1/cluster", &status); err != nil {
		return err.Error()
	}
	for _, n := range status.Nodes {
		if n.Health != "HEALTHY" {
			return fmt.Sprintf("%s is %s", n.ID, n.Health)
		}
	}
	return notVoters(status)
}

// leader waits for a node that leads, and returns its index, too.
func (l *lane) leader() (*nodes.Node, int) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	leader, err := l.Cluster.Leader(ctx)
	if err != nil {
		l.Fatal(err)
	}
	return leader, l.index(leader)
}

func (l *lane) index(n *nodes.Node) int {
	for i, other := range l.Nodes {
		if other == n {
			return i
		}
	}
	return -1
}

// another returns a node drawn from those that are not given.
func (l *lane) another(not ...int) int {
	for {
		i := l.random.IntN(len(l.Nodes))
		free := true
		for _, n := range not {
			free = free && n != i
		}
		if free {
			return i
		}
	}
}

// each runs f for every node at once.
func (l *lane) each(f func(n *nodes.Node)) {
	var wait sync.WaitGroup
	for _, n := range l.Nodes {
		wait.Go(func() { f(n) })
	}
	wait.Wait()
}

// pause waits for a time drawn between low and high.
func (l *lane) pause(low, high time.Duration) {
	time.Sleep(low + time.Duration(l.random.Int64N(int64(high-low)+1)))
}
