package cluster_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// brokenDisk is a storage all of whose writes hang or fail while it is told so.
type brokenDisk struct {
	raft.LogStore
	raft.StableStore
	gate  atomic.Pointer[chan struct{}] // nil: writes do not hang
	fault atomic.Pointer[error]         // nil: they do not fail
}

func (b *brokenDisk) hang() { gate := make(chan struct{}); b.gate.Store(&gate) }
func (b *brokenDisk) thaw() { close(*b.gate.Swap(nil)) }

func (b *brokenDisk) fail(err error) { b.fault.Store(&err) }
func (b *brokenDisk) mend()          { b.fault.Store(nil) }

func (b *brokenDisk) write(f func() error) error {
	if gate := b.gate.Load(); gate != nil {
		<-*gate
	}
	if err := b.fault.Load(); err != nil {
		return *err
	}
	return f()
}

func (b *brokenDisk) StoreLog(log *raft.Log) error { return b.StoreLogs([]*raft.Log{log}) }

func (b *brokenDisk) StoreLogs(logs []*raft.Log) error {
	return b.write(func() error { return b.LogStore.StoreLogs(logs) })
}

func (b *brokenDisk) DeleteRange(from, to uint64) error {
	return b.write(func() error { return b.LogStore.DeleteRange(from, to) })
}

func (b *brokenDisk) Set(key, value []byte) error {
	return b.write(func() error { return b.StableStore.Set(key, value) })
}

func (b *brokenDisk) SetUint64(key []byte, value uint64) error {
	return b.write(func() error { return b.StableStore.SetUint64(key, value) })
}

// withBrokenDisks makes a cluster whose disks can be told to hang or fail, by node.
func withBrokenDisks(t *testing.T, nodes int) (*clustertest.Cluster, map[string]*brokenDisk) {
	disks := map[string]*brokenDisk{}
	c := clustertest.New(t, clustertest.Options{Nodes: nodes, Configure: func(cfg *cluster.Config) {
		if d := disks[cfg.NodeID]; d == nil {
			d = &brokenDisk{LogStore: cfg.Storage.Logs, StableStore: cfg.Storage.Stable}
			cfg.Storage.Logs, cfg.Storage.Stable, disks[cfg.NodeID] = d, d, d
		}
	}})
	c.Write(put("x", "1"))
	c.WaitApplied()
	time.Sleep(2 * time.Second)
	return c, disks
}

func wantNotReady(t *testing.T, m *clustertest.Member, reason string) {
	t.Helper()
	if ok, reasons := m.Ready(); ok || !strings.Contains(strings.Join(reasons, "; "), reason) {
		t.Errorf("%s is ready: %t, %q; want: %s", m.ID, ok, reasons, reason)
	}
}

func TestALeaderWhoseDiskHangsIsReplaced(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, disks := withBrokenDisks(t, 3)
		old := c.Leader()
		disks[old.ID].hang()
		start := time.Now()
		answer := make(chan error, 1)
		go func() { answer <- old.Do(context.Background(), put("x", "2")) }()
		wantReason(t, <-answer, autoscaling.OutcomeUnknown)
		next := c.Leader()
		if took := time.Since(start); next == old || took > 5*time.Second {
			t.Errorf("%s leads after %s", next.ID, took)
		}
		c.Write(put("y", "3"))
		if _, err := old.LinearizableView(context.Background()); err == nil {
			t.Error("the old leader serves linearizable reads")
		}
		wantReason(t, old.Do(context.Background(), put("x", "4")), autoscaling.NoLeader)
		time.Sleep(10 * time.Second)
		wantNotReady(t, old, "the disk does not answer")
		if old.Age() < 10*time.Second {
			t.Errorf("the state of %s counts as %s old", old.ID, old.Age())
		}
		if l, ok := old.Leader(); !ok || l.ID != next.ID || old.Status().Leader != next.ID {
			t.Errorf("%s says that %+v leads", old.ID, l)
		}
		if got := health(next, old); got != cluster.Unhealthy {
			t.Errorf("%s is %s", old.ID, got)
		}
		disks[old.ID].thaw()
		c.EnsureSame()
		c.Eventually("it is ready", func() bool { ok, _ := old.Ready(); return ok })
		if l := c.Leader(); l != next {
			t.Errorf("%s leads after the disk of %s has returned, %s did before", l.ID, old.ID, next.ID)
		}
	})
}

