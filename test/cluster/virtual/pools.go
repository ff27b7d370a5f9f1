package virtual

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/asctl/as/internal/providers"
)

// PoolsConfig says how the balancer behaves.
type PoolsConfig struct {
	CheckDelay time.Duration // until a new target's first check has ended
	DrainTime  time.Duration // that a draining target has open requests
	// Alive says whether somebody answers behind a target.
	Alive func(providers.Target) bool
}

// Pools is a load balancer in memory. It keeps the contract of
// providers.Balancer.
type Pools struct {
	config PoolsConfig

	mu    sync.Mutex
	pools map[string]*pool
	sick  map[string]string // instance → what its check says
}

type pool struct {
	epoch   uint64
	targets []target
}

type target struct {
	providers.Target
	since    time.Time // in the pool
	drainEnd time.Time // of its open requests
}

// NewPools makes pools without targets.
func NewPools(config PoolsConfig, names ...string) *Pools {
	p := &Pools{config: config, pools: map[string]*pool{}, sick: map[string]string{}}
	for _, name := range names {
		p.pools[name] = &pool{}
	}
	return p
}

func (p *Pools) find(ctx context.Context, name string) (*pool, error) {
	if ctx.Err() != nil {
		return nil, providers.Errorf(providers.Unavailable, "pool %s: %w", name, context.Cause(ctx))
	}
	found := p.pools[name]
	if found == nil {
		return nil, providers.Errorf(providers.NotFound, "there is no pool %s", name)
	}
	return found, nil
}

// CheckPool says whether the pool is there.
func (p *Pools) CheckPool(ctx context.Context, name string) (providers.Pool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.find(ctx, name)
	return providers.Pool{HasHealthCheck: err == nil}, err
}

// SetTargets replaces a pool's targets.
func (p *Pools) SetTargets(ctx context.Context, fence providers.Fence, name string, set providers.TargetSet) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, err := p.find(ctx, name)
	if err != nil {
		return err
	}
	if fence.Epoch < found.epoch {
		return providers.Errorf(providers.StaleEpoch, "pool %s: epoch %d is over, a leader of epoch %d has spoken", name, fence.Epoch, found.epoch)
	}
	now := time.Now()
	next := make([]target, 0, len(set.Targets))
	for _, t := range set.Targets {
		is := target{Target: t, since: now}
		if was := found.target(t.Instance); was != nil {
			is.since, is.drainEnd = was.since, was.drainEnd
		}
		switch {
		case !t.Drain:
			is.drainEnd = time.Time{}
		case is.drainEnd.IsZero() && p.config.Alive(t) && is.since.Before(now):
			is.drainEnd = now.Add(p.config.DrainTime)
		}
		next = append(next, is)
	}
	found.epoch, found.targets = fence.Epoch, next
	return nil
}

func (p *pool) target(instance string) *target {
	for n := range p.targets {
		if p.targets[n].Instance == instance {
			return &p.targets[n]
		}
	}
	return nil
}

// Status is what the balancer's checks say.
func (p *Pools) Status(ctx context.Context, name string) ([]providers.TargetStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, err := p.find(ctx, name)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var all []providers.TargetStatus
	for _, t := range found.targets {
		s := providers.TargetStatus{Instance: t.Instance, Health: providers.TargetHealthy}
		sick, isSick := p.sick[t.Instance]
		switch {
		case now.Sub(t.since) < p.config.CheckDelay:
			s.Health = providers.TargetUnknown
		case isSick:
			s.Health, s.Message = providers.TargetUnhealthy, sick
		case !p.config.Alive(t.Target):
			s.Health, s.Message = providers.TargetUnhealthy, "connection refused"
		}
		if now.Before(t.drainEnd) && p.config.Alive(t.Target) {
			s.OpenRequests = 1
		}
		all = append(all, s)
	}
	return all, nil
}

// Sicken has an instance fail its checks, though its machine runs; an empty
// message: no longer.
func (p *Pools) Sicken(instance, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if message == "" {
		delete(p.sick, instance)
		return
	}
	p.sick[instance] = message
}

// Cure ends every sickness.
func (p *Pools) Cure() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.sick)
}

// Targets are a pool's members.
func (p *Pools) Targets(name string) []providers.Target {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []providers.Target
	if found := p.pools[name]; found != nil {
		for _, t := range found.targets {
			all = append(all, t.Target)
		}
	}
	return all
}

// serving names the pools that send the instance new traffic.
func (p *Pools) serving(instance string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for name, found := range p.pools {
		if t := found.target(instance); t != nil && !t.Drain {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (p *Pools) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.pools))
}
