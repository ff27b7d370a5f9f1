package cluster_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// leaderless reports an error when any member serves within the time.
func leaderless(t *testing.T, c *clustertest.Cluster, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, m := range c.Members {
			if !m.Running() {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			if m.Do(ctx, put("y", "lost")) == nil {
				t.Fatalf("%s acknowledged a write", m.ID)
			}
			if _, err := m.LinearizableView(ctx); err == nil {
				t.Fatalf("%s answered a linearizable read", m.ID)
			}
			cancel()
		}
	}
}

// says waits until a member's readiness has a reason with the text.
func says(t *testing.T, m *clustertest.Member, text string) {
	t.Helper()
	var got []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_, got = m.Ready()
		if slices.ContainsFunc(got, func(r string) bool { return strings.Contains(r, text) }) {
			return
		}
	}
	t.Fatalf("%s says %q, want %q in it", m.ID, got, text)
}

// voters waits until all running members have as many voters in their status.
func voters(c *clustertest.Cluster, want int) {
	c.Eventually("all nodes vote", func() bool {
		for _, m := range c.Members {
			if !m.Running() {
				continue
			}
			votes := 0
			for _, row := range m.Status().Nodes {
				if row.Voter {
					votes++
				}
			}
			if votes != want {
				return false
			}
		}
		return true
	})
}

func TestAWipedNodeComesBackAndVotesAgain(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Write(put("x", "1"))
		leader := c.Leader()
		wiped := c.Followers()[0]
		c.Kill(wiped)
		c.Wait(wiped)
		c.Wipe(wiped)
		c.Write(put("x", "2"))
		c.Start(wiped)
		voters(c, 2)
		if text := strings.Join(leader.Status().Warnings, "\n"); !strings.Contains(text, "may lose 0 nodes") {
			t.Errorf("warnings %q", text)
		}
		voters(c, 3)
		c.EnsureSame()
		if got := version(wiped.View(), "x"); got != "2" {
			t.Errorf("the wiped node has %q", got)
		}
		c.Kill(leader)
		c.Write(put("x", "3"))
	})
}

// The reproduction of the review: what L and A acknowledged while B was away is
// lost if A, which forgot it, elects B.
func TestAWipedNodeElectsNobody(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Write(put("x", "1"))
		l := c.Leader()
		followers := c.Followers()
		a, b := followers[0], followers[1]
		c.Kill(b)
		c.Write(put("x", "2"))
		c.Shutdown(a)
		c.Kill(l)
		c.Wait(l)
		c.Wipe(a)
		c.Start(a)
		c.Start(b)
		leaderless(t, c, 20*time.Second)
		says(t, a, "has no data of cluster")
		says(t, a, "no leader without the data of 2 of the 3 voters; "+b.ID+" has it; "+a.ID+" lost it; "+l.ID+" cannot be reached. Start "+l.ID)
		c.Start(l)
		voters(c, 3)
		c.EnsureSame()
		if got := version(b.View(), "x"); got != "2" {
			t.Errorf("acknowledged write is %q", got)
		}
	})
}

func TestANodeWithAnOlderCopyElectsNobodyAndComesBack(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Write(put("x", "1"))
		c.WaitApplied()
		l := c.Leader()
		followers := c.Followers()
		a, b := followers[0], followers[1]
		c.Shutdown(a)
		older := clustertest.Copy(t, a.Storage)
		c.Start(a)
		c.WaitApplied()
		c.Kill(b)
		c.Write(put("x", "2"))
		c.Shutdown(a)
		c.Kill(l)
		c.Wait(l)
		c.RollBack(a, older)
		c.Start(a)
		c.Start(b)
		leaderless(t, c, 20*time.Second)
		says(t, a, "is an older copy")
		c.Start(l)
		c.Eventually("the node comes with an empty directory", func() bool { ready, _ := a.Ready(); return ready })
		voters(c, 3)
		c.EnsureSame()
		if got := version(a.View(), "x"); got != "2" {
			t.Errorf("acknowledged write is %q", got)
		}
	})
}

func TestTwoWipedNodesOfThreeFoundNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Write(put("x", "1"))
		c.WaitApplied()
		id := c.Members[0].Status().ClusterID
		c.Stop()
		for _, m := range c.Members[:2] {
			c.Wipe(m)
			c.Start(m)
		}
		leaderless(t, c, 10*time.Second)
		says(t, c.Members[0], "no cluster is founded while n3 of initial-cluster cannot be reached")
		c.Start(c.Members[2])
		leaderless(t, c, 10*time.Second)
		for _, m := range c.Members {
			if got := m.Status().ClusterID; m.ID == "n3" && got != id {
				t.Errorf("%s has cluster %q, want %q", m.ID, got, id)
			}
			says(t, m, "n3 has it; n1, n2 lost it. Nothing is served until the data directory of 1 of n1, n2 is back")
		}
	})
}

// Two clusters whose logs look alike to Raft: same terms at the same indexes.
func TestTwoClustersDoNotMix(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Write(put("x", "1"))
		c.WaitApplied()
		c.Stop()
		lone := c.Members[2]
		before := clustertest.Copy(t, lone.Storage)
		for _, m := range c.Members {
			c.Wipe(m)
			c.Start(m)
		}
		c.Write(put("x", "2"))
		c.WaitApplied()
		id := c.Members[0].Status().ClusterID
		c.Shutdown(lone)
		c.RollBack(lone, before)
		last, _ := lone.Storage.Logs.LastIndex()
		c.Start(lone)
		says(t, lone, "belongs to cluster")
		time.Sleep(10 * time.Second)
		c.Write(put("x", "3"))
		if now, _ := lone.Storage.Logs.LastIndex(); now != last {
			t.Errorf("the log of the other cluster's node went from %d to %d", last, now)
		}
		if got := version(lone.View(), "x"); got == "2" || got == "3" {
			t.Errorf("it has %q", got)
		}
		leader := c.Leader()
		if got := leader.Status().ClusterID; got != id {
			t.Errorf("cluster %q, want %q", got, id)
		}
		if text := strings.Join(leader.Status().Warnings, "\n"); !strings.Contains(text, "belongs to cluster") {
			t.Errorf("warnings %q", text)
		}
	})
}

func TestOfTwoVotersWithOneWipedNothingIsServed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Nodes: 2})
		c.Write(put("x", "1"))
		c.WaitApplied()
		c.Stop()
		c.Wipe(c.Members[0])
		for _, m := range c.Members {
			c.Start(m)
		}
		leaderless(t, c, 10*time.Second)
		for _, m := range c.Members {
			says(t, m, "n2 has it; n1 lost it. Nothing is served until the data directory of n1 is back")
		}
	})
}

func TestTwoOfFiveWipedAtOnceComeBack(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Nodes: 5})
		c.Write(put("x", "1"))
		leader := c.Leader()
		wiped := c.Followers()[:2]
		for _, m := range wiped {
			c.Kill(m)
			c.Wait(m)
			c.Wipe(m)
		}
		c.Write(put("x", "2"))
		for _, m := range wiped {
			c.Start(m)
		}
		voters(c, 3)
		voters(c, 5)
		c.EnsureSame()
		c.Kill(leader)
		c.Write(put("x", "3"))
		c.EnsureSame()
	})
}
