package contracttest

import (
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

// adopter is the provider as one that takes machines over, or the test is
// skipped.
func (c computeCase) adopter(t *testing.T) providers.Adopter {
	t.Helper()
	a, ok := c.Provider.(providers.Adopter)
	if !ok || c.Outside == nil {
		t.Skip("this provider takes no machines over")
	}
	return a
}

func adoptSpec(instance, machineID string) providers.AdoptSpec {
	return providers.AdoptSpec{
		Instance: instance, Group: "namespaces/default/groups/web", MachineID: machineID, StopTimeout: stopTimeout,
	}
}

func (c computeCase) adopt(t *testing.T, epoch uint64, instance, machineID string) providers.Machine {
	t.Helper()
	m, err := c.adopter(t).Adopt(t.Context(), fence(epoch), adoptSpec(instance, machineID))
	if err != nil {
		t.Fatalf("adopt %s for %s: %v", machineID, instance, err)
	}
	return m
}

func (c computeCase) release(t *testing.T, epoch uint64, instance string) {
	t.Helper()
	if err := c.adopter(t).Release(t.Context(), fence(epoch), instance); err != nil {
		t.Fatalf("release %s: %v", instance, err)
	}
}

func (c computeCase) inspect(t *testing.T, machineID string) providers.Machine {
	t.Helper()
	m, err := c.adopter(t).Inspect(t.Context(), machineID)
	if err != nil {
		t.Fatalf("inspect %s: %v", machineID, err)
	}
	return m
}

// wantRuns fails unless the machine runs, looked at past the provider.
func (c computeCase) wantRuns(t *testing.T, machineID string) {
	t.Helper()
	if !c.Runs(t, machineID) {
		t.Fatalf("machine %s does not run any more", machineID)
	}
}

func (c computeCase) wantNobodys(t *testing.T, machineID string) {
	t.Helper()
	if m := c.inspect(t, machineID); m.Instance != "" || m.Cluster != "" {
		t.Fatalf("machine %s is of instance %q, cluster %q: want nobody's", machineID, m.Instance, m.Cluster)
	}
}

func inspectOfMissing(t *testing.T, c computeCase) {
	for _, id := range []string{"", "no-such-machine", "i-0000000000000000f", "../x", "4194304@127.0.0.1"} {
		_, err := c.adopter(t).Inspect(t.Context(), id)
		wantClass(t, err, providers.NotFound)
	}
}

func inspectOfOutside(t *testing.T, c computeCase) {
	a := c.adopter(t)
	id := c.Outside(t)
	m, err := a.Inspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if m.ID != id || m.State != providers.MachineRunning || len(m.Addresses) == 0 || m.CreateTime.IsZero() {
		t.Errorf("machine %+v: want it running, with id %s, address and time", m, id)
	}
	c.wantNobodys(t, id)
	if n := len(c.list(t).Machines); n != 0 {
		t.Errorf("%d machines are listed, and none is ours", n)
	}
}

func inspectOfOurs(t *testing.T, c computeCase) {
	c.adopter(t)
	c.ensure(t, 1, machineA)
	made := c.start(t, 1, machineA)
	got := c.inspect(t, made.ID)
	sameMachine(t, made, got)
	if got.Cluster != clusterName || got.State != providers.MachineRunning {
		t.Errorf("machine %+v: want it running, of cluster %s", got, clusterName)
	}
}

func adoptMarks(t *testing.T, c computeCase) {
	c.adopter(t)
	id := c.Outside(t)
	before := c.inspect(t, id)
	m := c.adopt(t, 1, machineA, id)
	if m.ID != id || m.Instance != machineA || m.Cluster != clusterName || m.Incarnation != "first" || m.State != providers.MachineRunning {
		t.Errorf("machine %+v: want %s running, and ours as %s", m, id, machineA)
	}
	if len(m.Addresses) == 0 || m.Addresses[0] != before.Addresses[0] || !m.CreateTime.Equal(before.CreateTime) {
		t.Errorf("adopted %+v, inspected %+v", m, before)
	}
	sameMachine(t, m, c.wantState(t, machineA, providers.MachineRunning))
	sameMachine(t, m, c.inspect(t, id))
	if started := c.start(t, 1, machineA); started.State != providers.MachineRunning || started.ID != id {
		t.Errorf("start of an adopted machine answers %+v", started)
	}
	c.wantRuns(t, id)
}

func adoptIsIdempotent(t *testing.T, c computeCase) {
	c.adopter(t)
	id := c.Outside(t)
	sameMachine(t, c.adopt(t, 1, machineA, id), c.adopt(t, 2, machineA, id))
	if n := len(c.list(t).Machines); n != 1 {
		t.Errorf("%d machines listed, want 1", n)
	}
}

func adoptOfTaken(t *testing.T, c computeCase) {
	a := c.adopter(t)
	id := c.Outside(t)
	c.adopt(t, 1, machineA, id)
	_, err := a.Adopt(t.Context(), fence(1), adoptSpec(machineB, id))
	wantClass(t, err, providers.Conflict)
	c.ensure(t, 1, machineC)
	made := c.start(t, 1, machineC)
	_, err = a.Adopt(t.Context(), fence(1), adoptSpec(machineB, made.ID))
	wantClass(t, err, providers.Conflict)
	c.wantGone(t, machineB)
	c.wantState(t, machineA, providers.MachineRunning)
	c.remove(t, 1, machineB) // what failed has nothing of another one's
	c.wantState(t, machineA, providers.MachineRunning)
	c.wantState(t, machineC, providers.MachineRunning)
}

func adoptForHolder(t *testing.T, c computeCase) {
	a := c.adopter(t)
	first, second := c.Outside(t), c.Outside(t)
	c.adopt(t, 1, machineA, first)
	_, err := a.Adopt(t.Context(), fence(1), adoptSpec(machineA, second))
	wantClass(t, err, providers.Conflict)
	c.ensure(t, 1, machineB)
	_, err = a.Adopt(t.Context(), fence(1), adoptSpec(machineB, second))
	wantClass(t, err, providers.Conflict)
	c.wantNobodys(t, second)
}

func adoptOfMissing(t *testing.T, c computeCase) {
	_, err := c.adopter(t).Adopt(t.Context(), fence(1), adoptSpec(machineA, "no-such-machine"))
	wantClass(t, err, providers.NotFound)
	c.wantGone(t, machineA)
}

func adoptOfSuccessor(t *testing.T, c computeCase) {
	a := c.adopter(t)
	id := c.Outside(t)
	spec := adoptSpec(machineA, id)
	spec.CreateTime = c.inspect(t, id).CreateTime.Add(-time.Hour)
	_, err := a.Adopt(t.Context(), fence(1), spec)
	wantClass(t, err, providers.NotFound)
	c.wantNobodys(t, id)
	spec.CreateTime = c.inspect(t, id).CreateTime.Truncate(time.Microsecond)
	if _, err := a.Adopt(t.Context(), fence(1), spec); err != nil {
		t.Fatal(err)
	}
}

func adoptedIsEnded(t *testing.T, c computeCase) {
	c.adopter(t)
	first, second := c.Outside(t), c.Outside(t)
	c.adopt(t, 1, machineA, first)
	c.adopt(t, 1, machineB, second)
	c.stop(t, 1, machineA)
	if m := c.wantState(t, machineA, providers.MachineStopped); m.Message == "" {
		t.Error("a stopped machine does not say why")
	}
	if c.Runs(t, first) {
		t.Error("a stopped machine runs")
	}
	c.remove(t, 1, machineA)
	c.wantGone(t, machineA)
	c.remove(t, 1, machineB) // without a stop
	c.wantGone(t, machineB)
	if c.Runs(t, second) {
		t.Error("a removed machine runs")
	}
	_, err := c.adopter(t).Adopt(t.Context(), fence(2), adoptSpec(machineB, second))
	wantClass(t, err, providers.StaleEpoch)
}

func adoptedCrashes(t *testing.T, c computeCase) {
	if c.adopter(t); c.Crash == nil {
		t.Skip("no machine of this provider can crash")
	}
	c.adopt(t, 1, machineA, c.Outside(t))
	c.Crash(t, machineA)
	c.eventually(t, machineA, providers.MachineStopped)
	c.stop(t, 1, machineA)
	c.remove(t, 1, machineA)
	c.wantGone(t, machineA)
}

func releaseLetsGo(t *testing.T, c computeCase) {
	c.adopter(t)
	id := c.Outside(t)
	before := c.inspect(t, id)
	c.adopt(t, 1, machineA, id)
	c.release(t, 1, machineA)
	c.wantGone(t, machineA)
	c.wantRuns(t, id)
	c.wantNobodys(t, id)
	sameMachine(t, before, c.inspect(t, id))
	c.release(t, 1, machineA)
	c.release(t, 2, machineA)
	c.wantRuns(t, id)
}

func releaseOfMade(t *testing.T, c computeCase) {
	c.adopter(t)
	c.ensure(t, 1, machineA)
	made := c.start(t, 1, machineA)
	c.release(t, 1, machineA)
	c.wantGone(t, machineA)
	c.wantRuns(t, made.ID)
	c.wantNobodys(t, made.ID)
}

func releasedIsOutOfReach(t *testing.T, c computeCase) {
	a := c.adopter(t)
	id := c.Outside(t)
	c.adopt(t, 1, machineA, id)
	c.ensure(t, 1, machineB)
	made := c.start(t, 1, machineB)
	for instance, machineID := range map[string]string{machineA: id, machineB: made.ID} {
		c.release(t, 1, instance)
		c.stop(t, 2, instance)
		c.remove(t, 3, instance)
		_, err := c.Provider.Ensure(t.Context(), fence(4), c.Spec(instance))
		wantClass(t, err, providers.StaleEpoch)
		_, err = c.Provider.Start(t.Context(), fence(4), instance)
		wantClass(t, err, providers.StaleEpoch)
		_, err = a.Adopt(t.Context(), fence(4), adoptSpec(instance, machineID))
		wantClass(t, err, providers.StaleEpoch)
		c.wantGone(t, instance)
		c.wantRuns(t, machineID)
		c.wantNobodys(t, machineID)
	}
}

func releasePreventsAdopt(t *testing.T, c computeCase) {
	a := c.adopter(t)
	id := c.Outside(t)
	c.release(t, 1, machineA)
	_, err := a.Adopt(t.Context(), fence(1), adoptSpec(machineA, id))
	wantClass(t, err, providers.StaleEpoch)
	_, err = c.Provider.Ensure(t.Context(), fence(1), c.Spec(machineA))
	wantClass(t, err, providers.StaleEpoch)
	c.wantNobodys(t, id)
	c.ensure(t, 1, machineB)
	c.remove(t, 1, machineB)
	c.release(t, 1, machineB) // a removed one
}

func releasedIsAdopted(t *testing.T, c computeCase) {
	c.adopter(t)
	id := c.Outside(t)
	first := c.adopt(t, 1, machineA, id)
	c.release(t, 1, machineA)
	if again := c.adopt(t, 1, machineB, id); again.ID != first.ID || again.Addresses[0] != first.Addresses[0] || again.Instance != machineB {
		t.Errorf("adopted again: %+v, at first: %+v", again, first)
	}
	c.wantGone(t, machineA)
	c.wantState(t, machineB, providers.MachineRunning)
	c.remove(t, 2, machineA) // late
	c.wantState(t, machineB, providers.MachineRunning)
	c.release(t, 1, machineB)
	c.adopt(t, 1, machineC, id)
	c.remove(t, 1, machineC)
	if c.Runs(t, id) {
		t.Error("a machine that was removed in the end runs")
	}

	const made, heir = "i-0000000000000000d", "i-0000000000000000e"
	c.ensure(t, 1, made)
	ours := c.start(t, 1, made)
	c.release(t, 1, made)
	if m := c.adopt(t, 1, heir, ours.ID); m.ID != ours.ID || m.State != providers.MachineRunning {
		t.Errorf("adopted %+v, made %+v", m, ours)
	}
	c.wantGone(t, made)
	c.stop(t, 1, heir)
	if c.wantState(t, heir, providers.MachineStopped); c.Runs(t, ours.ID) {
		t.Error("a machine that was made, released, adopted and stopped runs")
	}
	c.remove(t, 1, heir)
}

func releasedKeepsAddress(t *testing.T, c computeCase) {
	c.adopter(t)
	c.ensure(t, 1, machineA)
	released := c.start(t, 1, machineA)
	c.release(t, 1, machineA)
	c.remove(t, 1, machineA)
	for _, instance := range []string{machineB, machineC} {
		if m := c.ensure(t, 1, instance); len(m.Addresses) > 0 && m.Addresses[0] == released.Addresses[0] {
			t.Errorf("%s got %s, which a machine that was released has", instance, m.Addresses[0])
		}
	}
	if got := c.inspect(t, released.ID); len(got.Addresses) == 0 || got.Addresses[0] != released.Addresses[0] {
		t.Errorf("released with %v, has %v", released.Addresses, got.Addresses)
	}
}

func lowerEpochNeitherAdoptsNorReleases(t *testing.T, c computeCase) {
	a := c.adopter(t)
	id := c.Outside(t)
	c.adopt(t, 5, machineA, id)
	refusesAll(t, c, 4, machineA)
	_, err := a.Adopt(t.Context(), fence(4), adoptSpec(machineA, id))
	wantClass(t, err, providers.StaleEpoch)
	wantClass(t, a.Release(t.Context(), fence(4), machineA), providers.StaleEpoch)
	c.wantState(t, machineA, providers.MachineRunning)
	c.release(t, 6, machineA)
	wantClass(t, a.Release(t.Context(), fence(5), machineA), providers.StaleEpoch)
}

func clustersDoNotAdopt(t *testing.T, c computeCase) {
	a := c.adopter(t)
	id := c.Outside(t)
	c.adopt(t, 1, machineA, id)
	theirs := providers.Fence{Cluster: "another", Incarnation: "first", Epoch: 9}
	for _, instance := range []string{machineA, machineB} {
		_, err := a.Adopt(t.Context(), theirs, adoptSpec(instance, id))
		wantClass(t, err, providers.Conflict)
	}
	wantClass(t, a.Release(t.Context(), theirs, machineA), providers.Conflict)
	c.wantState(t, machineA, providers.MachineRunning)
}

func nodesShareAdoption(t *testing.T, c computeCase) {
	c.adopter(t)
	other := c.other(t)
	id := c.Outside(t)
	adopted := c.adopt(t, 1, machineA, id)
	sameMachine(t, adopted, other.adopt(t, 2, machineA, id))
	sameMachine(t, adopted, other.wantState(t, machineA, providers.MachineRunning))
	other.release(t, 3, machineA)
	c.wantGone(t, machineA)
	c.wantNobodys(t, id)
	other.adopt(t, 3, machineB, id)
	c.stop(t, 4, machineB)
	other.wantState(t, machineB, providers.MachineStopped)
}

func concurrentAdopt(t *testing.T, c computeCase) {
	nodes := []computeCase{c, c}
	if c.Reopen != nil {
		nodes = []computeCase{c, c.other(t)}
	}
	c.adopter(t)
	id := c.Outside(t)
	instances := []string{machineA, machineB, machineC}
	var mu sync.Mutex
	winners := map[string]bool{}
	var wg sync.WaitGroup
	for n := range 4 * len(instances) {
		instance, a := instances[n%len(instances)], nodes[n%len(nodes)].adopter(t)
		wg.Go(func() {
			_, err := a.Adopt(t.Context(), fence(1), adoptSpec(instance, id))
			switch {
			case err == nil:
				mu.Lock()
				winners[instance] = true
				mu.Unlock()
			case providers.ClassOf(err) != providers.Conflict:
				t.Errorf("error %q is %s, want %s", err, providers.ClassOf(err), providers.Conflict)
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 || len(c.list(t).Machines) != 1 {
		t.Errorf("%v adopted the machine, %d are listed: want one", winners, len(c.list(t).Machines))
	}
}
