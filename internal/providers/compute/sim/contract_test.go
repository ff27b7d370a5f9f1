package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
	"github.com/asctl/as/internal/providers/contracttest"
)

func open(t *testing.T, config sim.Config) *sim.Cloud {
	t.Helper()
	c, err := sim.NewCloud(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func spec(instance string) providers.MachineSpec {
	return providers.MachineSpec{Instance: instance, Group: "namespaces/default/groups/web", Zone: "a"}
}

func fixture(t *testing.T, cloud *sim.Cloud, reopen func(t *testing.T) providers.Compute) contracttest.ComputeFixture {
	return contracttest.ComputeFixture{
		Provider: cloud,
		Spec:     spec,
		Invalid: []providers.MachineSpec{
			{Instance: "i-1", Zone: "a", Config: []byte(`{"cpuu": 1}`)},
			{Instance: "i-1", Zone: "a", Config: []byte(`{"cpu": -1}`)},
			{Instance: "i-1", Zone: "a", Config: []byte(`{`)},
			{Instance: "i-1", Zone: "a", Env: map[string]string{"AS_SIM_CPU": "much"}},
		},
		Crash: func(t *testing.T, instance string) {
			if killed, err := cloud.Kill(instance); err != nil || !killed {
				t.Errorf("kill %s: %v, %v", instance, killed, err)
			}
		},
		Reopen:  reopen,
		Outside: func(t *testing.T) string { return outside(t, cloud) },
		Runs: func(t *testing.T, machineID string) bool {
			m, err := cloud.Inspect(t.Context(), machineID)
			if err != nil && providers.ClassOf(err) != providers.NotFound {
				t.Error(err)
			}
			return m.State == providers.MachineRunning
		},
		AddressAtEnsure: true,
	}
}

// outside makes a machine that is nobody's.
func outside(t *testing.T, cloud *sim.Cloud) string {
	t.Helper()
	ids, err := cloud.Outside()
	if err != nil {
		t.Fatal(err)
	}
	m, err := cloud.CreateMachine(fmt.Sprintf("m-%d", len(ids)+1), "a")
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func TestContractInMemory(t *testing.T) {
	contracttest.Compute(t, func(t *testing.T) contracttest.ComputeFixture {
		cloud := open(t, sim.Config{})
		return fixture(t, cloud, func(*testing.T) providers.Compute { return cloud })
	})
}

func TestContractWithDirectory(t *testing.T) {
	contracttest.Compute(t, func(t *testing.T) contracttest.ComputeFixture {
		config := sim.Config{Directory: t.TempDir()}
		return fixture(t, open(t, config), func(t *testing.T) providers.Compute { return open(t, config) })
	})
}

func TestContractWithDelays(t *testing.T) {
	contracttest.Compute(t, func(t *testing.T) contracttest.ComputeFixture {
		config := sim.Config{Directory: t.TempDir(), LaunchDelay: 5 * time.Millisecond, TerminateDelay: 5 * time.Millisecond}
		return fixture(t, open(t, config), func(t *testing.T) providers.Compute { return open(t, config) })
	})
}
