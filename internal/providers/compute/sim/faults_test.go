package sim_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestFaultHappensBeforeTheCallLostAnswerAfter(t *testing.T) {
	c := open(t, sim.Config{})
	broken := errors.New("broken wire")
	var asked []string
	fault := func(op sim.Op, instance, zone string) error {
		asked = append(asked, string(op)+" "+instance+" "+zone)
		if op == sim.OpEnsure {
			return broken
		}
		return nil
	}
	c.SetFault(fault)
	if _, err := c.Ensure(t.Context(), fence(1), spec(instance(1))); !errors.Is(err, broken) {
		t.Fatalf("error %v, want the fault", err)
	}
	if len(list(t, c)) != 0 {
		t.Error("a call with a fault made a machine")
	}
	c.SetFault(nil)
	c.SetLostAnswer(fault)
	if _, err := c.Ensure(t.Context(), fence(1), spec(instance(1))); !errors.Is(err, broken) {
		t.Fatalf("error %v, want the lost answer", err)
	}
	if _, err := c.Start(t.Context(), fence(1), instance(1)); err != nil {
		t.Fatal(err)
	}
	c.SetLostAnswer(nil)
	if list(t, c)[instance(1)].State != providers.MachineRunning {
		t.Error("the call whose answer was lost made no machine")
	}
	want := "start " + instance(1) + " a"
	if got := asked[len(asked)-1]; got != want {
		t.Errorf("the fault was asked about %q, want %q", got, want)
	}
}

func TestOutageIsUnavailable(t *testing.T) {
	c := open(t, sim.Config{})
	launch(t, c, instance(1))
	c.Outage(true)
	_, err := c.List(t.Context(), cluster)
	wantClass(t, err, providers.Unavailable)
	wantClass(t, c.Remove(t.Context(), fence(1), instance(1)), providers.Unavailable)
	c.Outage(false)
	if list(t, c)[instance(1)].State != providers.MachineRunning {
		t.Error("the machine did not outlive the outage")
	}
}

func TestBornBrokenEndsAsItRuns(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := open(t, sim.Config{LaunchDelay: time.Second})
		c.BornBroken(true)
		if m := launch(t, c, instance(1)); m.State != providers.MachineStopped || m.Message == "" {
			t.Errorf("state %s, message %q", m.State, m.Message)
		}
		c.BornBroken(false)
		if m := launch(t, c, instance(2)); m.State != providers.MachineRunning {
			t.Errorf("state %s", m.State)
		}
	})
}

func TestVanishedMachineIsGoneWithoutATrace(t *testing.T) {
	config := sim.Config{Directory: t.TempDir()}
	c, other := open(t, config), open(t, config)
	launch(t, c, instance(1))
	if gone, err := c.Vanish(instance(1)); err != nil || !gone {
		t.Fatalf("vanish: %v, %v", gone, err)
	}
	if len(list(t, c)) != 0 || len(list(t, other)) != 0 {
		t.Error("the machine is still listed")
	}
	launch(t, other, instance(1)) // nothing forbids it
}

func TestMachineFromOutsideIsListed(t *testing.T) {
	config := sim.Config{Directory: t.TempDir()}
	c := open(t, config)
	made, err := c.CreateOutside(providers.Machine{Instance: instance(9), Cluster: cluster, Incarnation: "older", Zone: "b"})
	if err != nil {
		t.Fatal(err)
	}
	got := list(t, open(t, config))[instance(9)]
	if got.ID != made.ID || got.State != providers.MachineRunning || got.Incarnation != "older" || got.Zone != "b" {
		t.Errorf("listed %+v, made %+v", got, made)
	}
}

func TestNewIncarnationStartsItsEpochsOver(t *testing.T) {
	c := open(t, sim.Config{})
	if _, err := c.Ensure(t.Context(), fence(9), spec(instance(1))); err != nil {
		t.Fatal(err)
	}
	restored := providers.Fence{Cluster: cluster, Incarnation: "second", Epoch: 2}
	if _, err := c.Start(t.Context(), restored, instance(1)); err != nil {
		t.Fatal(err)
	}
	restored.Epoch = 1
	wantClass(t, c.Stop(t.Context(), restored, instance(1), 0), providers.StaleEpoch)
	if m := list(t, c)[instance(1)]; m.Incarnation != "first" {
		t.Errorf("the machine's tag became %q", m.Incarnation)
	}
}

func TestUsageIsWhatTheConfigurationStates(t *testing.T) {
	c := open(t, sim.Config{Directory: t.TempDir()})
	fixed, env, idle, stopped := spec(instance(1)), spec(instance(2)), spec(instance(3)), spec(instance(4))
	fixed.Config = []byte(`{"cpu": 40, "memory": 12.5}`)
	env.Config, env.Env = []byte(`{"cpu": 40}`), map[string]string{"AS_SIM_CPU": "70"}
	stopped.Config = fixed.Config
	for _, s := range []providers.MachineSpec{fixed, env, idle, stopped} {
		if _, err := c.Ensure(t.Context(), fence(1), s); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Start(t.Context(), fence(1), s.Instance); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Stop(t.Context(), fence(1), stopped.Instance, 0); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, c, map[string][2]float64{instance(1): {40, 12.5}, instance(2): {70, -1}, instance(3): {0, -1}})
	if err := c.SetUsage(instance(3), 99, 5); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, c, map[string][2]float64{instance(1): {40, 12.5}, instance(2): {70, -1}, instance(3): {99, 5}})
}

func TestLoadIsSharedByTheGroup(t *testing.T) {
	c := open(t, sim.Config{})
	for n := range 4 {
		s := spec(instance(n))
		s.Config = []byte(`{"load": 200}`)
		if _, err := c.Ensure(t.Context(), fence(1), s); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Start(t.Context(), fence(1), s.Instance); err != nil {
			t.Fatal(err)
		}
	}
	wantUsage(t, c, map[string][2]float64{instance(0): {50, -1}, instance(1): {50, -1}, instance(2): {50, -1}, instance(3): {50, -1}})
	if err := c.SetLoad(spec("").Group, 120); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context(), fence(1), instance(3), 0); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, c, map[string][2]float64{instance(0): {40, -1}, instance(1): {40, -1}, instance(2): {40, -1}})
}

func wantUsage(t *testing.T, c *sim.Cloud, want map[string][2]float64) {
	t.Helper()
	usages, err := c.Usage(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	if len(usages) != len(want) {
		t.Errorf("usage of %d machines, want %d", len(usages), len(want))
	}
	for _, u := range usages {
		if got := [2]float64{u.CPUPercent, u.MemoryPercent}; got != want[u.Instance] {
			t.Errorf("%s uses %v, want %v", u.Instance, got, want[u.Instance])
		}
	}
}
