package rpc

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// testCluster is nodes that share a log without Raft: the leader's writer applies
// each entry on all of them at once.
type testCluster struct {
	t  testing.TB
	mu sync.Mutex // the writer

	nodes   []*testNode
	leader  atomic.Pointer[testNode]
	index   uint64
	term    uint64
	now     atomic.Int64
	ahead   atomic.Int64 // of the wall clock, a Duration
	counter uint64
	waiting atomic.Int64 // calls of Do that wait for the writer
	// broken makes Do fail without doing anything.
	broken atomic.Pointer[error]
}

// testNode is one of them, with its API.
type testNode struct {
	cluster  *testCluster
	id       string
	machine  *fsm.Machine
	applied  atomic.Uint64
	server   *Server
	listen   *bufconn.Listener
	conn     *grpc.ClientConn // of a client
	platform testPlatform
	samples  *testSamples
	registry *prometheus.Registry
	// pretends makes the node believe in this leader.
	pretends  atomic.Pointer[Leader]
	transfers atomic.Pointer[string]
}

type testIDs struct{ c *testCluster }

func (i testIDs) UID() autoscaling.UID {
	i.c.counter++
	return autoscaling.UID(fmt.Sprintf("00000000-0000-7000-8000-%012x", i.c.counter))
}

func (i testIDs) InstanceID() autoscaling.InstanceID {
	i.c.counter++
	return autoscaling.InstanceID(fmt.Sprintf("i-%017x", i.c.counter))
}

// startCluster starts nodes n1, n2, …; n1 leads.
func startCluster(t testing.TB, nodes int, configure ...func(*Config)) *testCluster {
	t.Helper()
	c := &testCluster{t: t, term: 1}
	c.now.Store(int64(autoscaling.TimeOf(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))))
	for i := range nodes {
		c.nodes = append(c.nodes, &testNode{
			cluster: c, id: fmt.Sprintf("n%d", i+1), machine: fsm.NewMachine(),
			listen: bufconn.Listen(1 << 20), samples: &testSamples{},
		})
	}
	c.leader.Store(c.nodes[0])
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		for _, n := range c.nodes {
			if n.id == address {
				return n.listen.DialContext(ctx)
			}
		}
		return nil, fmt.Errorf("no node at %q", address)
	}
	for _, n := range c.nodes {
		n.start(configure, dial)
	}
	c.do(func(tx *fsm.Tx) error {
		tx.PutCluster(&autoscaling.Cluster{ID: tx.NewUID(), Name: "main", Incarnation: tx.NewUID(), CreateTime: tx.Now()})
		return nil
	})
	return c
}

func (n *testNode) start(configure []func(*Config), dial func(context.Context, string) (net.Conn, error)) {
	t := n.cluster.t
	n.registry = prometheus.NewRegistry()
	cfg := Config{
		Node:       n,
		Operations: control.Operations{Platform: &n.platform},
		Samples:    n.samples,
		Registerer: n.registry, Gatherer: n.registry,
		DialOptions: []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dial)},
		LeaderWait:  500 * time.Millisecond,
		Logger:      hclog.NewNullLogger(),
	}
	for _, f := range configure {
		f(&cfg)
	}
	var err error
	if n.server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.server.Run(ctx) })
	running.Go(func() { _ = n.server.GRPC().Serve(n.listen) })
	n.conn, err = grpc.NewClient("passthrough:///"+n.id, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = n.conn.Close()
		cancel()
		n.server.GRPC().Stop()
		n.server.Close()
		running.Wait()
	})
}

// do runs a function on the writer, as the scheduler would.
func (c *testCluster) do(fn func(*fsm.Tx) error) {
	c.t.Helper()
	if err := c.write(c.leader.Load(), fn); err != nil {
		c.t.Fatal(err)
	}
}

func (c *testCluster) write(n *testNode, fn func(*fsm.Tx) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leader.Load() != n {
		return autoscaling.Errorf(autoscaling.NoLeader, "%s does not lead", n.id)
	}
	if broken := c.broken.Load(); broken != nil {
		return *broken
	}
	batch := n.machine.Begin(c.term, autoscaling.Time(c.now.Add(1000)), testIDs{c})
	err := batch.Run(fn)
	entry := []byte(nil)
	if !batch.Empty() {
		var sealErr error
		if entry, sealErr = batch.Seal(); sealErr != nil {
			c.t.Error(sealErr)
		}
	} else {
		n.machine.Discard()
	}
	if entry != nil {
		c.index++
		for _, m := range c.nodes {
			m.machine.Apply(&raft.Log{Index: c.index, Term: c.term, Type: raft.LogCommand, Data: entry})
			m.applied.Store(c.index)
		}
	}
	return err
}

// lead makes another node the leader; nil none.
func (c *testCluster) lead(n *testNode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.term++
	for _, n := range c.nodes {
		n.machine.Discard()
	}
	c.leader.Store(n)
}

