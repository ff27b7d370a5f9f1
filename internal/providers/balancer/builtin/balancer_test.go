package builtin

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/providers"
)

// nodes are the reports of a cluster, told by the test.
type nodes struct {
	mu      sync.Mutex
	reports map[string]NodeReport
	bell    bell
}

func (n *nodes) Reports(string) []NodeReport {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Values(n.reports))
}

func (n *nodes) Changed() <-chan struct{} { return n.bell.changed() }

func (n *nodes) report(r NodeReport) {
	n.mu.Lock()
	n.reports[r.Node] = r
	n.mu.Unlock()
	n.bell.ring()
}

func newTestBalancer(t *testing.T) (*Balancer, *nodes) {
	t.Helper()
	pools := map[string]PoolConfig{web: {Listen: "127.0.0.1:1"}}
	checker, err := NewChecker(pools)
	if err != nil {
		t.Fatal(err)
	}
	n := &nodes{reports: make(map[string]NodeReport)}
	return NewBalancer(pools, n, checker), n
}

func term(epoch uint64) providers.Fence {
	return providers.Fence{Cluster: "test", Incarnation: "first", Epoch: epoch}
}

func TestSetTargetsWaitsForReachableNodes(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		b, n := newTestBalancer(t)
		n.report(NodeReport{Node: "n1", Reachable: true, Index: 7})
		n.report(NodeReport{Node: "n2", Reachable: true, Index: 6})
		n.report(NodeReport{Node: "n3", Reachable: false, Index: 1})
		done := make(chan error, 1)
		go func() {
			done <- b.SetTargets(t.Context(), term(1), web, providers.TargetSet{Index: 7, Targets: []providers.Target{at(1)}})
		}()
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("did not wait for n2")
		}
		n.report(NodeReport{Node: "n3", Reachable: true, Index: 1}) // back, and behind
		n.report(NodeReport{Node: "n2", Reachable: true, Index: 8})
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("did not wait for n3")
		}
		n.report(NodeReport{Node: "n3", Reachable: false, Index: 1}) // gone for good
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSetTargetsSaysWhoIsBehind(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		b, n := newTestBalancer(t)
		n.report(NodeReport{Node: "n2", Reachable: true, Index: 6})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := b.SetTargets(ctx, term(1), web, providers.TargetSet{Index: 7})
		if providers.ClassOf(err) != providers.UnknownOutcome || err.Error() != "pool web: node n2 has not applied index 7: context deadline exceeded" {
			t.Errorf("%s: %v", providers.ClassOf(err), err)
		}
	})
}

func TestDeposedLeaderSetsNothing(t *testing.T) {
	b, _ := newTestBalancer(t)
	set := func(fence providers.Fence, index uint64, targets ...providers.Target) error {
		return b.SetTargets(t.Context(), fence, web, providers.TargetSet{Index: index, Targets: targets})
	}
	if err := set(term(5), 10, at(1)); err != nil {
		t.Fatal(err)
	}
	if err := set(term(4), 11); providers.ClassOf(err) != providers.StaleEpoch {
		t.Errorf("lower epoch: %v", err)
	}
	if err := set(term(5), 9); err != nil { // late, and overtaken
		t.Errorf("earlier index: %v", err)
	}
	if status, err := b.Status(t.Context(), web); err != nil || len(status) != 1 || status[0].Instance != at(1).Instance {
		t.Errorf("status %v, %v", status, err)
	}
	restored := providers.Fence{Cluster: "test", Incarnation: "second", Epoch: 1}
	if err := set(restored, 1); err != nil {
		t.Errorf("new incarnation: %v", err)
	}
	if status, err := b.Status(t.Context(), web); err != nil || len(status) != 0 {
		t.Errorf("status %v, %v", status, err)
	}
}

