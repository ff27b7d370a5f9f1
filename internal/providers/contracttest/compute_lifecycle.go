package contracttest

import (
	"testing"

	"github.com/asctl/as/internal/providers"
)

func specIsValidated(t *testing.T, c computeCase) {
	if err := c.Provider.ValidateSpec(c.Spec(machineA)); err != nil {
		t.Errorf("valid specification: %v", err)
	}
	for _, spec := range c.Invalid {
		wantClass(t, c.Provider.ValidateSpec(spec), providers.InvalidConfiguration)
	}
}

func ensureCreates(t *testing.T, c computeCase) {
	m := c.ensure(t, 1, machineA)
	if m.State != providers.MachineCreated {
		t.Errorf("state %s, want %s", m.State, providers.MachineCreated)
	}
	if m.ID == "" || m.Instance != machineA || m.CreateTime.IsZero() {
		t.Errorf("id %q, instance %q, create time %v: want all set", m.ID, m.Instance, m.CreateTime)
	}
	if m.Cluster != clusterName || m.Incarnation != "first" {
		t.Errorf("tagged %q %q, want the fence's", m.Cluster, m.Incarnation)
	}
	if m.Zone != c.Spec(machineA).Zone {
		t.Errorf("zone %q, want the specification's %q", m.Zone, c.Spec(machineA).Zone)
	}
	if c.AddressAtEnsure && len(m.Addresses) == 0 {
		t.Error("no address after Ensure")
	}
	c.wantState(t, machineA, providers.MachineCreated)
}

func ensureIsIdempotent(t *testing.T, c computeCase) {
	sameMachine(t, c.ensure(t, 1, machineA), c.ensure(t, 1, machineA))
	if got := len(c.list(t).Machines); got != 1 {
		t.Errorf("%d machines listed, want 1", got)
	}
}

func ensureLeavesRunning(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	started := c.start(t, 1, machineA)
	again := c.ensure(t, 2, machineA)
	sameMachine(t, started, again)
	if again.State != providers.MachineRunning {
		t.Errorf("state %s, want %s", again.State, providers.MachineRunning)
	}
}

func startIsIdempotent(t *testing.T, c computeCase) {
	created := c.ensure(t, 1, machineA)
	first := c.start(t, 1, machineA)
	if first.State != providers.MachineRunning {
		t.Fatalf("state %s (%s), want %s", first.State, first.Message, providers.MachineRunning)
	}
	if len(first.Addresses) == 0 {
		t.Error("a running machine has no address")
	}
	if first.ID != created.ID {
		t.Errorf("started %s, ensured %s", first.ID, created.ID)
	}
	sameMachine(t, first, c.start(t, 1, machineA))
	c.wantState(t, machineA, providers.MachineRunning)
}

func startOfMissing(t *testing.T, c computeCase) {
	_, err := c.Provider.Start(t.Context(), fence(1), machineA)
	wantClass(t, err, providers.NotFound)
}

func endedStaysStopped(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	c.start(t, 1, machineA)
	c.stop(t, 1, machineA)
	if m := c.start(t, 1, machineA); m.State != providers.MachineStopped {
		t.Errorf("state %s after a second start, want %s", m.State, providers.MachineStopped)
	}
	if m := c.ensure(t, 1, machineA); m.State != providers.MachineStopped {
		t.Errorf("state %s after a second ensure, want %s", m.State, providers.MachineStopped)
	}
	c.wantState(t, machineA, providers.MachineStopped)
}

func crashedStaysStopped(t *testing.T, c computeCase) {
	if c.Crash == nil {
		t.Skip("no machine of this provider can crash")
	}
	c.ensure(t, 1, machineA)
	c.start(t, 1, machineA)
	c.Crash(t, machineA)
	c.eventually(t, machineA, providers.MachineStopped)
	m := c.start(t, 1, machineA)
	if m.State != providers.MachineStopped || m.Message == "" {
		t.Errorf("state %s, message %q: want %s and why", m.State, m.Message, providers.MachineStopped)
	}
}

func stopStops(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	c.ensure(t, 1, machineB)
	c.start(t, 1, machineA)
	c.start(t, 1, machineB)
	c.stop(t, 1, machineA)
	c.wantState(t, machineA, providers.MachineStopped)
	c.wantState(t, machineB, providers.MachineRunning)
}

func stopIsIdempotent(t *testing.T, c computeCase) {
	c.stop(t, 1, machineC) // missing
	c.ensure(t, 1, machineA)
	c.stop(t, 1, machineA) // created
	c.ensure(t, 1, machineB)
	c.start(t, 1, machineB)
	c.stop(t, 1, machineB)
	c.stop(t, 1, machineB) // stopped
	c.remove(t, 1, machineB)
	c.stop(t, 1, machineB) // removed
	c.wantGone(t, machineC)
	c.wantGone(t, machineB)
}

func removeRemoves(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA) // never started
	c.ensure(t, 1, machineB)
	c.ensure(t, 1, machineC)
	c.start(t, 1, machineB)
	c.stop(t, 1, machineB)
	c.remove(t, 1, machineA)
	c.remove(t, 1, machineB)
	c.wantGone(t, machineA)
	c.wantGone(t, machineB)
	c.wantState(t, machineC, providers.MachineCreated)
}

func removeEndsRunning(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	c.start(t, 1, machineA)
	c.remove(t, 1, machineA)
	c.wantGone(t, machineA)
}

func removeIsIdempotent(t *testing.T, c computeCase) {
	c.remove(t, 1, machineA)
	c.remove(t, 1, machineA)
	c.ensure(t, 1, machineB)
	c.remove(t, 1, machineB)
	c.remove(t, 1, machineB)
}

func removePreventsEnsure(t *testing.T, c computeCase) {
	c.remove(t, 1, machineA)
	_, err := c.Provider.Ensure(t.Context(), fence(1), c.Spec(machineA))
	wantClass(t, err, providers.StaleEpoch)
	c.wantGone(t, machineA)
}

func removedStaysRemoved(t *testing.T, c computeCase) {
	c.ensure(t, 1, machineA)
	c.start(t, 1, machineA)
	c.remove(t, 1, machineA)
	for _, epoch := range []uint64{1, 2} {
		_, err := c.Provider.Ensure(t.Context(), fence(epoch), c.Spec(machineA))
		wantClass(t, err, providers.StaleEpoch)
		_, err = c.Provider.Start(t.Context(), fence(epoch), machineA)
		wantClass(t, err, providers.StaleEpoch)
	}
	c.wantGone(t, machineA)
}

// sameMachine fails unless both are the one machine, at whatever moment.
func sameMachine(t *testing.T, a, b providers.Machine) {
	t.Helper()
	if a.ID != b.ID || a.Instance != b.Instance || !a.CreateTime.Equal(b.CreateTime) {
		t.Errorf("two machines: %+v and %+v", a, b)
	}
}
