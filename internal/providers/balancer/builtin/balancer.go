package builtin

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/asctl/as/internal/providers"
)

// Balancer is the leader's handle on the pools. The nodes serve what they have
// applied, whoever calls; what this adds is waiting for them, and health.
type Balancer struct {
	reports ReportSource
	checker *Checker

	mu   sync.Mutex
	sets map[string]*poolSet
}

// poolSet is what was last set for a pool.
type poolSet struct {
	fence   providers.Fence
	index   uint64
	targets []providers.Target
}

var (
	_ providers.Balancer      = (*Balancer)(nil)
	_ providers.StatusWatcher = (*Balancer)(nil)
)

// NewBalancer makes the balancer of these pools. The checker is of the same
// pools, and runs while this node leads.
func NewBalancer(pools map[string]PoolConfig, reports ReportSource, checker *Checker) *Balancer {
	b := &Balancer{reports: reports, checker: checker, sets: make(map[string]*poolSet, len(pools))}
	for name := range pools {
		b.sets[name] = &poolSet{}
	}
	return b
}

func (b *Balancer) find(pool string) (*poolSet, error) {
	if s := b.sets[pool]; s != nil { // the map never changes
		return s, nil
	}
	return nil, providers.Errorf(providers.NotFound, "no pool %s is configured on this node", pool)
}

// CheckPool finds pools that some reachable node serves. Each has a health
// check: where none is configured, targets must accept connections.
func (b *Balancer) CheckPool(ctx context.Context, pool string) (providers.Pool, error) {
	if _, err := b.find(pool); err != nil {
		return providers.Pool{}, err
	}
	for _, r := range b.reports.Reports(pool) {
		if r.Reachable {
			return providers.Pool{HasHealthCheck: true}, nil
		}
	}
	return providers.Pool{}, providers.Errorf(providers.Unavailable, "no reachable node serves pool %s", pool)
}

// SetTargets has the targets checked and returns when all reachable nodes that
// serve the pool have applied set.Index.
func (b *Balancer) SetTargets(ctx context.Context, fence providers.Fence, pool string, set providers.TargetSet) error {
	if ctx.Err() != nil {
		return providers.Errorf(providers.Unavailable, "pool %s not set: %w", pool, context.Cause(ctx))
	}
	if err := b.keep(fence, pool, set); err != nil {
		return err
	}
	for {
		changed := b.reports.Changed()
		behind := b.behind(pool, set.Index)
		if behind == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("pool %s: node %s has not applied index %d: %w", pool, behind, set.Index, context.Cause(ctx))
		}
	}
}

// keep remembers the set, unless a newer leader or a later set has been here.
func (b *Balancer) keep(fence providers.Fence, pool string, set providers.TargetSet) error {
	s, err := b.find(pool)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	same := s.fence.Incarnation == fence.Incarnation
	if same && fence.Epoch < s.fence.Epoch {
		return providers.Errorf(providers.StaleEpoch, "pool %s: epoch %d is over, a leader of epoch %d has spoken", pool, fence.Epoch, s.fence.Epoch)
	}
	if same && fence.Epoch == s.fence.Epoch && set.Index < s.index {
		return nil
	}
	s.fence, s.index, s.targets = fence, set.Index, slices.Clone(set.Targets)
	b.checker.SetTargets(pool, set.Targets)
	return nil
}

// behind is a reachable node that has not applied the index; empty: none.
func (b *Balancer) behind(pool string, index uint64) string {
	for _, r := range b.reports.Reports(pool) {
		if r.Reachable && r.Index < index {
			return r.Node
		}
	}
	return ""
}

// Status answers for the targets of the last set: the checker's health, and
// what is open on all reachable nodes.
func (b *Balancer) Status(ctx context.Context, pool string) ([]providers.TargetStatus, error) {
	s, err := b.find(pool)
	if err != nil {
		return nil, err
	}
	reports := b.reports.Reports(pool)
	b.mu.Lock()
	targets := s.targets
	b.mu.Unlock()
	statuses := make([]providers.TargetStatus, len(targets))
	for i, t := range targets {
		health, message := b.checker.status(pool, keyOf(t))
		statuses[i] = providers.TargetStatus{Instance: t.Instance, Health: health, Message: message}
		for _, r := range reports {
			if r.Reachable {
				statuses[i].OpenRequests += r.Open[t.Instance]
			}
		}
	}
	return statuses, nil
}

// WatchStatus is armed at once: the wait it answers ends with the first change
// of health or reports after this call.
func (b *Balancer) WatchStatus() func(ctx context.Context) error {
	health, reports := b.checker.Changed(), b.reports.Changed()
	return func(ctx context.Context) error {
		select {
		case <-health:
			return nil
		case <-reports:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
