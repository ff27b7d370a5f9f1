package contracttest

import (
	"context"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

// BalancerFixture is one fresh balancer and the means to look behind it.
type BalancerFixture struct {
	// Provider is the one under test.
	Provider providers.Balancer
	// Pool and OtherPool exist and have no targets.
	Pool, OtherPool string
	// Missing is a pool that does not exist.
	Missing string
	// Answering makes a target whose backend answers traffic and checks; Dead one
	// with nothing behind it.
	Answering, Dead func(t *testing.T, instance string) providers.Target
	// Traffic sends new requests through the pool and answers the instances that
	// got some; enough of them that each target of three would get its share.
	Traffic func(t *testing.T, pool string) []string
	// NextIndex is the index to give to the next set. Nil: they are just counted.
	NextIndex func() uint64
}

// Balancer runs the contract of providers.Balancer; fresh makes a fixture for
// each test.
func Balancer(t *testing.T, fresh func(t *testing.T) BalancerFixture) {
	for _, test := range balancerTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, &balancerCase{BalancerFixture: fresh(t)}) })
	}
}

var balancerTests = []struct {
	name string
	run  func(*testing.T, *balancerCase)
}{
	{"a pool that exists passes the check, a missing one is NotFound", poolIsChecked},
	{"SetTargets replaces the whole set", targetsAreReplaced},
	{"SetTargets again changes nothing", targetsAreIdempotent},
	{"the empty set serves nobody", emptySetServesNobody},
	{"pools are apart", poolsAreApart},
	{"a lower epoch is refused and changes nothing", lowerEpochChangesNoTargets},
	{"traffic goes to the targets of the set only", trafficFollowsTargets},
	{"a draining target gets no new traffic", drainingGetsNoTraffic},
	{"a pool's check tells who answers from who does not", healthIsTold},
	{"an ended context is an error and changes nothing", endedContextChangesNoTargets},
}

func poolIsChecked(t *testing.T, c *balancerCase) {
	if _, err := c.Provider.CheckPool(t.Context(), c.Pool); err != nil {
		t.Errorf("check %s: %v", c.Pool, err)
	}
	_, err := c.Provider.CheckPool(t.Context(), c.Missing)
	wantClass(t, err, providers.NotFound)
	wantClass(t, c.trySet(t.Context(), 1, c.Missing, c.Answering(t, machineA)), providers.NotFound)
	_, err = c.Provider.Status(t.Context(), c.Missing)
	wantClass(t, err, providers.NotFound)
}

func lowerEpochChangesNoTargets(t *testing.T, c *balancerCase) {
	a, b := c.Answering(t, machineA), c.Answering(t, machineB)
	c.set(t, 5, c.Pool, a)
	wantClass(t, c.trySet(t.Context(), 4, c.Pool, b), providers.StaleEpoch)
	wantClass(t, c.trySet(t.Context(), 4, c.Pool), providers.StaleEpoch)
	c.wantTargets(t, c.Pool, machineA)
	c.set(t, 1, c.OtherPool, b) // the epoch is the pool's own
	c.set(t, 6, c.Pool, a)
	wantClass(t, c.trySet(t.Context(), 5, c.Pool, b), providers.StaleEpoch)
	c.wantTargets(t, c.Pool, machineA)
}

func healthIsTold(t *testing.T, c *balancerCase) {
	pool, err := c.Provider.CheckPool(t.Context(), c.Pool)
	if err != nil {
		t.Fatal(err)
	}
	if !pool.HasHealthCheck {
		t.Skip("the pool has no health check")
	}
	c.set(t, 1, c.Pool, c.Answering(t, machineA), c.Dead(t, machineB))
	deadline := time.Now().Add(patience)
	for {
		status := c.status(t, c.Pool)
		good, bad := status[machineA], status[machineB]
		if good.Health == providers.TargetHealthy && bad.Health == providers.TargetUnhealthy {
			if bad.Message == "" {
				t.Error("an unhealthy target does not say why")
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the one that answers is %s, the other %s", good.Health, bad.Health)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func endedContextChangesNoTargets(t *testing.T, c *balancerCase) {
	c.set(t, 1, c.Pool, c.Answering(t, machineA))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.trySet(ctx, 1, c.Pool); err == nil {
		t.Error("SetTargets went on")
	}
	if _, err := c.Provider.Status(ctx, c.Pool); err == nil {
		t.Error("Status went on")
	}
	c.wantTargets(t, c.Pool, machineA)
}
