package contracttest

import (
	"context"
	"testing"

	"github.com/asctl/as/internal/providers"
)

func emptyListing(t *testing.T, c computeCase) {
	first := c.list(t)
	if len(first.Machines) != 0 {
		t.Errorf("%d machines in an empty place", len(first.Machines))
	}
	if first.Store == "" {
		t.Error("the store has no name")
	}
	c.ensure(t, 1, machineA)
	if again := c.list(t); again.Store != first.Store {
		t.Errorf("store %q became %q", first.Store, again.Store)
	}
}

func listAnswersAll(t *testing.T, c computeCase) {
	a := c.ensure(t, 1, machineA)
	c.ensure(t, 1, machineB)
	c.ensure(t, 1, machineC)
	b := c.start(t, 1, machineB)
	c.start(t, 1, machineC)
	c.stop(t, 1, machineC)

	if got := len(c.list(t).Machines); got != 3 {
		t.Fatalf("%d machines listed, want 3", got)
	}
	sameMachine(t, a, c.wantState(t, machineA, providers.MachineCreated))
	listed := c.wantState(t, machineB, providers.MachineRunning)
	sameMachine(t, b, listed)
	if len(listed.Addresses) == 0 || listed.Addresses[0] != b.Addresses[0] {
		t.Errorf("listed addresses %v, started %v", listed.Addresses, b.Addresses)
	}
	if listed.Cluster != clusterName || listed.Incarnation != "first" {
		t.Errorf("listed as of %q %q", listed.Cluster, listed.Incarnation)
	}
	if m := c.wantState(t, machineC, providers.MachineStopped); m.Message == "" {
		t.Error("a stopped machine does not say why")
	}
}

func addressesAreDistinct(t *testing.T, c computeCase) {
	holder := make(map[string]string)
	for _, instance := range []string{machineA, machineB, machineC} {
		ensured := c.ensure(t, 1, instance)
		started := c.start(t, 1, instance)
		if c.AddressAtEnsure && (len(ensured.Addresses) == 0 || ensured.Addresses[0] != started.Addresses[0]) {
			t.Errorf("%s has %v after Ensure and %v after Start", instance, ensured.Addresses, started.Addresses)
		}
		for _, address := range started.Addresses {
			if held := holder[address]; held != "" {
				t.Errorf("%s and %s both have %s", held, instance, address)
			}
			holder[address] = instance
		}
	}
}

func endedContext(t *testing.T, c computeCase) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Provider.Ensure(ctx, fence(1), c.Spec(machineA)); err == nil {
		t.Error("Ensure went on")
	}
	if _, err := c.Provider.Start(ctx, fence(1), machineA); err == nil {
		t.Error("Start went on")
	}
	if err := c.Provider.Stop(ctx, fence(1), machineA, stopTimeout); err == nil {
		t.Error("Stop went on")
	}
	if err := c.Provider.Remove(ctx, fence(1), machineA); err == nil {
		t.Error("Remove went on")
	}
	if _, err := c.Provider.List(ctx, clusterName); err == nil {
		t.Error("List went on")
	}
	c.wantGone(t, machineA)
}
