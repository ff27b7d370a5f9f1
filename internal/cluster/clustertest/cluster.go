package clustertest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// Options say what kind of cluster is made.
type Options struct {
	Nodes int // 0: three
	// TCP: over loopback with data directories, instead of in memory.
	TCP bool
	// Skew is what a node's wall clock is ahead.
	Skew map[string]time.Duration
	// Configure may change a node's configuration before each of its starts.
	Configure func(cfg *cluster.Config)
}

// Cluster is a running cluster. Its verbs fail the test when what they wait for
// does not come.
type Cluster struct {
	t       testing.TB
	opts    Options
	Network *Network // nil over TCP
	Members []*Member
}

// Member is one node over all its runs. The embedded Node is of the last run.
type Member struct {
	*cluster.Node
	ID      string
	Address string

	// Storage is what the member keeps in memory over its runs, nil over TCP.
	Storage *cluster.Storage
	dir     string
	host    *Host
	cancel  context.CancelFunc
	done    chan struct{} // closed when Run has ended
	err     error         // Run's answer
	killed  bool
}

// Secrets are what all nodes of all tests prove themselves with.
var Secrets = func() peer.Secrets {
	s, err := peer.ParseSecrets("the secret of the tests' clusters")
	if err != nil {
		panic(err)
	}
	return s
}()

// patience is how long a verb waits.
const patience = 30 * time.Second

// New starts a cluster and stops it at the end of the test.
func New(t testing.TB, opts Options) *Cluster {
	t.Helper()
	if opts.Nodes == 0 {
		opts.Nodes = 3
	}
	c := &Cluster{t: t, opts: opts}
	if !opts.TCP {
		c.Network = NewNetwork()
	}
	for i := range opts.Nodes {
		m := &Member{ID: fmt.Sprintf("n%d", i+1)}
		if opts.TCP {
			m.Address, m.dir = FreeAddress(t), t.TempDir()
		} else {
			m.Address, m.Storage = m.ID+":7490", cluster.MemoryStorage()
		}
		c.Members = append(c.Members, m)
	}
	for _, m := range c.Members {
		c.Start(m)
	}
	t.Cleanup(c.Stop)
	return c
}

// FreeAddress is a loopback address that nobody listens on, below the ephemeral
// ports: there, a restarted node could find a peer's connection on its port.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", nextPort())
		l, err := net.Listen("tcp", address)
		if err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// Start starts a member that does not run.
func (c *Cluster) Start(m *Member) {
	c.t.Helper()
	if m.done != nil {
		c.Wait(m) // what a killed one still did
	}
	cfg := cluster.Config{
		NodeID: m.ID, DataDir: m.dir, RaftAddr: m.Address, ClusterName: "test",
		InitialCluster: map[string]string{}, Secrets: Secrets,
		Record: autoscaling.Node{
			GRPCAddress: strings.Replace(m.Address, ":7490", ":7400", 1),
			HTTPAddress: strings.Replace(m.Address, ":7490", ":7480", 1), Version: "test",
		},
		Storage: m.Storage, Logger: logger(m.ID),
	}
	if skew := c.opts.Skew[m.ID]; skew != 0 {
		cfg.Clock = func() time.Time { return time.Now().Add(skew) }
	}
	for _, o := range c.Members {
		cfg.InitialCluster[o.ID] = o.Address
	}
	if c.Network != nil {
		m.host = c.Network.Host(m.ID)
		cfg.Network = m.host
	}
	if c.opts.Configure != nil {
		c.opts.Configure(&cfg)
	}
	node, err := cluster.New(cfg)
	if err != nil {
		c.t.Fatalf("node %s: %v", m.ID, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.Node, m.cancel, m.done, m.err, m.killed = node, cancel, make(chan struct{}), nil, false
	done := m.done
	go func() {
		m.err = node.Run(ctx)
		close(done)
	}()
}

// logger writes to standard error when AS_TEST_LOG names a level.
func logger(id string) hclog.Logger {
	level := os.Getenv("AS_TEST_LOG")
	if level == "" {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{Name: id, Level: hclog.LevelFromString(level), Output: os.Stderr})
}

// Running says whether the member has neither ended nor been killed.
func (m *Member) Running() bool {
	if m.killed {
		return false
	}
	select {
	case <-m.done:
		return false
	default:
		return true
	}
}

// Wait waits until the member's Run ends by itself, and answers its error.
func (c *Cluster) Wait(m *Member) error {
	c.t.Helper()
	select {
	case <-m.done:
		return m.err
	case <-time.After(patience):
		c.t.Fatalf("node %s still runs", m.ID)
		return nil
	}
}

// Shutdown stops a member in good order.
func (c *Cluster) Shutdown(m *Member) {
	c.t.Helper()
	m.cancel()
	if err := c.Wait(m); err != nil {
		c.t.Errorf("node %s: %v", m.ID, err)
	}
}

// Kill ends a member without a farewell. (In memory: its network goes at once,
// and whatever it still does reaches nobody.)
func (c *Cluster) Kill(m *Member) {
	c.t.Helper()
	if m.host == nil {
		c.t.Fatal("a node over TCP cannot be killed alone: it needs a process of its own")
	}
	m.host.Kill()
	m.cancel()
	m.killed = true
}

// Restart starts a member again, after stopping it when it runs.
func (c *Cluster) Restart(m *Member) {
	c.t.Helper()
	if m.Running() {
		c.Shutdown(m)
	}
	c.Start(m)
}

// Stop stops all members.
func (c *Cluster) Stop() {
	for _, m := range c.Members {
		m.cancel()
	}
	for _, m := range c.Members {
		c.Wait(m)
	}
}

// Eventually waits until the condition holds.
func (c *Cluster) Eventually(what string, condition func() bool) {
	c.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			c.t.Fatalf("it did not come about that %s", what)
		}
	}
}

