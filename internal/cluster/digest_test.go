package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// withDigests makes a cluster that compares its states every five seconds.
func withDigests(t *testing.T, configure func(cfg *cluster.Config)) *clustertest.Cluster {
	c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
		cfg.DigestEvery = 5 * time.Second
		if configure != nil {
			configure(cfg)
		}
	}})
	for _, id := range []string{"x", "y", "z"} {
		c.Write(put(id, "1"))
	}
	c.WaitApplied()
	return c
}

// alter changes a record in the memory of one member, as a flipped bit does.
func alter(m *clustertest.Member, value string) {
	m.Digest() // what was taken before is ordered before it
	m.View().Node("x").Version = value
	m.Digest()
}

// warned reports whether the member's status has a warning with the text.
func warned(m *clustertest.Member, text string) bool {
	return strings.Contains(strings.Join(m.Status().Warnings, "\n"), text)
}

func wantOdd(t *testing.T, c *clustertest.Cluster, m *clustertest.Member) {
	t.Helper()
	var differs *cluster.StateDiffersError
	if err := c.Wait(m); !errors.As(err, &differs) || differs.Cause != nil ||
		!strings.Contains(err.Error(), fmt.Sprintf("the state of node %q", m.ID)) {
		t.Fatalf("%s ended with %v", m.ID, err)
	}
}

func TestANodeWhoseStateDiffersEndsAndComesBackWithoutItsData(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := withDigests(t, nil)
		leader, odd := c.Leader(), c.Followers()[0]
		alter(odd, "flipped")
		c.Write(put("w", "2"))
		wantOdd(t, c, odd)
		if c.Leader() != leader || !c.Followers()[0].Running() {
			t.Error("another node was touched")
		}
		c.Write(put("w", "3"))

		// While no leader is there its data is kept and not read.
		c.Shutdown(leader)
		c.Start(odd)
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if odd.View().Node("x") != nil {
				t.Fatal("it serves the state of before")
			}
		}
		says(t, odd, "differs from that of 2 of the 3 voters")
		c.Start(leader)
		c.Eventually("it has the others' state", func() bool { return version(odd.View(), "x") == "1" })
		voters(c, 3)
		c.EnsureSame()
	})
}

// On real directories.
func TestTheDataOfANodeWhoseStateDiffersIsKeptUntilItVotesAgain(t *testing.T) {
	dirs := map[string]string{}
	c := clustertest.New(t, clustertest.Options{TCP: true, Configure: func(cfg *cluster.Config) {
		cfg.DigestEvery, dirs[cfg.NodeID] = time.Second, cfg.DataDir
	}})
	c.Write(put("x", "1"))
	c.WaitApplied()
	odd := c.Followers()[0]
	alter(odd, "flipped")
	c.Write(put("w", "2"))
	wantOdd(t, c, odd)
	if _, err := os.Stat(dirs[odd.ID] + "/raft.db"); err != nil {
		t.Errorf("its data is gone: %v", err)
	}
	c.Start(odd)
	c.Eventually("it has the others' state", func() bool { return version(odd.View(), "x") == "1" && version(odd.View(), "w") == "2" })
	c.Eventually("what was set aside is removed", func() bool {
		aside, err := filepath.Glob(dirs[odd.ID] + "/damaged-*")
		ok, _ := odd.Ready()
		return err == nil && len(aside) == 0 && ok
	})
	c.EnsureSame()
}

func TestALeaderWhoseStateDiffersDoesNothingMore(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := withDigests(t, nil)
		odd := c.Leader()
		alter(odd, "flipped")
		c.Write(put("w", "2"))
		wantOdd(t, c, odd)
		c.Write(put("w", "3"))
		if next := c.Leader(); next == odd {
			t.Error("it leads")
		}
		c.Start(odd)
		c.Eventually("it has the others' state", func() bool { return version(odd.View(), "x") == "1" })
		voters(c, 3)
		c.EnsureSame()
	})
}

func TestStatesThatDifferWithoutAMajorityAreReported(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := withDigests(t, nil)
		followers := c.Followers()
		alter(followers[0], "flipped")
		alter(followers[1], "flipped too")
		c.Write(put("w", "2"))
		time.Sleep(20 * time.Second)
		for _, m := range c.Members {
			if !m.Running() || !warned(m, "no majority of the 3 voters agrees: n1 against n2 against n3") {
				t.Errorf("%s runs: %t; warnings %q", m.ID, m.Running(), m.Status().Warnings)
			}
			if got := m.Status().Conditions; len(got) != 1 || got[0].Type != cluster.ConditionStatesDiffer {
				t.Errorf("conditions of %s: %+v", m.ID, got)
			}
		}
		c.Write(put("w", "3"))
	})
}

