package cluster_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

func TestASkewedLeaderNeitherFiresNorFreezesDeadlines(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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

func TestReportsReachTheLeader(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
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
