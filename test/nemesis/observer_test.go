package nemesis_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

// clusterStatus is what GET /v1/cluster returns.
type clusterStatus struct {
	ClusterID   string   `json:"clusterId"`
	Leader      string   `json:"leader"`
	Term        string   `json:"term"`
	CommitIndex string   `json:"commitIndex"`
	Warnings    []string `json:"warnings"`
	Nodes       []struct {
		ID           string `json:"id"`
		Health       string `json:"health"`
		AppliedIndex string `json:"appliedIndex"`
	} `json:"nodes"`
}

// notVoters is the warning about nodes that do not vote, if there are any.
func notVoters(s clusterStatus) string {
	for _, text := range s.Warnings {
		if strings.Contains(text, "voters may lose") {
			return text
		}
	}
	return ""
}

// observer asks each node again and again what is committed. An index that a
// node once called committed belongs to every later state of the cluster.
type observer struct {
	l    *lane
	stop chan struct{}
	wait sync.WaitGroup

	mu        sync.Mutex
	committed map[string]uint64 // node → the highest that it said
	leaders   map[string]string // term → its leader
	cluster   string
}

func (l *lane) observe() *observer {
	o := &observer{l: l, stop: make(chan struct{}), committed: map[string]uint64{}, leaders: map[string]string{}}
	for _, n := range l.Nodes {
		o.wait.Go(func() {
			for {
				o.ask(n)
				select {
				case <-o.stop:
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	return o
}

func (o *observer) ask(n *nodes.Node) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var s clusterStatus
	if !n.Running() || n.Get(ctx, "/v1/cluster", &s) != nil {
		return
	}
	index, _ := strconv.ParseUint(s.CommitIndex, 10, 64)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.committed[n.ID] = max(o.committed[n.ID], index)
	switch {
	case s.ClusterID == "":
	case o.cluster == "":
		o.cluster = s.ClusterID
	case o.cluster != s.ClusterID:
		o.l.Errorf("%s belongs to cluster %s, the others to %s", n.ID, s.ClusterID, o.cluster)
	}
	if s.Leader == n.ID {
		if other, known := o.leaders[s.Term]; known && other != n.ID {
			o.l.Errorf("%s and %s both lead in term %s", other, n.ID, s.Term)
		}
		o.leaders[s.Term] = n.ID
	}
}

// end ends the observer and compares what the nodes said with what they have now.
func (o *observer) end() error {
	close(o.stop)
	o.wait.Wait()
	for id, highest := range o.committed {
		for _, n := range o.l.Nodes {
			var s clusterStatus
			if err := n.Get(context.Background(), "/v1/cluster", &s); err != nil {
				return err
			}
			if now, _ := strconv.ParseUint(s.CommitIndex, 10, 64); now < highest {
				return fmt.Errorf("%s said that entry %d was committed; %s has %d entries in the end", id, highest, n.ID, now)
			}
		}
	}
	return nil
}
