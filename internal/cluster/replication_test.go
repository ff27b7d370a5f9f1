package cluster_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// faultyLogs is a log store whose writes fail, late, while it is told so.
type faultyLogs struct {
	raft.LogStore
	failing atomic.Bool
	failed  atomic.Int64
}

func (f *faultyLogs) StoreLogs(logs []*raft.Log) error {
	if f.failing.Load() {
		time.Sleep(300 * time.Millisecond) // more messages are in flight by then
		f.failed.Add(1)
		return errors.New("no space left on device")
	}
	return f.LogStore.StoreLogs(logs)
}

func (f *faultyLogs) StoreLog(log *raft.Log) error { return f.StoreLogs([]*raft.Log{log}) }

// withFaultyLogs makes a cluster whose log stores can be told to fail, by node.
func withFaultyLogs(t *testing.T) (*clustertest.Cluster, map[string]*faultyLogs) {
	stores := map[string]*faultyLogs{}
	c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
		if stores[cfg.NodeID] == nil {
			stores[cfg.NodeID] = &faultyLogs{LogStore: cfg.Storage.Logs}
			cfg.Storage.Logs = stores[cfg.NodeID]
		}
	}})
	return c, stores
}

// One append that fails while others are in flight must not end the replication
// to that follower (hashicorp/raft#612).
func TestAFollowerThatFailedToAppendCatchesUp(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, stores := withFaultyLogs(t)
		c.Write(put("x", "1"))
		c.WaitApplied()
		time.Sleep(time.Second)
		leader, follower, other := c.Leader(), c.Followers()[0], c.Followers()[1]
		before, _ := leader.Leader()

		// Raft picks one of two ways at random when the answer comes.
		for range 12 {
			failed := stores[follower.ID].failed.Load()
			stores[follower.ID].failing.Store(true)
			c.Eventually("an append has failed", func() bool {
				c.Write(put("x", "y"))
				return stores[follower.ID].failed.Load() > failed
			})
			stores[follower.ID].failing.Store(false)
			c.WaitApplied()
		}
		if after, _ := leader.Leader(); after != before {
			t.Errorf("from %+v to %+v", before, after)
		}
		c.Kill(other)
		c.Write(put("x", "with the follower that had failed"))
		c.Restart(other)
		c.EnsureSame()
	})
}

// hangingLogs is a log store whose writes wait while it is told so.
type hangingLogs struct {
	raft.LogStore
	gate atomic.Pointer[chan struct{}] // nil: writes go through
}

func (h *hangingLogs) hang() { gate := make(chan struct{}); h.gate.Store(&gate) }

func (h *hangingLogs) thaw() { close(*h.gate.Swap(nil)) }

func (h *hangingLogs) StoreLogs(logs []*raft.Log) error {
	if gate := h.gate.Load(); gate != nil {
		<-*gate
	}
	return h.LogStore.StoreLogs(logs)
}

func (h *hangingLogs) StoreLog(log *raft.Log) error { return h.StoreLogs([]*raft.Log{log}) }

// withHangingLogs makes a cluster whose log stores can be told to hang, by node.
func withHangingLogs(t *testing.T, nodes int) (*clustertest.Cluster, map[string]*hangingLogs) {
	stores := map[string]*hangingLogs{}
	c := clustertest.New(t, clustertest.Options{Nodes: nodes, Configure: func(cfg *cluster.Config) {
		if stores[cfg.NodeID] == nil {
			stores[cfg.NodeID] = &hangingLogs{LogStore: cfg.Storage.Logs}
			cfg.Storage.Logs = stores[cfg.NodeID]
		}
	}})
	return c, stores
}

func health(m, of *clustertest.Member) cluster.Health {
	for _, row := range m.Status().Nodes {
		if row.ID == of.ID {
			return row.Health
		}
	}
	return ""
}

func TestAFollowerIsHealthyOnlyWhileItFollows(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, stores := withHangingLogs(t, 3)
		c.Write(put("x", "1"))
		c.WaitApplied()
		leader, follower, other := c.Leader(), c.Followers()[0], c.Followers()[1]
		stores[follower.ID].hang()
		c.Write(put("x", "2"))
		time.Sleep(10 * time.Second)
		for _, m := range c.Members {
			if got := health(m, follower); got != cluster.Unhealthy {
				t.Errorf("%s says that %s is %s, one entry behind for 10 s", m.ID, follower.ID, got)
			}
			if got := health(m, other); got != cluster.Healthy {
				t.Errorf("%s says that %s is %s", m.ID, other.ID, got)
			}
		}
		if warnings := leader.Status().Warnings; len(warnings) == 0 || !strings.Contains(warnings[0], "node "+follower.ID+" ") {
			t.Errorf("the leader warns %q", warnings)
		}
		stores[follower.ID].thaw()
		c.WaitApplied()
		time.Sleep(5 * time.Second)
		for _, m := range c.Members {
			if got := health(m, follower); got != cluster.Healthy {
				t.Errorf("%s says that %s is %s, after it caught up", m.ID, follower.ID, got)
			}
			if warnings := m.Status().Warnings; len(warnings) > 0 {
				t.Errorf("%s still warns %q", m.ID, warnings)
			}
		}
	})
}
