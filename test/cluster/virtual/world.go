package virtual

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
	"github.com/asctl/as/internal/scheduler"
)

// The names under which the nodes know the outside.
const (
	CloudName    = "sim"
	BalancerName = "edge"
	ListsName    = "files"
)

// Options say what kind of world is made.
type Options struct {
	Cloud  sim.Config
	Limits scheduler.Limits
	// Latency is what each call to the outside takes, half before it has its
	// effect and half after; default 4 ms.
	Latency time.Duration
	// CheckDelay is how long a new target takes to pass its first check; default 50 ms.
	CheckDelay time.Duration
	// DrainTime is how long a draining target has open requests; default 200 ms.
	DrainTime time.Duration
	// Pace stretches the cluster's own intervals and time-outs: see cluster.Config.
	Pace int
	// Lenient worlds have nobody to lead, or a balancer that does not answer, for
	// longer than the service waits for a drain: machines may be stopped while they
	// get traffic, unless the state says that they do not.
	Lenient bool
}

// World is a cluster and everything around it. The verbs of clustertest.Cluster
// are its own.
type World struct {
	*clustertest.Cluster
	Cloud *sim.Cloud
	Lists *Lists
	Pools *Pools
	Books *Ledger
	// Receivers are where notifications go.
	Receivers *Receivers
	Ops       control.Operations

	t      testing.TB
	opts   Options
	ready  chan struct{} // closed when Cluster is set
	id     string        // of the cluster
	clocks map[string]*atomic.Int64
	faults faults
	wire   atomic.Pointer[Tripwire]

	mu       sync.Mutex
	runs     map[string]*run // by node: the one that runs, or ran last
	all      []*run
	storage  map[string]*cluster.Storage // by node, over all its runs
	requests int
	accepted []string // ids of requests that were acknowledged

	story story
}

// New makes a world in the bubble that it is called in; it ends with the test.
func New(t testing.TB, opts Options) *World {
	t.Helper()
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&opts.Latency, 4*time.Millisecond)
	set(&opts.CheckDelay, 50*time.Millisecond)
	set(&opts.DrainTime, 200*time.Millisecond)
	cloud, err := sim.NewCloud(opts.Cloud)
	if err != nil {
		t.Fatal(err)
	}
	w := &World{
		Cloud: cloud, t: t, opts: opts,
		ready:  make(chan struct{}),
		clocks: map[string]*atomic.Int64{"n1": {}, "n2": {}, "n3": {}},
		runs:   map[string]*run{}, storage: map[string]*cluster.Storage{},
		story: newStory(),
	}
	w.Books = newLedger(opts.Lenient, w.machineState)
	w.Receivers = newReceivers()
	w.Lists = NewLists("db", "cache")
	w.Pools = NewPools(PoolsConfig{
		CheckDelay: opts.CheckDelay, DrainTime: opts.DrainTime, Alive: w.Books.answers,
	}, "web", "api")
	w.Ops = control.Operations{Platform: platform{w}}
	t.Cleanup(func() { w.Advance(time.Minute) }) // last: what is still on its way arrives
	w.Cluster = clustertest.New(t, clustertest.Options{Configure: w.configure})
	t.Cleanup(w.release)
	close(w.ready)
	w.Within(patience, "the cluster has its record", func() bool { return w.Leader().View().Cluster() != nil })
	w.id = string(w.Leader().View().Cluster().ID)
	return w
}

// release lets go of what a frozen or killed node still holds.
func (w *World) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.all {
		close(r.gate.over)
		r.gate.open()
	}
}

// configure makes a node's next run out of its configuration.
func (w *World) configure(cfg *cluster.Config) {
	skew := w.clocks[cfg.NodeID]
	cfg.Clock = func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
	r := newRun(w, cfg.NodeID, cfg.Logger)
	w.mu.Lock()
	w.runs[cfg.NodeID] = r
	w.all = append(w.all, r)
	w.storage[cfg.NodeID] = cfg.Storage
	w.mu.Unlock()
	cfg.Lead, cfg.Parcel, cfg.Pace = r.lead, r.parcel, w.opts.Pace
}

// machineState is what the cloud itself says.
func (w *World) machineState(instance string) providers.MachineState {
	for _, m := range w.machines() {
		if m.Instance == instance {
			return m.State
		}
	}
	return ""
}

// machines are the cluster's, as the cloud itself lists them.
func (w *World) machines() []providers.Machine {
	listing, err := w.Cloud.List(context.Background(), w.id)
	if err != nil {
		panic(err) // tests refuse calls by Refuse, which the cloud does not know of
	}
	return listing.Machines
}

func (w *World) run(m *clustertest.Member) *run {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.runs[m.ID]
}

// Member is the node of that id.
func (w *World) Member(id string) *clustertest.Member {
	for _, m := range w.Members {
		if m.ID == id {
			return m
		}
	}
	w.t.Fatalf("there is no node %s", id)
	return nil
}

// Kill ends a node without a farewell: what it was about to do outside is not
// done, what it was told is lost. Its storage stays.
func (w *World) Kill(m *clustertest.Member) {
	w.t.Helper()
	w.run(m).gate.shut()
	w.Cluster.Kill(m)
}

// Freeze stops a node where it stands: nothing of it gets out, its calls to the
// outside neither begin nor are given up.
func (w *World) Freeze(m *clustertest.Member) {
	w.t.Helper()
	w.run(m).gate.hold()
	w.Partition(m)
}

// Thaw ends Freeze, and every partition: the calls that were held reach the
// outside now, as late as they are.
func (w *World) Thaw(m *clustertest.Member) {
	w.t.Helper()
	w.Heal()
	w.run(m).gate.open()
}

// SetClock sets a node's wall clock ahead of (or behind) the true time.
func (w *World) SetClock(m *clustertest.Member, ahead time.Duration) {
	w.clocks[m.ID].Store(int64(ahead))
}

// Leader waits for a node that leads and proves it. It is more patient than that
// of clustertest: the pace may be slow.
func (w *World) Leader() *clustertest.Member {
	w.t.Helper()
	var leader *clustertest.Member
	if !w.comes(patience, func() bool { leader = w.leader(); return leader != nil }) {
		w.fail("nobody leads")
	}
	return leader
}

func (w *World) leader() *clustertest.Member {
	for _, m := range w.Members {
		if !m.Running() {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := m.LinearizableView(ctx)
		cancel()
		if err == nil {
			return m
		}
	}
	return nil
}

// Followers are the running nodes besides the leader.
func (w *World) Followers() []*clustertest.Member {
	w.t.Helper()
	leader := w.Leader()
	return slices.DeleteFunc(slices.Clone(w.Members), func(m *clustertest.Member) bool { return m == leader || !m.Running() })
}

// Advance lets time pass.
func (w *World) Advance(d time.Duration) { <-time.After(d) }

// Within waits until the condition holds and fails the test when it does not
// come to hold.
func (w *World) Within(d time.Duration, what string, condition func() bool) {
	w.t.Helper()
	if !w.comes(d, condition) {
		w.fail("it did not come about within %s that %s", d, what)
	}
}

// comes says whether the condition came to hold.
func (w *World) comes(d time.Duration, condition func() bool) bool {
	end := time.Now().Add(d)
	for pause := 5 * time.Millisecond; !condition(); pause = min(2*pause, time.Second) {
		if time.Now().After(end) {
			return false
		}
		w.Advance(pause)
	}
	return true
}

// RestartAll starts every node again that does not run.
func (w *World) RestartAll() {
	w.t.Helper()
	for _, m := range w.Members {
		if !m.Running() {
			w.Restart(m)
		}
	}
}
