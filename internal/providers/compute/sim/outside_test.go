package sim_test

import (
	"slices"
	"testing"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

func adoptOf(instance, machineID string) providers.AdoptSpec {
	return providers.AdoptSpec{Instance: instance, Group: "g", MachineID: machineID}
}

func wantOutside(t *testing.T, c *sim.Cloud, want ...string) {
	t.Helper()
	got, err := c.Outside()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("nobody's are %v (%v), want %v", got, err, want)
	}
}

// The machines of the settings are there from the beginning, once: an open by
// another node, or after they were taken over or ended, makes none anew.
func TestMachinesOfTheSettings(t *testing.T) {
	config := sim.Config{Directory: t.TempDir(), Machines: []string{"m-1", "m-2@b", "m-3"}}
	c := open(t, config)
	wantOutside(t, c, "m-1", "m-2", "m-3")
	for id, zone := range map[string]string{"m-1": "default", "m-2": "b"} {
		if m, err := c.Inspect(t.Context(), id); err != nil || m.Zone != zone || m.State != providers.MachineRunning {
			t.Errorf("machine %+v (%v), want it running in zone %s", m, err, zone)
		}
	}
	for n, id := range []string{"m-1", "m-2"} {
		if _, err := c.Adopt(t.Context(), fence(1), adoptOf(instance(n), id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Remove(t.Context(), fence(1), instance(0)); err != nil {
		t.Fatal(err)
	}
	again := open(t, config)
	wantOutside(t, again, "m-3")
	if _, err := again.Inspect(t.Context(), "m-1"); providers.ClassOf(err) != providers.NotFound {
		t.Errorf("a machine that was ended: %v", err)
	}
	if err := again.Release(t.Context(), fence(1), instance(1)); err != nil {
		t.Fatal(err)
	}
	wantOutside(t, c, "m-2", "m-3")
}

// A machine that is nobody's takes up room and an address like any other.
func TestMachinesOutsideTakeUpRoom(t *testing.T) {
	c := open(t, sim.Config{ZoneCapacity: map[string]int{"a": 1}, Machines: []string{"m-1@a"}})
	_, err := c.Ensure(t.Context(), fence(1), spec(instance(0)))
	wantClass(t, err, providers.OutOfCapacity)
	if gone, err := c.VanishMachine("m-1"); !gone || err != nil {
		t.Fatal(gone, err)
	}
	launch(t, c, instance(0))
}

// What happens to machines that others made: they end, they vanish, their names
// are given again.
func TestFaultsOfMachinesOutside(t *testing.T) {
	c := open(t, sim.Config{Machines: []string{"m-1"}})
	if killed, err := c.KillMachine("m-1"); !killed || err != nil {
		t.Fatal(killed, err)
	}
	_, err := c.Adopt(t.Context(), fence(1), adoptOf(instance(0), "m-1"))
	wantClass(t, err, providers.Failed)
	if gone, err := c.VanishMachine("m-1"); !gone || err != nil {
		t.Fatal(gone, err)
	}
	if _, err := c.CreateMachine("m-1", "a"); err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateMachine("m-1", "a")
	wantClass(t, err, providers.Conflict)
	if _, err := c.Adopt(t.Context(), fence(1), adoptOf(instance(0), "m-1")); err != nil {
		t.Fatal(err)
	}
	if killed, err := c.KillMachine("m-1"); !killed || err != nil {
		t.Fatal(killed, err)
	}
	if m := list(t, c)[instance(0)]; m.State != providers.MachineStopped {
		t.Errorf("machine %+v, want it stopped", m)
	}
	// Of one that has ended nothing is left to let go.
	if err := c.Release(t.Context(), fence(1), instance(0)); err != nil {
		t.Fatal(err)
	}
	wantOutside(t, c)
}

func TestFaultsOfAdoptionAndRelease(t *testing.T) {
	c := open(t, sim.Config{Machines: []string{"m-1"}})
	for _, op := range []sim.Op{sim.OpInspect, sim.OpAdopt, sim.OpRelease} {
		call := func() error {
			switch op {
			case sim.OpInspect:
				_, err := c.Inspect(t.Context(), "m-1")
				return err
			case sim.OpAdopt:
				_, err := c.Adopt(t.Context(), fence(1), adoptOf(instance(0), "m-1"))
				return err
			}
			return c.Release(t.Context(), fence(1), instance(0))
		}
		fault := func(is sim.Op, _, _ string) error {
			if is == op {
				return providers.Errorf(providers.Throttled, "slow down")
			}
			return nil
		}
		c.SetFault(fault)
		wantClass(t, call(), providers.Throttled)
		c.SetFault(nil)
		c.Outage(true)
		wantClass(t, call(), providers.Unavailable)
		c.Outage(false)
		c.SetLostAnswer(fault)
		wantClass(t, call(), providers.Throttled) // and it has happened
		c.SetLostAnswer(nil)
		if err := call(); err != nil {
			t.Errorf("%s again: %v", op, err)
		}
	}
	wantOutside(t, c, "m-1")
}