func TestAFollowerWhoseDiskHangsDisturbsNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, disks := withBrokenDisks(t, 3)
		leader, follower := c.Leader(), c.Followers()[0]
		before, _ := leader.Leader()
		disks[follower.ID].hang()
		for range 20 {
			c.Write(put("x", "2"))
			time.Sleep(500 * time.Millisecond)
		}
		wantNotReady(t, follower, "the disk does not answer")
		disks[follower.ID].thaw()
		c.EnsureSame()
		if after, _ := leader.Leader(); after != before {
			t.Errorf("from %+v to %+v", before, after)
		}
	})
}

// All nodes on one host may have one disk: muting would win nothing.
func TestAllDisksHangForAMoment(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		bubble.Test(t, func(t *testing.T) {
			c, disks := withBrokenDisks(t, nodes)
			before, _ := c.Leader().Leader()
			for _, d := range disks {
				d.hang()
			}
			answer := make(chan error, 1)
			leader := c.Leader()
			go func() { answer <- leader.Do(context.Background(), put("x", "2")) }()
			time.Sleep(5 * time.Second)
			for _, m := range c.Members {
				if !m.Running() {
					t.Errorf("%s has ended: %v", m.ID, c.Wait(m))
				}
			}
			for _, d := range disks {
				d.thaw()
			}
			if err := <-answer; err != nil {
				t.Errorf("the change that waited for the disks: %v", err)
			}
			c.EnsureSame()
			if after, _ := c.Leader().Leader(); after != before {
				t.Errorf("from %+v to %+v", before, after)
			}
		})
	}
}

func TestANodeWhoseWriteFailedServesOldReadsAndReturns(t *testing.T) {
	for name, who := range map[string]func(c *clustertest.Cluster) *clustertest.Member{
		"leader":   func(c *clustertest.Cluster) *clustertest.Member { return c.Leader() },
		"follower": func(c *clustertest.Cluster) *clustertest.Member { return c.Followers()[0] },
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				c, disks := withBrokenDisks(t, 3)
				m := who(c)
				disks[m.ID].fail(syscall.ENOSPC)
				start := time.Now()
				c.Write(put("x", "2"))
				if took := time.Since(start); took > time.Second {
					t.Errorf("a change took %s", took)
				}
				c.Eventually("it mutes", func() bool { ok, _ := m.Ready(); return !ok })
				time.Sleep(25 * time.Second)
				if !m.Running() {
					t.Fatalf("it has ended: %v", c.Wait(m))
				}
				wantNotReady(t, m, "no space left on device")
				if got := version(m.View(), "x"); got != "1" {
					t.Errorf("it serves x %q", got)
				}
				if m.Age() < 20*time.Second || m.AppliedIndex() == 0 {
					t.Errorf("its state counts as %s old, at entry %d", m.Age(), m.AppliedIndex())
				}
				before, _ := c.Leader().Leader()
				disks[m.ID].mend()
				time.Sleep(12 * time.Second)
				c.EnsureSame()
				if ok, reasons := m.Ready(); !ok {
					t.Errorf("it is not ready: %q", reasons)
				}
				if after, _ := c.Leader().Leader(); after != before {
					t.Errorf("from %+v to %+v", before, after)
				}
				c.Write(put("x", "3"))
				c.Restart(m)
				c.EnsureSame()
			})
		})
	}
}

// A term that cannot be written makes Raft panic. The node goes on without Raft.
func TestATermThatCannotBeWrittenDoesNotEndTheNode(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, disks := withBrokenDisks(t, 3)
		f := c.Followers()[0]
		disks[f.ID].fail(errors.New("input/output error"))
		if err := c.Leader().TransferLeadership(context.Background(), c.Followers()[1].ID); err != nil {
			t.Fatal(err)
		}
		c.Write(put("x", "2"))
		wantNotReady(t, f, "input/output error")
		if got := version(f.View(), "x"); got != "1" {
			t.Errorf("it serves x %q", got)
		}
		disks[f.ID].mend()
		time.Sleep(12 * time.Second)
		c.EnsureSame()
	})
}

func TestAllDisksFailForAMoment(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, disks := withBrokenDisks(t, 3)
		for _, d := range disks {
			d.fail(syscall.ENOSPC)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := c.Leader().Do(ctx, put("x", "2")); err == nil {
			t.Error("a change was acknowledged that no disk has")
		}
		time.Sleep(30 * time.Second)
		for _, d := range disks {
			d.mend()
		}
		c.Write(put("x", "3"))
		time.Sleep(20 * time.Second)
		c.EnsureSame()
	})
}
