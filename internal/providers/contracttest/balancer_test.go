package contracttest_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/contracttest"
)

// The contract is kept by the simplest balancer that there can be: what the
// tests ask is possible, and none of them asks for more than it says.
func TestContractIsKeptByABalancerInMemory(t *testing.T) {
	contracttest.Balancer(t, func(*testing.T) contracttest.BalancerFixture {
		b := &memoryBalancer{pools: map[string]*memoryPool{"one": {}, "two": {}}}
		target := func(port int32) func(*testing.T, string) providers.Target {
			return func(_ *testing.T, instance string) providers.Target {
				return providers.Target{Instance: instance, Address: "127.77.0.1", Port: port, Weight: 1}
			}
		}
		return contracttest.BalancerFixture{
			Provider: b, Pool: "one", OtherPool: "two", Missing: "three",
			Answering: target(80), Dead: target(deadPort),
			Traffic: func(_ *testing.T, pool string) []string { return b.traffic(pool) },
		}
	})
}

const deadPort = 1

type memoryBalancer struct {
	mu    sync.Mutex
	pools map[string]*memoryPool
}

type memoryPool struct {
	epoch   uint64
	targets []providers.Target
}

func (b *memoryBalancer) pool(ctx context.Context, name string) (*memoryPool, error) {
	if ctx.Err() != nil {
		return nil, providers.Errorf(providers.Unavailable, "pool %s: %w", name, ctx.Err())
	}
	if b.pools[name] == nil {
		return nil, providers.Errorf(providers.NotFound, "no pool %s", name)
	}
	return b.pools[name], nil
}

func (b *memoryBalancer) CheckPool(ctx context.Context, name string) (providers.Pool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.pool(ctx, name)
	return providers.Pool{HasHealthCheck: true}, err
}

func (b *memoryBalancer) SetTargets(ctx context.Context, fence providers.Fence, name string, set providers.TargetSet) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	pool, err := b.pool(ctx, name)
	if err != nil {
		return err
	}
	if fence.Epoch < pool.epoch {
		return providers.Errorf(providers.StaleEpoch, "epoch %d has been overtaken by %d", fence.Epoch, pool.epoch)
	}
	pool.epoch, pool.targets = fence.Epoch, slices.Clone(set.Targets)
	return nil
}

func (b *memoryBalancer) Status(ctx context.Context, name string) ([]providers.TargetStatus, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	pool, err := b.pool(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []providers.TargetStatus
	for _, target := range pool.targets {
		status := providers.TargetStatus{Instance: target.Instance, Health: providers.TargetHealthy}
		if target.Port == deadPort {
			status.Health, status.Message = providers.TargetUnhealthy, "connection refused"
		}
		all = append(all, status)
	}
	return all, nil
}

func (b *memoryBalancer) traffic(name string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var served []string
	for _, target := range b.pools[name].targets {
		if !target.Drain && target.Port != deadPort {
			served = append(served, target.Instance)
		}
	}
	return served
}
