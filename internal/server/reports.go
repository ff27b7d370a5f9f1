package server

import (
	"context"
	"sync"

	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/providers/balancer/builtin"
)

// The nodes ship what their built-in balancers say to the leader through the
// peer service, which knows pools by one name: "balancer/pool".

// poolReports are this node's, for the peer service.
func poolReports(edges map[string]*edge) []peer.Report {
	var reports []peer.Report
	for name, e := range edges {
		for _, r := range e.server.Report() {
			open := make(map[string]int32, len(r.Targets))
			for _, t := range r.Targets {
				open[t.Instance] = t.Open
			}
			reports = append(reports, peer.Report{Pool: name + "/" + r.Pool, Index: r.Index, Open: open})
		}
	}
	return reports
}

// shipReports rings changed whenever a balancer has something worth sending.
func shipReports(ctx context.Context, edges map[string]*edge, changed chan<- struct{}) {
	var wait sync.WaitGroup
	for _, e := range edges {
		wait.Go(func() {
			for {
				next := e.server.Changed()
				select {
				case changed <- struct{}{}:
				default: // it rings already
				}
				select {
				case <-next:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wait.Wait()
	<-ctx.Done() // also without any balancer
}

// reportSource is builtin's view of what the peer service gathered for one balancer.
type reportSource struct {
	balancer string
	node     func() *cluster.Node

	mu   sync.Mutex
	next chan struct{} // closed by the next change
}

func (s *reportSource) Reports(pool string) []builtin.NodeReport {
	var reports []builtin.NodeReport
	for _, r := range s.node().Reports(s.balancer + "/" + pool) {
		reports = append(reports, builtin.NodeReport{Node: r.Node, Reachable: r.Reachable, Index: r.Index, Open: r.Open})
	}
	return reports
}

func (s *reportSource) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// follow passes the peer service's signal on to everyone who waits.
func (s *reportSource) follow(ctx context.Context) {
	changed, stop := s.node().WatchReports()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			s.mu.Lock()
			close(s.next)
			s.next = make(chan struct{})
			s.mu.Unlock()
		}
	}
}
