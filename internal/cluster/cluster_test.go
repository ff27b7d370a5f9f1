package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
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
	bubble.Test(t, func(t *testing.T) {
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
	bubble.Test(t, func(t *testing.T) {
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

func TestASecondNodeWithTheSameIdIsTurnedAway(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Leader()
		for _, m := range c.Members {
			twin, err := cluster.New(cluster.Config{
				NodeID: m.ID, RaftAddr: "elsewhere:7490", AdvertiseRaft: m.Address, Storage: cluster.MemoryStorage(), Secrets: clustertest.Secrets,
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
	bubble.Test(t, func(t *testing.T) {
		start := time.Now()
		c := clustertest.New(t, clustertest.Options{Nodes: 1})
		c.Write(put("x", "1"))
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		c.Eventually("it is ready", func() bool { ok, _ := c.Members[0].Ready(); return ok })
	})
}
