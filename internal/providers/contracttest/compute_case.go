package contracttest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

const (
	clusterName = "contract"
	machineA    = "i-0000000000000000a"
	machineB    = "i-0000000000000000b"
	machineC    = "i-0000000000000000c"

	stopTimeout = 5 * time.Second
	patience    = 10 * time.Second // for what a provider does in its own time
)

// fence is the call of the leader of the term.
func fence(epoch uint64) providers.Fence {
	return providers.Fence{Cluster: clusterName, Incarnation: "first", Epoch: epoch}
}

// computeCase is a fixture with verbs that fail the test.
type computeCase struct{ ComputeFixture }

// on is the same case through another node's provider.
func (c computeCase) on(p providers.Compute) computeCase {
	c.Provider = p
	return c
}

func (c computeCase) ensure(t *testing.T, epoch uint64, instance string) providers.Machine {
	t.Helper()
	m, err := c.Provider.Ensure(t.Context(), fence(epoch), c.Spec(instance))
	if err != nil {
		t.Fatalf("ensure %s: %v", instance, err)
	}
	return m
}

func (c computeCase) start(t *testing.T, epoch uint64, instance string) providers.Machine {
	t.Helper()
	m, err := c.Provider.Start(t.Context(), fence(epoch), instance)
	if err != nil {
		t.Fatalf("start %s: %v", instance, err)
	}
	return m
}

func (c computeCase) stop(t *testing.T, epoch uint64, instance string) {
	t.Helper()
	if err := c.Provider.Stop(t.Context(), fence(epoch), instance, stopTimeout); err != nil {
		t.Fatalf("stop %s: %v", instance, err)
	}
}

func (c computeCase) remove(t *testing.T, epoch uint64, instance string) {
	t.Helper()
	if err := c.Provider.Remove(t.Context(), fence(epoch), instance); err != nil {
		t.Fatalf("remove %s: %v", instance, err)
	}
}

func (c computeCase) list(t *testing.T) providers.Listing {
	t.Helper()
	l, err := c.Provider.List(t.Context(), clusterName)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return l
}

// listed is the machine as List has it; ok is false when it is not there.
func (c computeCase) listed(t *testing.T, instance string) (m providers.Machine, ok bool) {
	t.Helper()
	all := c.list(t).Machines
	i := slices.IndexFunc(all, func(m providers.Machine) bool { return m.Instance == instance })
	if i < 0 {
		return providers.Machine{}, false
	}
	return all[i], true
}

// wantState fails unless List has the machine in the state.
func (c computeCase) wantState(t *testing.T, instance string, state providers.MachineState) providers.Machine {
	t.Helper()
	m, ok := c.listed(t, instance)
	if !ok {
		t.Fatalf("%s is not listed, want it %s", instance, state)
	}
	if m.State != state {
		t.Fatalf("%s is %s (%s), want %s", instance, m.State, m.Message, state)
	}
	return m
}

func (c computeCase) wantGone(t *testing.T, instance string) {
	t.Helper()
	if m, ok := c.listed(t, instance); ok {
		t.Fatalf("%s is still listed as %s", instance, m.State)
	}
}

// eventually waits for what happens without a call of ours.
func (c computeCase) eventually(t *testing.T, instance string, state providers.MachineState) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if m, ok := c.listed(t, instance); ok && m.State == state {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	c.wantState(t, instance, state)
}

// other is a second node's provider, or the test is skipped.
func (c computeCase) other(t *testing.T) computeCase {
	t.Helper()
	if c.Reopen == nil {
		t.Skip("the machines of this provider are not shared between nodes")
	}
	return c.on(c.Reopen(t))
}

// wantClass fails unless err carries the class and a text for the user.
func wantClass(t *testing.T, err error, class providers.Class) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", class)
	}
	if got := providers.ClassOf(err); got != class {
		t.Fatalf("error %q is %s, want %s", err, got, class)
	}
	if strings.TrimSpace(err.Error()) == "" {
		t.Fatalf("an error of class %s says nothing", class)
	}
}