// Two of three are a majority only together.
func TestOneStateAgainstOneWaitsForTheThird(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := withDigests(t, nil)
		odd, away := c.Followers()[0], c.Followers()[1]
		c.Shutdown(away)
		alter(odd, "flipped")
		c.Write(put("w", "2"))
		c.Eventually("that is reported", func() bool { return warned(c.Leader(), "start "+away.ID+", so that a majority can tell") })
		if time.Sleep(20 * time.Second); !odd.Running() {
			t.Fatal("it ended")
		}
		c.Start(away)
		wantOdd(t, c, odd)
	})
}

func TestNodesOfDifferentVersionsAreNotCompared(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := withDigests(t, func(cfg *cluster.Config) { cfg.Record.Version = "of " + cfg.NodeID })
		alter(c.Followers()[0], "flipped")
		c.Write(put("w", "2"))
		time.Sleep(20 * time.Second)
		for _, m := range c.Members {
			if m.Digest() == nil || !m.Running() || warned(m, "differ after log entry") {
				t.Errorf("%s runs: %t; warnings %q", m.ID, m.Running(), m.Status().Warnings)
			}
		}
	})
}

// history does random things to a cluster that compares its states all the time.
type history struct {
	*clustertest.Cluster
	t     *testing.T
	rand  *rand.Rand
	taken map[uint64]map[string]string // index → node → digest
}

// look notes the digests that are there, and fails when two differ.
func (h *history) look() {
	h.t.Helper()
	for _, m := range h.Members {
		d := m.Digest()
		if d == nil {
			continue
		}
		if h.taken[d.Index] == nil {
			h.taken[d.Index] = map[string]string{}
		}
		h.taken[d.Index][m.ID] = string(d.Sum)
		for id, sum := range h.taken[d.Index] {
			if sum != string(d.Sum) {
				h.t.Fatalf("%s and %s differ after entry %d", id, m.ID, d.Index)
			}
		}
		if warned(m, "differ") {
			h.t.Fatalf("%s: %q", m.ID, m.Status().Warnings)
		}
	}
}

func (h *history) step() {
	m := h.Members[h.rand.IntN(len(h.Members))]
	switch h.rand.IntN(8) {
	case 0:
		h.Restart(m)
	case 1:
		h.Kill(m)
		h.Wait(m)
		h.load(30)
		h.Start(m)
	case 2: // it comes back by a snapshot
		h.Shutdown(m)
		h.load(30)
		h.Wipe(m)
		h.Start(m)
		voters(h.Cluster, 2)
		voters(h.Cluster, 3)
	case 3:
		h.Partition(m)
		h.load(20)
		h.Heal()
	case 4:
		_ = h.Leader().TransferLeadership(context.Background(), "")
	case 5:
		if err := setTime(h.Cluster, true); err != nil {
			h.t.Log(err)
		}
	}
	h.Eventually("all nodes are ready", func() bool {
		for _, m := range h.Members {
			if ok, _ := m.Ready(); !ok {
				return false
			}
		}
		return true
	})
	h.load(h.rand.IntN(120))
	for range 20 {
		time.Sleep(100 * time.Millisecond)
		h.look()
	}
}

// load writes many changes at once.
func (h *history) load(changes int) {
	done, leader := make(chan struct{}), h.Leader()
	for w := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := w; i < changes; i += 4 {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				_ = leader.Do(ctx, put(fmt.Sprintf("k%d", i%37), fmt.Sprint(i)))
				cancel()
			}
		}()
	}
	for range 4 {
		<-done
	}
}

func TestDigestsAgreeOverRandomHistories(t *testing.T) {
	for seed := range uint64(2) {
		bubble.Test(t, func(t *testing.T) {
			h := &history{t: t, rand: rand.New(rand.NewPCG(7, seed)), taken: map[uint64]map[string]string{}}
			h.Cluster = withDigests(t, func(cfg *cluster.Config) { cfg.DigestEvery = time.Second })
			for range 10 {
				h.step()
			}
			h.EnsureSame()
			compared := 0
			for _, by := range h.taken {
				if len(by) == len(h.Members) {
					compared++
				}
			}
			if compared < 5 {
				t.Errorf("only %d digests were taken by all nodes", compared)
			}
		})
	}
}
