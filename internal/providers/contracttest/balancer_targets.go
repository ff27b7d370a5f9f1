package contracttest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

// balancerCase is a fixture with verbs that fail the test.
type balancerCase struct {
	BalancerFixture
	index uint64
}

func (c *balancerCase) trySet(ctx context.Context, epoch uint64, pool string, targets ...providers.Target) error {
	c.index++
	if c.NextIndex != nil {
		c.index = c.NextIndex()
	}
	return c.Provider.SetTargets(ctx, fence(epoch), pool, providers.TargetSet{Index: c.index, Targets: targets})
}

func (c *balancerCase) set(t *testing.T, epoch uint64, pool string, targets ...providers.Target) {
	t.Helper()
	if err := c.trySet(t.Context(), epoch, pool, targets...); err != nil {
		t.Fatalf("set %d targets of %s: %v", len(targets), pool, err)
	}
}

func (c *balancerCase) status(t *testing.T, pool string) map[string]providers.TargetStatus {
	t.Helper()
	all, err := c.Provider.Status(t.Context(), pool)
	if err != nil {
		t.Fatalf("status of %s: %v", pool, err)
	}
	byName := make(map[string]providers.TargetStatus)
	for _, one := range all {
		if _, twice := byName[one.Instance]; twice {
			t.Errorf("%s is answered twice", one.Instance)
		}
		byName[one.Instance] = one
	}
	return byName
}

func (c *balancerCase) wantTargets(t *testing.T, pool string, instances ...string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(c.status(t, pool))); !slices.Equal(got, instances) {
		t.Fatalf("%s has targets %v, want %v", pool, got, instances)
	}
}

// wantTraffic waits until the pool serves those and no others: a balancer may
// want to see a target healthy before it sends anything there.
func (c *balancerCase) wantTraffic(t *testing.T, pool string, instances ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(5 * time.Millisecond) {
		got := slices.Sorted(slices.Values(c.Traffic(t, pool)))
		got = slices.Compact(got)
		if slices.Equal(got, instances) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s sends traffic to %v, want %v", pool, got, instances)
		}
	}
}

func targetsAreReplaced(t *testing.T, c *balancerCase) {
	a, b, d := c.Answering(t, machineA), c.Answering(t, machineB), c.Dead(t, machineC)
	c.set(t, 1, c.Pool, a, b)
	c.wantTargets(t, c.Pool, machineA, machineB)
	c.set(t, 1, c.Pool, b, d)
	c.wantTargets(t, c.Pool, machineB, machineC)
}

func targetsAreIdempotent(t *testing.T, c *balancerCase) {
	a, b := c.Answering(t, machineA), c.Answering(t, machineB)
	c.set(t, 1, c.Pool, a, b)
	c.set(t, 1, c.Pool, b, a)
	c.set(t, 2, c.Pool, a, b)
	c.wantTargets(t, c.Pool, machineA, machineB)
	c.wantTraffic(t, c.Pool, machineA, machineB)
}

func emptySetServesNobody(t *testing.T, c *balancerCase) {
	c.set(t, 1, c.Pool)
	c.wantTargets(t, c.Pool)
	c.set(t, 1, c.Pool, c.Answering(t, machineA))
	c.set(t, 1, c.Pool)
	c.wantTargets(t, c.Pool)
	if got := c.Traffic(t, c.Pool); len(got) != 0 {
		t.Errorf("traffic still reaches %v", got)
	}
}

func poolsAreApart(t *testing.T, c *balancerCase) {
	c.set(t, 1, c.Pool, c.Answering(t, machineA), c.Answering(t, machineB))
	c.set(t, 1, c.OtherPool, c.Answering(t, machineC))
	c.wantTargets(t, c.Pool, machineA, machineB)
	c.wantTargets(t, c.OtherPool, machineC)
}

// trafficFollowsTargets: a target that left gets nothing from the moment that
// SetTargets has returned.
func trafficFollowsTargets(t *testing.T, c *balancerCase) {
	a, b := c.Answering(t, machineA), c.Answering(t, machineB)
	c.set(t, 1, c.Pool, a, b)
	c.wantTraffic(t, c.Pool, machineA, machineB)
	c.set(t, 1, c.Pool, b)
	if slices.Contains(c.Traffic(t, c.Pool), machineA) {
		t.Error("traffic went to a target that had left")
	}
	c.wantTraffic(t, c.Pool, machineB)
}

func drainingGetsNoTraffic(t *testing.T, c *balancerCase) {
	a, b := c.Answering(t, machineA), c.Answering(t, machineB)
	c.set(t, 1, c.Pool, a, b)
	c.wantTraffic(t, c.Pool, machineA, machineB)
	a.Drain = true
	c.set(t, 1, c.Pool, a, b)
	if slices.Contains(c.Traffic(t, c.Pool), machineA) {
		t.Error("new traffic went to a draining target")
	}
	status := c.status(t, c.Pool)
	if drained, ok := status[machineA]; !ok || drained.OpenRequests != 0 {
		t.Errorf("status %+v, want the draining target there with nothing open", status)
	}
	a.Drain = false // it comes back into service
	c.set(t, 1, c.Pool, a, b)
	c.wantTraffic(t, c.Pool, machineA, machineB)
}
