package contracttest

import (
	"sync"
	"testing"

	"github.com/asctl/as/internal/providers"
)

func nodesShareMachines(t *testing.T, c computeCase) {
	created := c.ensure(t, 1, machineA)
	c.start(t, 1, machineA)
	other := c.other(t)
	if mine, theirs := c.list(t).Store, other.list(t).Store; mine != theirs {
		t.Errorf("stores %q and %q", mine, theirs)
	}
	sameMachine(t, created, other.wantState(t, machineA, providers.MachineRunning))
	other.ensure(t, 2, machineB)
	c.wantState(t, machineB, providers.MachineCreated)
	refusesAll(t, c, 1, machineB)
}

func nodesFinishEachOther(t *testing.T, c computeCase) {
	other := c.other(t)
	created := c.ensure(t, 1, machineA)
	sameMachine(t, created, other.start(t, 2, machineA))
	c.stop(t, 3, machineA)
	other.wantState(t, machineA, providers.MachineStopped)
	other.remove(t, 4, machineA)
	c.wantGone(t, machineA)
	_, err := c.Provider.Ensure(t.Context(), fence(5), c.Spec(machineA))
	wantClass(t, err, providers.StaleEpoch)
}

// concurrentEnsureStart is two leaders, one of them deposed without knowing,
// that both do what the same committed intent says.
func concurrentEnsureStart(t *testing.T, c computeCase) {
	nodes := []computeCase{c, c}
	if c.Reopen != nil {
		nodes = []computeCase{c, c.other(t)}
	}
	const callers = 8
	got := make([]providers.Machine, callers)
	var wg sync.WaitGroup
	for i := range callers {
		node := nodes[i%len(nodes)]
		wg.Go(func() {
			if _, err := node.Provider.Ensure(t.Context(), fence(1), c.Spec(machineA)); err != nil {
				t.Errorf("ensure: %v", err)
				return
			}
			m, err := node.Provider.Start(t.Context(), fence(1), machineA)
			if err != nil {
				t.Errorf("start: %v", err)
			}
			got[i] = m
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, m := range got {
		sameMachine(t, got[0], m)
		if m.State != providers.MachineRunning {
			t.Errorf("state %s (%s), want %s", m.State, m.Message, providers.MachineRunning)
		}
	}
	if n := len(c.list(t).Machines); n != 1 {
		t.Errorf("%d machines listed, want 1", n)
	}
}

// concurrentRemoveStart is a leader that removes what its predecessor's late
// call is about to start: whichever comes first, nothing runs in the end.
func concurrentRemoveStart(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.Provider.Start(t.Context(), fence(1), machineA); err != nil {
			wantStale(t, err)
		}
	})
	wg.Go(func() {
		if err := c.Provider.Remove(t.Context(), fence(2), machineA); err != nil {
			t.Errorf("remove: %v", err)
		}
	})
	wg.Wait()
	c.wantGone(t, machineA)
	_, err := c.Provider.Start(t.Context(), fence(2), machineA)
	wantClass(t, err, providers.StaleEpoch)
}

// wantStale is wantClass for goroutines that may not end the test.
func wantStale(t *testing.T, err error) {
	t.Helper()
	if providers.ClassOf(err) != providers.StaleEpoch {
		t.Errorf("error %q is %s, want %s", err, providers.ClassOf(err), providers.StaleEpoch)
	}
}
