package autoscaling

import (
	"slices"
	"testing"
)

func TestLifecycleHasARowForEachStateInOrderOfLife(t *testing.T) {
	if len(Lifecycle) != StateCount-1 {
		t.Fatalf("%d rows for %d states", len(Lifecycle), StateCount-1)
	}
	for n, r := range Lifecycle {
		if r.State != InstanceState(n+1) || r.State.Row() != &Lifecycle[n] {
			t.Errorf("row %d is that of %s", n, r.State)
		}
		if r.Meaning == "" || r.Phase == "" {
			t.Errorf("%s is not explained", r.State)
		}
	}
	if InstanceState(0).Row() != nil || InstanceState(200).Row() != nil || InstanceState(200).CanBecome(Pending) || InstanceState(0).CanBecome(Initial) {
		t.Error("what is no state has a row or an exit")
	}
}

// No state is a dead end: each that is not final has somebody who moves it on,
// says how, and, unless it is at rest, until when.
func TestEachStateHasAnOwnerANextStepAndADeadline(t *testing.T) {
	for _, r := range Lifecycle {
		s := r.State
		if final := len(r.Exits) == 0; final != s.Final() || final != (r.Owner == "" && r.Next == "") {
			t.Errorf("%s: final %t, owner %q, next %q", s, s.Final(), r.Owner, r.Next)
		}
		if without := r.Deadline == ""; without != (s.Final() || s.Resting()) {
			t.Errorf("%s: resting %t, deadline %q", s, s.Resting(), r.Deadline)
		}
		if atWork := len(r.Steps) > 0; atWork != (!s.Final() && !s.Resting() && s != Initial) {
			t.Errorf("%s has the steps %v", s, r.Steps)
		}
	}
}

func TestTransitionsAreThoseOfTheTable(t *testing.T) {
	for _, r := range Lifecycle {
		said := map[string]bool{}
		for _, e := range r.Exits {
			if e.When == "" || said[e.When+e.To.String()] || e.To == r.State || e.To == 0 {
				t.Errorf("%s: exit %+v", r.State, e)
			}
			said[e.When+e.To.String()] = true
		}
		for next := InstanceState(0); int(next) < StateCount; next++ {
			want := slices.ContainsFunc(r.Exits, func(e Exit) bool { return e.To == next })
			if r.State.CanBecome(next) != want {
				t.Errorf("%s → %s: %t", r.State, next, !want)
			}
		}
	}
}

func TestStepsBelongToTheirStates(t *testing.T) {
	for _, c := range []struct {
		state InstanceState
		step  Step
		want  bool
	}{
		{Pending, StepCreate, true}, {Pending, StepDrain, false}, {Pending, StepNone, false},
		{PendingWait, StepHooks, true}, {TerminatingWait, StepHooks, true}, {Detaching, StepHooks, true}, {TerminatingProceed, StepHooks, false},
		{Detaching, StepRelease, true}, {TerminatingProceed, StepRelease, true}, {Detaching, StepDelete, false},
		{InService, StepNone, true}, {InService, StepDrain, false}, {Initial, StepNone, true}, {Terminated, StepNone, true},
	} {
		if c.state.CanBeAt(c.step) != c.want {
			t.Errorf("%s at %q: %t", c.state, c.step, !c.want)
		}
	}
}

// The table is asked with every instance that is written.
func TestAskingTheTableCostsNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		for s := Initial; s <= Warmed; s++ {
			_ = s.CanBecome(Terminating) || s.Final() || s.CanBeAt(StepDrain)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCanBecome(b *testing.B) {
	for n := 0; b.Loop(); n++ {
		_ = InstanceState(n % StateCount).CanBecome(Terminating)
	}
}
