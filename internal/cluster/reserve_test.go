package cluster_test

import (
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// resources are what each node has left, as a test says.
type resources struct {
	mu sync.Mutex
	of map[string]cluster.Resources
}

func (r *resources) set(id string, left cluster.Resources) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[id] = left
}

func withResources(t *testing.T) (*clustertest.Cluster, *resources) {
	r := &resources{of: map[string]cluster.Resources{}}
	c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
		id := cfg.NodeID
		cfg.Resources = func() cluster.Resources {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.of[id]
		}
	}})
	c.Leader()
	return c, r
}

func TestALeaderThatRunsShortHandsOverToANodeWithRoom(t *testing.T) {
	for name, left := range map[string]cluster.Resources{
		"descriptors": {Files: 1200, FilesFree: 3},
		"disk":        {DiskTotal: 1 << 40, DiskFree: 5 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				c, r := withResources(t)
				old, other, room := c.Leader(), c.Followers()[0], c.Followers()[1]
				r.set(other.ID, left)
				time.Sleep(5 * time.Second)
				r.set(old.ID, left)
				time.Sleep(40 * time.Second)
				if l := c.Leader(); l != room {
					t.Errorf("%s leads, %s has room", l.ID, room.ID)
				}
				for _, row := range room.Status().Nodes {
					low := row.ID != room.ID
					if (len(row.Conditions) == 1) != low || row.Health != cluster.Healthy {
						t.Errorf("%s is %s: %+v", row.ID, row.Health, row.Conditions)
					}
				}
			})
		})
	}
}

func TestLeadershipDoesNotGoInACircleWhenAllRunShort(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, r := withResources(t)
		for _, m := range c.Members {
			r.set(m.ID, cluster.Resources{Files: 1200, FilesFree: 3})
		}
		time.Sleep(5 * time.Second)
		before, _ := c.Leader().Leader()
		time.Sleep(5 * time.Minute)
		if after, _ := c.Leader().Leader(); after != before {
			t.Errorf("from %+v to %+v", before, after)
		}
	})
}

func TestOneHandOverInHalfAMinuteWhoeverRunsShort(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c, r := withResources(t)
		before, _ := c.Leader().Leader()
		const minutes = 5
		for range minutes * 60 { // whoever leads has just run short
			l := c.Leader()
			for _, m := range c.Members {
				left := cluster.Resources{Files: 1200, FilesFree: 1000}
				if m == l {
					left.FilesFree = 3
				}
				r.set(m.ID, left)
			}
			time.Sleep(time.Second)
		}
		after, _ := c.Leader().Leader()
		if n := after.Term - before.Term; n > 2*minutes || n == 0 {
			t.Errorf("%d hand-overs in %d minutes", n, minutes)
		}
	})
}
