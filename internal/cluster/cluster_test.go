package cluster_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
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
