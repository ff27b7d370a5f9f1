package cluster_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// dying is a node's identity at whose n-th change the node dies, before the change
// is stored or after it.
type dying struct {
	cluster.IdentityStore
	left  atomic.Int64
	after bool
	die   func()
}

func (d *dying) Save(b []byte) error {
	if d.left.Add(-1) != 0 {
		return d.IdentityStore.Save(b)
	}
	var err error
	if d.after {
		err = d.IdentityStore.Save(b)
	}
	d.die()
	return errors.Join(err, errors.New("the node dies here"))
}

// A founder, or another node, dies at each step of a founding, and comes back
// with its data or without. In the end there is one cluster with all nodes.
func TestAFoundingSurvivesADeathAtEachStep(t *testing.T) {
	for _, who := range []int{0, 2} {
		for step := int64(1); step <= 5; step++ {
			for _, after := range []bool{false, true} {
				for _, wiped := range []bool{false, true} {
					name := fmt.Sprintf("n%d at step %d, stored %t, wiped %t", who+1, step, after, wiped)
					t.Run(name, func(t *testing.T) {
						bubble.Test(t, func(t *testing.T) { dieAtStep(t, who, step, after, wiped) })
					})
				}
			}
		}
	}
}

func dieAtStep(t *testing.T, who int, step int64, after, wiped bool) {
	died := make(chan struct{})
	var c *clustertest.Cluster
	made := make(chan struct{})
	armed := false
	c = clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
		if cfg.NodeID != fmt.Sprintf("n%d", who+1) || armed {
			return
		}
		armed = true
		d := &dying{IdentityStore: cfg.Storage.Identity, after: after}
		d.left.Store(step)
		d.die = func() {
			<-made
			c.Kill(c.Members[who])
			close(died)
		}
		s := *cfg.Storage
		s.Identity = d
		cfg.Storage = &s
	}})
	close(made)
	m := c.Members[who]
	select {
	case <-died:
		c.Wait(m)
		if wiped {
			c.Wipe(m)
		}
		c.Start(m)
	case <-time.After(10 * time.Second): // it does not take so many steps
	}
	c.Write(put("x", "1"))
	voters(c, 3)
	c.EnsureSame()
}

func TestNoClusterIsFoundedWhileANodeIsMissing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		c.Stop()
		for _, m := range c.Members {
			c.Wipe(m)
		}
		c.Start(c.Members[0])
		c.Start(c.Members[1])
		leaderless(t, c, 10*time.Second)
		for _, m := range c.Members[:2] {
			says(t, m, `no cluster is founded while n3 of initial-cluster cannot be reached: start n3, or, if it will not come and has no data, `+
				`run "asserver bootstrap --without n3" on one of the others`)
		}
		c.Start(c.Members[2])
		c.Write(put("x", "1"))
		c.EnsureSame()
	})
}

// The leader dies at some moment of an admission. The next one goes on, and in the
// end the node votes; what was acknowledged is there.
func TestAnAdmissionGoesOnUnderTheNextLeader(t *testing.T) {
	for _, moment := range []time.Duration{
		0, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond,
		time.Second, 4900 * time.Millisecond, 5500 * time.Millisecond, 6100 * time.Millisecond, 6500 * time.Millisecond,
	} {
		t.Run(moment.String(), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				c := clustertest.New(t, clustertest.Options{Nodes: 5})
				c.Write(put("x", "1"))
				wiped := c.Followers()[0]
				c.Kill(wiped)
				c.Wait(wiped)
				c.Wipe(wiped)
				c.Write(put("x", "2"))
				leader := c.Leader()
				c.Start(wiped)
				time.Sleep(moment)
				c.Kill(leader)
				c.Write(put("x", "3"))
				voters(c, 5)
				c.Start(leader)
				c.EnsureSame()
				if got := version(wiped.View(), "x"); got != "3" {
					t.Errorf("the wiped node has %q", got)
				}
			})
		})
	}
}
