package contracttest

import (
	"testing"

	"github.com/asctl/as/internal/providers"
)

func lowerEpochIsRefused(t *testing.T, c computeCase) {
	c.ensure(t, 5, machineA)
	refusesAll(t, c, 4, machineA)
	c.wantState(t, machineA, providers.MachineCreated)
	c.start(t, 5, machineA)
	refusesAll(t, c, 4, machineA)
	c.wantState(t, machineA, providers.MachineRunning)
	c.stop(t, 5, machineA)
	refusesAll(t, c, 4, machineA)
	c.wantState(t, machineA, providers.MachineStopped)
}

// refusesAll tries every call of a deposed leader on the machine.
func refusesAll(t *testing.T, c computeCase, epoch uint64, instance string) {
	t.Helper()
	_, err := c.Provider.Ensure(t.Context(), fence(epoch), c.Spec(instance))
	wantClass(t, err, providers.StaleEpoch)
	_, err = c.Provider.Start(t.Context(), fence(epoch), instance)
	wantClass(t, err, providers.StaleEpoch)
	wantClass(t, c.Provider.Stop(t.Context(), fence(epoch), instance, stopTimeout), providers.StaleEpoch)
	wantClass(t, c.Provider.Remove(t.Context(), fence(epoch), instance), providers.StaleEpoch)
}

func acceptedEpochIsKept(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	c.ensure(t, 2, machineA)
	refusesAll(t, c, 1, machineA)
	c.start(t, 3, machineA)
	refusesAll(t, c, 2, machineA)
	c.start(t, 4, machineA) // of a running one
	refusesAll(t, c, 3, machineA)
	c.stop(t, 5, machineA)
	refusesAll(t, c, 4, machineA)
	c.stop(t, 6, machineA) // of a stopped one
	refusesAll(t, c, 5, machineA)
}

func epochsArePerMachine(t *testing.T, c computeCase) {
	c.ensure(t, 9, machineA)
	c.ensure(t, 1, machineB)
	c.start(t, 1, machineB)
	c.wantState(t, machineB, providers.MachineRunning)
}

func epochOutlivesRemove(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	c.remove(t, 5, machineA)
	wantClass(t, c.Provider.Remove(t.Context(), fence(4), machineA), providers.StaleEpoch)
	c.remove(t, 5, machineA)
	c.remove(t, 6, machineA)
}

func clustersAreApart(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	c.start(t, 1, machineA)
	theirs := providers.Fence{Cluster: "another", Incarnation: "first", Epoch: 9}

	listing, err := c.Provider.List(t.Context(), theirs.Cluster)
	if err != nil {
		t.Fatalf("list of another cluster: %v", err)
	}
	if len(listing.Machines) != 0 {
		t.Errorf("another cluster is listed %d of our machines", len(listing.Machines))
	}
	_, err = c.Provider.Ensure(t.Context(), theirs, c.Spec(machineA))
	wantClass(t, err, providers.Conflict)
	_, err = c.Provider.Start(t.Context(), theirs, machineA)
	wantClass(t, err, providers.Conflict)
	wantClass(t, c.Provider.Stop(t.Context(), theirs, machineA, stopTimeout), providers.Conflict)
	wantClass(t, c.Provider.Remove(t.Context(), theirs, machineA), providers.Conflict)
	c.wantState(t, machineA, providers.MachineRunning)
	c.start(t, 1, machineA) // their epoch 9 is not ours
}
