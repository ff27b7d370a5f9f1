package builtin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/intake"
	"github.com/asctl/as/internal/providers"
)

// Config is what a node serves.
type Config struct {
	Pools      map[string]PoolConfig
	StopGrace  time.Duration         // for open requests when Run ends, default 10 s
	Logger     hclog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: no metrics are shown
}

const (
	defaultStopGrace = 10 * time.Second
	// listenRetry is between attempts to listen. An address may be held by
	// another node of the host, and free when that one is gone.
	listenRetry = time.Second
)

// Server is a node's data plane.
type Server struct {
	config Config
	pools  map[string]*pool
	admit  *Checker // this node's first check of each new target
	bell   bell
}

// NewServer checks the settings; Run serves.
func NewServer(config Config) (*Server, error) {
	pools, err := checkPools(config.Pools)
	if err != nil {
		return nil, fmt.Errorf("built-in balancer: %w", err)
	}
	config.StopGrace = cmp.Or(config.StopGrace, defaultStopGrace)
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	metrics, err := newMetrics(config.Registerer)
	if err != nil {
		return nil, fmt.Errorf("built-in balancer: %w", err)
	}
	s := &Server{config: config, pools: make(map[string]*pool, len(pools))}
	for name, c := range pools {
		s.pools[name] = newPool(name, c, metrics.of(name), &s.bell)
	}
	s.admit = newChecker(pools)
	s.admit.admit = func(pool string, key targetKey) { s.pools[pool].admit(key) }
	return s, nil
}

// Run serves all pools until ctx ends and what is open has ended or run out of
// time. A pool that cannot listen is tried again; the others are served.
func (s *Server) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { _ = s.admit.Run(ctx) }) // ends with ctx only
	for _, name := range sortedKeys(s.pools) {
		running.Go(func() { s.serve(ctx, s.pools[name]) })
	}
	running.Wait()
	for _, p := range s.pools {
		p.closeIdle()
	}
	return nil
}

func (s *Server) serve(ctx context.Context, p *pool) {
	for ctx.Err() == nil {
		err := s.serveOnce(ctx, p)
		if err == nil {
			return
		}
		if p.listening("", err.Error()) && ctx.Err() == nil {
			s.config.Logger.Error("pool is not served, will retry", "pool", p.name, "listen", p.config.Listen, "error", err)
		}
		select {
		case <-time.After(listenRetry):
		case <-ctx.Done():
		}
	}
}

// serveOnce serves the pool until ctx ends, or the listener fails.
func (s *Server) serveOnce(ctx context.Context, p *pool) error {
	var config net.ListenConfig
	bare, err := config.Listen(ctx, "tcp", p.config.Listen)
	if err != nil {
		return err
	}
	limits := intake.Limits{Total: p.config.MaxConnections, PerSource: p.config.MaxPerSource}
	listener := intake.Listen(bare, limits, nil, p.metrics.refused.Inc)
	defer listener.Close()
	p.listening(listener.Addr().String(), "")
	defer p.listening("", "")
	logger := s.config.Logger
	if p.config.Mode == ModeTCP {
		err = (&tcpFront{p, logger}).serve(ctx, listener, s.config.StopGrace)
	} else {
		err = newHTTPFront(p, logger).serve(ctx, listener, s.config.StopGrace)
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// SetTargets has the pool serve exactly these targets, read from the applied
// state at index. It is cheap when they are the same as before. A pool that
// this node does not list is ignored. One goroutine calls it, in the order of
// the states.
func (s *Server) SetTargets(pool string, index uint64, targets []providers.Target) {
	p := s.pools[pool]
	if p == nil {
		return
	}
	if p.set(index, targets) {
		s.admit.SetTargets(pool, targets)
	}
}

// SetApplied says that the targets of all pools are the same at this index.
func (s *Server) SetApplied(index uint64) {
	changed := false
	for _, p := range s.pools {
		changed = p.index.Swap(index) != index || changed
	}
	if changed {
		s.bell.ring()
	}
}

// Pools are the names of the pools that this node serves, in order.
func (s *Server) Pools() []string { return sortedKeys(s.pools) }

// Report is what the leader needs to know, by pool name.
func (s *Server) Report() []PoolReport {
	reports := make([]PoolReport, 0, len(s.pools))
	for _, name := range s.Pools() {
		reports = append(reports, s.pools[name].report())
	}
	return reports
}

// Changed is closed when a report worth sending exists: an index was applied, a
// draining target has nothing open any more, a pool listens or fails to. Get
// the channel before the Report that it is about.
func (s *Server) Changed() <-chan struct{} { return s.bell.changed() }

// Requests is how many requests, or connections in tcp mode, the pool was asked
// for since the start.
func (s *Server) Requests(pool string) uint64 {
	if p := s.pools[pool]; p != nil {
		return p.requests.Load()
	}
	return 0
}

// Addr is where the pool listens now; empty: it does not.
func (s *Server) Addr(pool string) string {
	p := s.pools[pool]
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address
}

// Problem is why the pool is not served now; empty: it is.
func (s *Server) Problem(pool string) string {
	p := s.pools[pool]
	if p == nil {
		return "this node does not have the pool"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.problem != "":
		return p.problem
	case p.address == "":
		return "it does not listen yet"
	default:
		return ""
	}
}