func (n *testNode) Do(ctx context.Context, fn func(*fsm.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.cluster.waiting.Add(1)
	defer n.cluster.waiting.Add(-1)
	return n.cluster.write(n, fn)
}

func (n *testNode) View() fsm.View { return n.machine.View() }

func (n *testNode) LinearizableView(context.Context) (fsm.View, error) {
	if n.cluster.leader.Load() != n {
		return fsm.View{}, autoscaling.Errorf(autoscaling.NoLeader, "%s does not lead", n.id)
	}
	return n.machine.View(), nil
}

func (n *testNode) Applied() (uint64, time.Duration) {
	if n.cluster.leader.Load() == n {
		return n.applied.Load(), 0
	}
	return n.applied.Load(), 7 * time.Millisecond
}

func (n *testNode) Now() autoscaling.Time        { return autoscaling.Time(n.cluster.now.Load()) }
func (n *testNode) Subscribe() *fsm.Subscription { return n.machine.Subscribe() }

func (n *testNode) Leader() Leader {
	if l := n.pretends.Load(); l != nil {
		return *l
	}
	l := n.cluster.leader.Load()
	if l == nil {
		return Leader{}
	}
	return Leader{ID: l.id, GRPCAddress: l.id, Self: l == n}
}

func (n *testNode) TransferLeadership(_ context.Context, id string) error {
	n.transfers.Store(&id)
	return nil
}

// SetTime sets it back by what the cluster's ahead says.
func (n *testNode) SetTime(ctx context.Context, _, dryRun bool, set func(*fsm.Tx, autoscaling.Time)) (before, after autoscaling.Time, err error) {
	before = n.Now()
	after = before.Add(-time.Duration(n.cluster.ahead.Load()))
	if dryRun || before == after {
		return before, after, nil
	}
	err = n.Do(ctx, func(tx *fsm.Tx) error { set(tx, after); return nil })
	n.cluster.now.Store(int64(after))
	n.cluster.ahead.Store(0)
	return before, after, err
}

func (n *testNode) Status() Status {
	s := Status{TimeAhead: time.Duration(n.cluster.ahead.Load()), ClusterID: "c", Term: n.cluster.term, CommitIndex: n.applied.Load(), Warnings: []string{"clocks differ"}}
	leader := n.cluster.leader.Load()
	if leader != nil {
		s.Leader = leader.id
	}
	for _, m := range n.cluster.nodes {
		s.Nodes = append(s.Nodes, NodeStatus{
			ID: m.id, Leads: m == leader, Health: NodeHealthy, GRPCAddress: m.id, HTTPAddress: m.id + ":7480", RaftAddress: m.id + ":7490",
			AppliedIndex: m.applied.Load(), LastContact: time.Unix(1, 0), Version: "test",
		})
	}
	return s
}

// testPlatform knows the provider "sim", the pool "edge/web" and the list "files/web".
type testPlatform struct{}

func (*testPlatform) ValidateTemplate(t *autoscaling.Template) error {
	if t.Provider != "sim" {
		return fmt.Errorf("there is no compute provider %q", t.Provider)
	}
	return nil
}

func (*testPlatform) Pool(provider, pool string) control.PoolStatus {
	if provider == "edge" && pool == "web" {
		return control.PoolStatus{HasHealthCheck: true}
	}
	return control.PoolStatus{Problem: fmt.Sprintf("there is no pool %s/%s", provider, pool)}
}

func (*testPlatform) AccessList(provider, list string) control.ListStatus {
	if provider == "files" && list == "web" {
		return control.ListStatus{}
	}
	return control.ListStatus{Problem: fmt.Sprintf("list %s/%s cannot be written", provider, list)}
}

// Machine knows m-1 to m-3, one that does not run and one of another cluster.
func (*testPlatform) Machine(provider, machineID string) control.MachineStatus {
	m := control.MachineStatus{ID: machineID, CreateTime: 1, Running: true}
	switch machineID {
	case "m-1", "m-2", "m-3":
		m.Addresses = []string{"10.1.0." + machineID[2:]}
		return m
	case "stopped":
		m.Running = false
		return m
	case "foreign":
		m.Cluster = "other"
		return m
	}
	return control.MachineStatus{Reason: autoscaling.NotFound, Problem: "provider " + provider + " has no machine " + machineID}
}

func (*testPlatform) HasCompute(provider string) bool { return provider == "sim" }

func (*testPlatform) HasMetricSource(name string) bool { return name == "push" || name == "provider" }

func (*testPlatform) Load(autoscaling.InstanceID) (float64, bool) { return 0, false }

// testSamples keeps what it is given.
type testSamples struct {
	mu    sync.Mutex
	batch []Sample
	query SampleQuery
	err   error
}

func (s *testSamples) Put(_ context.Context, _ autoscaling.UID, batch []Sample) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch = append(s.batch, batch...)
	return len(batch), s.err
}

func (s *testSamples) Query(_ autoscaling.UID, q SampleQuery) ([]Point, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.query = q
	return []Point{{Time: q.From, Value: 1.5, Samples: 2}}, s.err
}

func (s *testSamples) taken() []Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batch
}