func TestStatusSumsWhatIsOpen(t *testing.T) {
	b, n := newTestBalancer(t)
	n.report(NodeReport{Node: "n1", Reachable: true, Index: 1, Open: map[string]int32{"i-1": 2, "i-9": 5}})
	n.report(NodeReport{Node: "n2", Reachable: true, Index: 1, Open: map[string]int32{"i-1": 3}})
	n.report(NodeReport{Node: "n3", Reachable: false, Index: 1, Open: map[string]int32{"i-1": 40}})
	if err := b.SetTargets(t.Context(), term(1), web, providers.TargetSet{Index: 1, Targets: []providers.Target{at(1), at(2)}}); err != nil {
		t.Fatal(err)
	}
	got, err := b.Status(t.Context(), web)
	want := []providers.TargetStatus{
		{Instance: "i-1", Health: providers.TargetUnknown, OpenRequests: 5},
		{Instance: "i-2", Health: providers.TargetUnknown},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestPoolsAreFoundWhereTheyAreServed(t *testing.T) {
	b, n := newTestBalancer(t)
	_, err := b.CheckPool(t.Context(), "other")
	if providers.ClassOf(err) != providers.NotFound {
		t.Errorf("unknown pool: %v", err)
	}
	if err := b.SetTargets(t.Context(), term(1), "other", providers.TargetSet{}); providers.ClassOf(err) != providers.NotFound {
		t.Errorf("set of an unknown pool: %v", err)
	}
	if _, err := b.Status(t.Context(), "other"); providers.ClassOf(err) != providers.NotFound {
		t.Errorf("status of an unknown pool: %v", err)
	}
	if _, err := b.CheckPool(t.Context(), web); providers.ClassOf(err) != providers.Unavailable {
		t.Errorf("pool that nobody serves: %v", err)
	}
	n.report(NodeReport{Node: "n1", Reachable: true})
	if pool, err := b.CheckPool(t.Context(), web); err != nil || !pool.HasHealthCheck {
		t.Errorf("%+v, %v", pool, err)
	}
}

// TestDrainEndToEnd is the whole way on one node: the leader's balancer, the
// node's server and a real target.
func TestDrainEndToEnd(t *testing.T) {
	s := serve(t, PoolConfig{})
	pools := map[string]PoolConfig{web: {Listen: s.Addr(web)}}
	checker, err := NewChecker(pools)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	checked := make(chan error)
	go func() { checked <- checker.Run(ctx) }()
	defer func() { cancel(); <-checked }()
	b := NewBalancer(pools, Alone(s, "n1"), checker)

	release := make(chan struct{})
	target := startBackend(t, "i-1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-release
		}
		named("i-1").ServeHTTP(w, r)
	}))
	awaitStatus := func(what string, holds func(providers.TargetStatus) bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for {
			wait := b.WatchStatus()
			status, err := b.Status(ctx, web)
			if err != nil {
				t.Fatal(err)
			}
			if len(status) == 1 && holds(status[0]) {
				return
			}
			if err := wait(ctx); err != nil {
				t.Fatalf("%s: %v, status %v", what, err, status)
			}
		}
	}
	apply := func(index uint64, target providers.Target) {
		t.Helper()
		set := providers.TargetSet{Index: index, Targets: []providers.Target{target}}
		go s.SetTargets(web, index, set.Targets) // the node applies it sooner or later
		if err := b.SetTargets(t.Context(), term(1), web, set); err != nil {
			t.Fatal(err)
		}
	}
	apply(1, target.target())
	awaitStatus("healthy", func(s providers.TargetStatus) bool { return s.Health == providers.TargetHealthy })
	slow := make(chan error)
	go func() {
		c := &client{addr: s.Addr(web)}
		defer c.close()
		answer, _, err := c.do(http.MethodPost, "x")
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("answer %s", answer.Status)
		}
		slow <- err
	}()
	soon(t, "it is open", func() bool { return open(s, "i-1") == 1 })
	apply(2, target.draining())
	awaitStatus("open", func(s providers.TargetStatus) bool { return s.OpenRequests == 1 })
	close(release)
	awaitStatus("drained", func(s providers.TargetStatus) bool { return s.OpenRequests == 0 })
	if err := <-slow; err != nil {
		t.Error(err)
	}
	go s.SetApplied(3)
	if err := b.SetTargets(t.Context(), term(1), web, providers.TargetSet{Index: 3}); err != nil {
		t.Error(err)
	}
}