// Leader waits for a member that leads and accepts writes, proved by a
// verification: a deposed one that does not know it yet is not meant.
func (c *Cluster) Leader() *Member {
	c.t.Helper()
	var leader *Member
	c.Eventually("a node leads", func() bool {
		for _, m := range c.Members {
			if !m.Running() {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, err := m.LinearizableView(ctx)
			cancel()
			if err == nil {
				leader = m
				return true
			}
		}
		return false
	})
	return leader
}

// Followers are the running members besides the leader.
func (c *Cluster) Followers() []*Member {
	c.t.Helper()
	leader := c.Leader()
	var followers []*Member
	for _, m := range c.Members {
		if m != leader && m.Running() {
			followers = append(followers, m)
		}
	}
	return followers
}

// Partition separates the given members from all others.
func (c *Cluster) Partition(side ...*Member) {
	in := map[*Member]bool{}
	for _, m := range side {
		in[m] = true
	}
	for _, a := range side {
		for _, b := range c.Members {
			if !in[b] {
				c.Network.Cut(a.ID, b.ID)
			}
		}
	}
}

// Heal makes the whole network work again.
func (c *Cluster) Heal() { c.Network.Heal() }

// WaitApplied waits until all running members have applied what the leader has.
func (c *Cluster) WaitApplied() {
	c.t.Helper()
	leader := c.Leader()
	c.Eventually("all nodes applied the same", func() bool {
		term, sequence := leader.View().LogPosition()
		for _, m := range c.Members {
			if !m.Running() {
				continue
			}
			if t, s := m.View().LogPosition(); t != term || s != sequence {
				return false
			}
		}
		return true
	})
}

// EnsureSame fails the test unless all running members have byte for byte the
// same state at the same position of the log, without a broken invariant.
func (c *Cluster) EnsureSame() {
	c.t.Helper()
	c.Eventually("all nodes stand still at the same place", func() bool {
		c.WaitApplied()
		term, sequence := c.Leader().View().LogPosition()
		states := map[string][]byte{}
		for _, m := range c.Members {
			if t, s := m.View().LogPosition(); m.Running() && (t != term || s != sequence) {
				return false // it is not where the leader is
			}
			if m.Running() {
				states[m.ID] = c.snapshot(m)
			}
		}
		for _, m := range c.Members {
			if t, s := m.View().LogPosition(); m.Running() && (t != term || s != sequence) {
				return false // something was written meanwhile
			}
		}
		c.compare(states)
		return true
	})
}

func (c *Cluster) compare(states map[string][]byte) {
	c.t.Helper()
	first := ""
	for _, m := range c.Members {
		state, ok := states[m.ID]
		if !ok {
			continue
		}
		if broken := m.View().CheckInvariants(); len(broken) > 0 {
			c.t.Fatalf("state of %s: %s", m.ID, strings.Join(broken, "; "))
		}
		if first == "" {
			first = m.ID
		} else if !bytes.Equal(state, states[first]) {
			c.t.Fatalf("%s and %s differ in their state", first, m.ID)
		}
	}
}

func (c *Cluster) snapshot(m *Member) []byte {
	c.t.Helper()
	s, err := m.Machine().Snapshot()
	if err != nil {
		c.t.Fatalf("snapshot of %s: %v", m.ID, err)
	}
	defer s.Release()
	var sink sink
	if err := s.Persist(&sink); err != nil {
		c.t.Fatalf("snapshot of %s: %v", m.ID, err)
	}
	return sink.Bytes()
}

// sink is a raft.SnapshotSink in memory.
type sink struct{ bytes.Buffer }

func (s *sink) ID() string    { return "test" }
func (s *sink) Cancel() error { return nil }
func (s *sink) Close() error  { return nil }

// Write writes a change through the leader, whoever that is, and repeats it
// until it is acknowledged.
func (c *Cluster) Write(fn func(tx *fsm.Tx) error) {
	c.t.Helper()
	c.Eventually("a change is written", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return c.Leader().Do(ctx, fn) == nil
	})
}
