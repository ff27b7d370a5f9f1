package cluster_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

func TestAKilledLeaderIsReplacedBeforeAnyTimeout(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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

// Whoever dies after it has returned must be missed by all, also at once.
func TestANodeThatReturnsIsSeenAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Leader()
		f := c.Followers()[0]
		c.Kill(f)
		time.Sleep(2*time.Minute + 20*time.Millisecond)
		c.Restart(f)
		start := time.Now()
		for _, m := range c.Members {
			c.Eventually(m.ID+" sees "+f.ID, func() bool {
				nodes := m.Status().Nodes
				return nodes[slices.IndexFunc(nodes, func(n cluster.NodeStatus) bool { return n.ID == f.ID })].Health == cluster.Healthy
			})
		}
		if took := time.Since(start); took > 20*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}

func TestAllNodesRestartAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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

func TestAStretchedClusterElectsAndStaysQuiet(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
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
