package rpc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// The way that calls take to another node is tried all the time, by asking the
// node for its health over the connection that the calls use. When packets vanish
// nothing else tells: the connection stays open for minutes, and goes on waiting
// long after the network is well again.
const (
	pathTick     = 250 * time.Millisecond
	pathInterval = 500 * time.Millisecond // between two questions
	pathSlow     = time.Second            // without an answer for so long the path is not well
	pathTimeout  = 3 * time.Second        // without an answer for so long the connection is dropped
)

// path is what is known of the way to an address. peers' lock guards it.
type path struct {
	asked   time.Time // the last time
	asking  bool
	problem string // why the last question was not answered; empty: it was
	known   bool   // it was answered, or failed, at least once
}

// watchPaths tries the way to the leader, and to each node where calls are under
// way, until ctx ends.
func (p *peers) watchPaths(ctx context.Context, node Leadership) {
	var asking sync.WaitGroup
	defer asking.Wait()
	tick := time.NewTicker(pathTick)
	defer tick.Stop()
	for { // ends with ctx
		for _, address := range p.toAsk(node.Leader(), time.Now()) {
			asking.Go(func() { p.ask(ctx, address) })
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// toAsk returns the addresses that are to be asked now, and forgets those that
// nothing is sent to any more.
func (p *peers) toAsk(leader Leader, now time.Time) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return nil
	}
	if leader.Known() && !leader.Self && p.paths[leader.GRPCAddress] == nil {
		p.paths[leader.GRPCAddress] = new(path)
	}
	for address, to := range p.all {
		if len(to.calls) > 0 && p.paths[address] == nil {
			p.paths[address] = new(path)
		}
	}
	var due []string
	for address, way := range p.paths {
		to := p.all[address]
		used := to != nil && len(to.calls) > 0 || !leader.Self && address == leader.GRPCAddress
		switch {
		case way.asking:
		case !used:
			delete(p.paths, address)
		case now.Sub(way.asked) >= pathInterval:
			way.asking, way.asked = true, now
			due = append(due, address)
		}
	}
	return due
}

// ask asks the node at the address for its health; any answer will do.
func (p *peers) ask(ctx context.Context, address string) {
	asking, cancel := context.WithTimeout(ctx, pathTimeout)
	defer cancel()
	conn, err := p.connection(address)
	if err == nil {
		_, err = grpc_health_v1.NewHealthClient(conn).Check(asking, &grpc_health_v1.HealthCheckRequest{})
	}
	problem := ""
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		problem = fmt.Sprintf("no answer for %s", pathTimeout)
	case codes.Unavailable, codes.Canceled:
		problem = "it cannot be reached"
	}
	if status.Code(err) == codes.DeadlineExceeded && conn.GetState() == connectivity.Ready {
		p.drop(address, conn)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if way := p.paths[address]; way != nil {
		way.asking, way.problem, way.known = false, problem, true
	}
}

// drop ends the calls on a connection that is dead, and lets the next call make a
// new one.
func (p *peers) drop(address string, conn *grpc.ClientConn) {
	p.mu.Lock()
	to := p.all[address]
	if to == nil || to.conn != conn {
		p.mu.Unlock()
		return
	}
	delete(p.all, address)
	p.mu.Unlock()
	_ = conn.Close() // ends its calls; nothing to do about an error
}

// pathProblem says why calls to the leader would not be answered now; empty: they
// would.
func (p *peers) pathProblem(leader Leader, now time.Time) string {
	if !leader.Known() || leader.Self {
		return "" // there is no way to try
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	problem := ""
	switch way := p.paths[leader.GRPCAddress]; {
	case way == nil || !way.known && now.Sub(way.asked) < pathSlow:
		problem = "it has not been asked yet"
	case way.problem != "":
		problem = way.problem
	case way.asking && now.Sub(way.asked) >= pathSlow:
		problem = fmt.Sprintf("no answer for %s", now.Sub(way.asked).Truncate(100*time.Millisecond))
	}
	if problem == "" {
		return ""
	}
	return fmt.Sprintf("calls cannot be forwarded to the leader %s at %s: %s", leader.ID, leader.GRPCAddress, problem)
}

// CallPath is a line of /readyz: whether calls reach the leader from here.
func (s *Server) CallPath() Check {
	return Check{Name: "call path", Problem: s.peers.pathProblem(s.node.Leader(), time.Now())}
}
