package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/intake"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/accesslist/file"
	"github.com/asctl/as/internal/providers/balancer/builtin"
	"github.com/asctl/as/internal/providers/compute/process"
	"github.com/asctl/as/internal/providers/compute/sim"
	"github.com/asctl/as/internal/providers/notify/webhook"
)

// outside are the built providers, by name.
type outside struct {
	compute     map[string]providers.Compute
	balancers   map[string]providers.Balancer
	accessLists map[string]providers.AccessList
	webhooks    *webhook.Client
	// edges are the built-in balancers: this node serves their pools.
	edges   map[string]*edge
	closers []io.Closer
}

// edge is a built-in balancer: the data plane of this node and the leader's
// handle on all of them.
type edge struct {
	name    string
	server  *builtin.Server
	checker *builtin.Checker
}

// buildProviders makes all providers; it opens directories, and starts nothing.
// reports gives the leader's view of what the nodes say of a balancer's pools.
func buildProviders(p Providers, reach webhook.Reach, reports func(balancer string) builtin.ReportSource, metrics prometheus.Registerer, log hclog.Logger) (*outside, error) {
	o := &outside{
		compute: map[string]providers.Compute{}, balancers: map[string]providers.Balancer{},
		accessLists: map[string]providers.AccessList{}, edges: map[string]*edge{}, webhooks: webhook.New(webhook.Config{Reach: reach}),
	}
	o.closers = append(o.closers, o.webhooks)
	if err := o.build(p, reports, metrics, log); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

func (o *outside) build(p Providers, reports func(balancer string) builtin.ReportSource, metrics prometheus.Registerer, log hclog.Logger) error {
	for _, name := range slices.Sorted(maps.Keys(p.Compute)) {
		c, err := p.Compute[name].build(log.Named(name))
		if err != nil {
			return fmt.Errorf("providers.compute.%s: %w", name, err)
		}
		o.compute[name] = c
		o.closers = append(o.closers, c)
	}
	room := p.poolRoom()
	for _, name := range slices.Sorted(maps.Keys(p.Balancer)) {
		pools := p.Balancer[name].Builtin.pools(room)
		server, err := builtin.NewServer(builtin.Config{
			Pools: pools, Logger: log.Named(name), Registerer: prometheus.WrapRegistererWith(prometheus.Labels{"balancer": name}, metrics),
		})
		if err != nil {
			return fmt.Errorf("providers.balancer.%s: %w", name, err)
		}
		checker, err := builtin.NewChecker(pools)
		if err != nil {
			return fmt.Errorf("providers.balancer.%s: %w", name, err)
		}
		o.edges[name] = &edge{name: name, server: server, checker: checker}
		o.balancers[name] = builtin.NewBalancer(pools, reports(name), checker)
	}
	for _, name := range slices.Sorted(maps.Keys(p.AccessList)) {
		s := p.AccessList[name].File
		lists, err := file.New(file.Config{Directory: s.Directory, ReloadCommand: file.ShellCommand(s.ReloadCommand)})
		if err != nil {
			return fmt.Errorf("providers.access-list.%s: %w", name, err)
		}
		o.accessLists[name] = lists
	}
	return nil
}

// poolRoom is how many connections each pool may have, so that all together keep
// to their share of the file descriptors.
func (p Providers) poolRoom() int {
	pools := 0
	for _, b := range p.Balancer {
		pools += len(b.Builtin.Pools)
	}
	return max(intake.Share(intake.Descriptors()).Pools/max(pools, 1), 1)
}

// computeCloser is a compute provider that holds something open.
type computeCloser interface {
	providers.Compute
	io.Closer
}

func (c Compute) build(log hclog.Logger) (computeCloser, error) {
	if c.Sim != nil {
		s := c.Sim
		return sim.NewCloud(sim.Config{
			LaunchDelay: s.LaunchDelay, TerminateDelay: s.TerminateDelay, FailureRate: s.FailureRate,
			ZoneCapacity: s.ZoneCapacity, Seed: s.Seed, Directory: s.Directory, Machines: s.Machines,
		})
	}
	pool, err := netip.ParsePrefix(c.Process.AddressPool)
	if err != nil {
		return nil, err
	}
	return process.New(process.Config{Directory: c.Process.Directory, AddressPool: pool, RunAs: c.Process.RunAs, Logger: log})
}

// pools are the pools' settings; each may have at most room connections.
func (b *BuiltinSettings) pools(room int) map[string]builtin.PoolConfig {
	pools := map[string]builtin.PoolConfig{}
	for name, s := range b.Pools {
		p := builtin.PoolConfig{
			Listen: s.Listen, Mode: builtin.Mode(s.Mode),
			MaxConnections: min(cmp.Or(s.MaxConnections, builtin.DefaultMaxConnections), room), MaxPerSource: s.MaxConnectionsPerSource,
		}
		if h := s.HealthCheck; h != nil {
			p.HealthCheck = builtin.HealthCheck{
				HTTP: h.HTTP, Interval: h.Interval, Timeout: h.Timeout,
				HealthyThreshold: h.HealthyThreshold, UnhealthyThreshold: h.UnhealthyThreshold,
			}
		}
		pools[name] = p
	}
	return pools
}

func (o *outside) close() error {
	var errs []error
	for _, c := range slices.Backward(o.closers) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
