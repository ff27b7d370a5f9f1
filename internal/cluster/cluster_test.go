package cluster_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// put writes a record that a test can find again.
func put(id, version string) func(tx *fsm.Tx) error {
	return func(tx *fsm.Tx) error {
		tx.PutNode(&autoscaling.Node{ID: id, Version: version})
		return nil
	}
}

func version(v fsm.View, id string) string {
	if n := v.Node(id); n != nil {
		return n.Version
	}
	return ""
}

func TestAWriteReachesEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Write(put("x", "1"))
		c.WaitApplied()
		for _, m := range c.Members {
			if got := version(m.View(), "x"); got != "1" {
				t.Errorf("node %s has %q", m.ID, got)
			}
		}
		v := c.Leader().View()
		if v.Cluster() == nil || v.Cluster().Name != "test" || v.Cluster().ID == "" || v.Cluster().Incarnation == "" {
			t.Errorf("cluster record %+v", v.Cluster())
		}
		c.EnsureSame()
	})
}

func TestAFollowerRefusesWritesAndLinearizableReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		f := c.Followers()[0]
		called := false
		err := f.Do(context.Background(), func(*fsm.Tx) error { called = true; return nil })
		wantReason(t, err, autoscaling.NoLeader)
		if called {
			t.Error("the function was called")
		}
		_, err = f.LinearizableView(context.Background())
		wantReason(t, err, autoscaling.NoLeader)
	})
}

func TestAKilledLeaderIsReplacedBeforeAnyTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		old := c.Leader()
		c.Write(put("x", "1"))
		time.Sleep(3 * time.Second) // an idle cluster in its steady state
		start := time.Now()
		c.Kill(old)
		next := c.Leader()
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("a new leader after %s", took)
		}
		if got := version(next.View(), "x"); got != "1" {
			t.Errorf("acknowledged write is %q", got)
		}
		c.Write(put("x", "2"))
		c.Restart(old)
		c.EnsureSame()
	})
}

func TestAPartitionedLeaderIsReplacedAndServesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		old := c.Leader()
		c.Write(put("x", "1"))
		c.WaitApplied()
		start := time.Now()
		c.Partition(old)
		// It may still believe in itself: what it answers must not be old.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := old.LinearizableView(ctx); err == nil {
			t.Error("the cut-off leader answered a linearizable read")
		}
		err := old.Do(ctx, put("x", "lost"))
		if err == nil {
			t.Error("the cut-off leader acknowledged a write")
		}
		next := c.Leader()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("a new leader after %s", took)
		}
		if next == old {
			t.Fatal("the old leader still leads")
		}
		c.Write(put("x", "2"))
		c.Heal()
		c.EnsureSame()
		if got := version(old.View(), "x"); got != "2" {
			t.Errorf("the old leader has %q", got)
		}
	})
}

func TestAWriteCaughtByAPartitionHasAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		old := c.Leader()
		answer := make(chan error, 1)
		c.Partition(old)
		go func() { answer <- old.Do(context.Background(), put("x", "1")) }()
		wantReason(t, <-answer, autoscaling.OutcomeUnknown)
		c.Heal()
		c.EnsureSame()
	})
}

func TestABrokenLinkToALiveLeaderCausesNoElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		leader := c.Leader()
		for _, f := range c.Followers() {
			before, _ := leader.Leader()
			c.Network.Break(f.ID, leader.ID)
			time.Sleep(time.Minute)
			c.Write(put("x", f.ID))
			after, ok := leader.Leader()
			if !ok || after.ID != leader.ID || after.Term != before.Term {
				t.Errorf("from %+v to %+v", before, after)
			}
			// Not even when nothing at all passes between the two.
			c.Network.Break(leader.ID, f.ID)
			time.Sleep(time.Minute)
			after, ok = leader.Leader()
			if !ok || after.ID != leader.ID || after.Term != before.Term {
				t.Errorf("from %+v to %+v", before, after)
			}
			c.Heal()
			c.EnsureSame()
		}
	})
}

func TestADeadFollowerCausesNoElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		leader := c.Leader()
		before, _ := leader.Leader()
		f := c.Followers()[0]
		c.Kill(f)
		time.Sleep(time.Minute)
		c.Write(put("x", "1"))
		c.Restart(f)
		time.Sleep(time.Minute)
		c.EnsureSame()
		if after, _ := leader.Leader(); after != before {
			t.Errorf("from %+v to %+v", before, after)
		}
	})
}

func TestANodeThatReturnsCatchesUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		f := c.Followers()[0]
		c.Kill(f)
		time.Sleep(2 * time.Minute)
		c.Write(put("x", "1"))
		c.Restart(f)
		start := time.Now()
		c.WaitApplied()
		if took := time.Since(start); took > 500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}

func TestAllNodesRestartAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Write(put("x", "1"))
		id := c.Leader().View().Cluster().ID
		for _, m := range c.Members {
			c.Kill(m)
		}
		for _, m := range c.Members {
			c.Restart(m)
		}
		c.EnsureSame()
		v := c.Leader().View()
		if version(v, "x") != "1" || v.Cluster().ID != id {
			t.Errorf("x is %q, the cluster %s", version(v, "x"), v.Cluster().ID)
		}
	})
}

func TestRollingRestartLosesNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		for i, m := range c.Members {
			c.Write(put("x", m.ID))
			c.Restart(m)
			c.EnsureSame()
			if got := version(c.Leader().View(), "x"); got != m.ID {
				t.Errorf("restart %d: x is %q", i, got)
			}
		}
	})
}

func TestLeadershipIsTransferredOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		for range 4 {
			old, to := c.Leader(), c.Followers()[0]
			c.Write(put("x", to.ID))
			start := time.Now()
			if err := old.TransferLeadership(context.Background(), to.ID); err != nil {
				t.Fatal(err)
			}
			if next := c.Leader(); next != to {
				t.Errorf("%s leads, want %s", next.ID, to.ID)
			}
			if took := time.Since(start); took > 50*time.Millisecond {
				t.Errorf("it took %s", took)
			}
			if got := version(to.View(), "x"); got != to.ID {
				t.Errorf("x is %q", got)
			}
		}
	})
}

func TestATransferThatCannotBeIsRefusedAndChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		leader, f := c.Leader(), c.Followers()[0]
		before, _ := leader.Leader()
		ctx := context.Background()
		wantReason(t, leader.TransferLeadership(ctx, "n9"), autoscaling.NotFound)
		wantReason(t, f.TransferLeadership(ctx, leader.ID), autoscaling.NoLeader)
		c.Kill(f)
		time.Sleep(5 * time.Second)
		wantReason(t, leader.TransferLeadership(ctx, f.ID), autoscaling.WrongState)
		if err := leader.TransferLeadership(ctx, leader.ID); err != nil {
			t.Error(err)
		}
		c.Write(put("x", "1"))
		if after, _ := leader.Leader(); after != before {
			t.Errorf("from %+v to %+v", before, after)
		}
	})
}

func TestWritesAreHeldDuringATransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		leader, f := c.Leader(), c.Followers()[0]
		time.Sleep(time.Second)
		c.Partition(f) // the transfer waits for it, in vain
		time.Sleep(3 * time.Second)
		transferred := make(chan error, 1)
		go func() { transferred <- leader.TransferLeadership(context.Background(), f.ID) }()
		synctest.Wait()
		written := make(chan error, 1)
		go func() { written <- leader.Do(context.Background(), put("x", "1")) }()
		synctest.Wait()
		select {
		case err := <-written:
			t.Errorf("not held: %v", err)
		default:
		}
		wantReason(t, <-transferred, autoscaling.WrongState)
		if err := <-written; err != nil {
			t.Errorf("held and then refused: %v", err)
		}
	})
}

func TestASkewedLeaderNeitherFiresNorFreezesDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Skew: map[string]time.Duration{"n1": time.Hour}})
		ahead := c.Members[0]
		stamp := func() autoscaling.Time {
			var now autoscaling.Time
			c.Write(func(tx *fsm.Tx) error { now = tx.Now(); return put("x", now.String())(tx) })
			return now
		}
		lead := func(m *clustertest.Member) {
			t.Helper()
			for l := c.Leader(); l != m; l = c.Leader() {
				if err := l.TransferLeadership(context.Background(), m.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		lead(c.Members[1])
		time.Sleep(5 * time.Second)
		first, start := stamp(), time.Now()
		check := func(what string) {
			t.Helper()
			passed, want := stamp().Sub(first), time.Since(start)
			if passed < want*9/10-time.Second || passed > want+time.Second {
				t.Errorf("%s: %s passed in replicated time, %s in truth", what, passed, want)
			}
		}
		time.Sleep(2 * time.Minute)
		check("before")
		lead(ahead)
		check("with the leader that is ahead")
		time.Sleep(2 * time.Minute)
		check("later")
		c.Kill(ahead)
		check("after its death")
		time.Sleep(2 * time.Minute)
		check("long after its death")
		c.Restart(ahead)
		lead(ahead)
		check("with it again")
	})
}

func TestClockSkewAndDifferentProvidersAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{
			Skew: map[string]time.Duration{"n1": 2500 * time.Millisecond},
			Configure: func(cfg *cluster.Config) {
				cfg.Record.ProvidersDigest = "same"
				if cfg.NodeID == "n3" {
					cfg.Record.ProvidersDigest = "other"
				}
			},
		})
		c.Leader()
		time.Sleep(2 * time.Second)
		want := []string{
			"the clocks of the nodes differ: n1 is ahead of n2 by 2.5s",
			"the providers of the nodes n1 and n3 are configured differently",
		}
		for _, m := range c.Members {
			if got := m.Status().Warnings; !slices.Equal(got, want) {
				t.Errorf("%s warns %q", m.ID, got)
			}
		}
	})
}

func TestStatusAndReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		if ok, reasons := c.Members[0].Ready(); ok || len(reasons) == 0 {
			t.Error("ready before there is a leader")
		}
		leader := c.Leader()
		f, dead := c.Followers()[0], c.Followers()[1]
		c.WaitApplied()
		time.Sleep(2 * time.Second)
		for _, m := range c.Members {
			if ok, reasons := m.Ready(); !ok {
				t.Errorf("%s is not ready: %q", m.ID, reasons)
			}
			if l, ok := m.Leader(); !ok || l.ID != leader.ID || l.GRPCAddress != leader.ID+":7400" {
				t.Errorf("%s says %+v leads", m.ID, l)
			}
			s := m.Status()
			if s.Leader != leader.ID || len(s.Nodes) != 3 || s.ClusterID == "" || s.ClusterName != "test" || s.Warnings != nil {
				t.Errorf("status of %s: %+v", m.ID, s)
			}
			for _, n := range s.Nodes {
				role := cluster.RoleFollower
				if n.ID == leader.ID {
					role = cluster.RoleLeader
				}
				if n.Role != role || n.Health != cluster.Healthy || n.HTTPAddress != n.ID+":7480" ||
					n.RaftAddress != n.ID+":7490" || n.Version != "test" || n.AppliedIndex == 0 || n.LastContact.IsZero() {
					t.Errorf("status of %s, by %s: %+v", n.ID, m.ID, n)
				}
			}
			if r := leader.View().Node(m.ID); r == nil || r.GRPCAddress != m.ID+":7400" || r.RaftAddress != m.Address {
				t.Errorf("record of %s: %+v", m.ID, r)
			}
		}
		c.Kill(dead)
		time.Sleep(5 * time.Second)
		for _, n := range f.Status().Nodes {
			want := cluster.Healthy
			if n.ID == dead.ID {
				want = cluster.Unhealthy
			}
			if n.Health != want {
				t.Errorf("%s is %s", n.ID, n.Health)
			}
		}
		c.Partition(f)
		time.Sleep(5 * time.Second)
		if ok, reasons := f.Ready(); ok {
			t.Errorf("ready without a leader: %q", reasons)
		}
		if _, ok := f.Leader(); ok {
			t.Error("it still knows a leader")
		}
	})
}

func TestLeadIsCalledOncePerTermAndWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := map[string]int{}, 0 // of one node: another may lead before a deposed one knows
		var terms []uint64
		c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
			id := cfg.NodeID
			cfg.Lead = func(ctx context.Context, l cluster.Leadership) error {
				mu.Lock()
				running[id]++
				most = max(most, running[id])
				terms = append(terms, l.Term)
				mu.Unlock()
				<-ctx.Done()
				mu.Lock()
				running[id]--
				mu.Unlock()
				return nil
			}
		}})
		for range 5 {
			to := c.Followers()[0]
			if err := c.Leader().TransferLeadership(context.Background(), to.ID); err != nil {
				t.Fatal(err)
			}
			c.Leader()
			time.Sleep(time.Second)
		}
		c.Stop()
		mu.Lock()
		defer mu.Unlock()
		if most != 1 {
			t.Errorf("%d at once", most)
		}
		for id, left := range running {
			if left != 0 {
				t.Errorf("%d are left on %s", left, id)
			}
		}
		if !slices.IsSorted(terms) || len(slices.Compact(slices.Clone(terms))) != len(terms) || len(terms) < 6 {
			t.Errorf("terms %v", terms)
		}
	})
}

func TestALeaderWhoseWorkFailsHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
			good := cfg.NodeID == "n2"
			cfg.Lead = func(ctx context.Context, _ cluster.Leadership) error {
				if good {
					<-ctx.Done()
					return nil
				}
				return errors.New("takeover failed")
			}
		}})
		c.Eventually("n2 leads", func() bool {
			l, ok := c.Members[1].Leader()
			return ok && l.ID == "n2"
		})
		time.Sleep(time.Minute)
		if l, _ := c.Members[1].Leader(); l.ID != "n2" {
			t.Errorf("%s leads", l.ID)
		}
	})
}

func TestASecondNodeWithTheSameIdIsTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Leader()
		for _, m := range c.Members {
			twin, err := cluster.New(cluster.Config{
				NodeID: m.ID, RaftAddr: "elsewhere:7490", AdvertiseRaft: m.Address, Storage: cluster.MemoryStorage(),
				InitialCluster: map[string]string{"n1": "n1:7490", "n2": "n2:7490", "n3": "n3:7490"},
				Network:        c.Network.Host("elsewhere"),
			})
			if err != nil {
				t.Fatal(err)
			}
			err = twin.Run(context.Background())
			if err == nil || !strings.Contains(err.Error(), "is in use by another process at "+m.Address) {
				t.Errorf("%v", err)
			}
		}
		c.EnsureSame()
	})
}

func TestAOneNodeClusterLeadsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := clustertest.New(t, clustertest.Options{Nodes: 1})
		c.Write(put("x", "1"))
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		c.Eventually("it is ready", func() bool { ok, _ := c.Members[0].Ready(); return ok })
	})
}

func TestReportsReachTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		open := map[string]int32{} // by node
		changed := map[string]chan struct{}{}
		c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
			id := cfg.NodeID
			mu.Lock()
			defer mu.Unlock()
			changed[id] = make(chan struct{}, 1)
			cfg.ReportsChanged = changed[id]
			cfg.Reports = func() []peer.Report {
				mu.Lock()
				defer mu.Unlock()
				if id == "n3" {
					return []peer.Report{{Pool: "other", Index: 1}}
				}
				return []peer.Report{{Pool: "web", Index: 7, Open: map[string]int32{"i-1": open[id]}}}
			}
		}})
		set := func(id string, n int32) {
			mu.Lock()
			open[id] = n
			mu.Unlock()
			changed[id] <- struct{}{}
		}
		check := func(want int32) {
			t.Helper()
			start := time.Now()
			c.Eventually("the reports are there", func() bool {
				r := c.Leader().Reports("web")
				return len(r) == 2 && r[0].Node == "n1" && r[1].Node == "n2" && r[0].Reported && r[1].Reported &&
					r[0].Reachable && r[1].Reachable && r[0].Open["i-1"] == want && r[1].Open["i-1"] == want && r[0].Index == 7
			})
			if took := time.Since(start); took > 300*time.Millisecond {
				t.Errorf("it took %s", took)
			}
		}
		c.Leader()
		check(0)
		for i := range int32(3) {
			set("n1", i+1)
			set("n2", i+1)
			check(i + 1)
			if err := c.Leader().TransferLeadership(context.Background(), c.Followers()[0].ID); err != nil {
				t.Fatal(err)
			}
			check(i + 1) // the next leader has them, too
		}
		l := c.Leader()
		for _, f := range c.Followers() {
			if f.ID != "n3" {
				c.Kill(f)
				time.Sleep(time.Second)
				for _, r := range l.Reports("web") {
					if r.Node == f.ID && r.Reachable {
						t.Errorf("%s is dead and reachable", f.ID)
					}
				}
			}
		}
	})
}

func TestAStretchedClusterElectsAndStaysQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) { cfg.Pace = 10 }})
		before, _ := c.Leader().Leader()
		time.Sleep(time.Hour)
		if after, _ := c.Leader().Leader(); after != before {
			t.Errorf("from %+v to %+v", before, after)
		}
		c.Write(put("x", "1"))
		c.Kill(c.Leader())
		c.Write(put("x", "2"))
	})
}
