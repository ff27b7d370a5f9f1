package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// attached is a world with an attached instance at its first step, and the group.
func attached(t *testing.T, entrusted bool) (*controltest.World, autoscaling.UID, *autoscaling.Instance) {
	t.Helper()
	w := controltest.New()
	w.Platform.Machines["sim/m-1"] = control.MachineStatus{Running: true, Addresses: []string{"10.9.0.1"}, CreateTime: w.Now}
	var group autoscaling.UID
	w.MustDo(func(tx *fsm.Tx) error {
		_, _, err := w.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: "app"}, Template: autoscaling.Template{Provider: "sim", StopTimeout: 7 * time.Second},
		})
		if err != nil {
			return err
		}
		spec := autoscaling.DefaultGroupSpec()
		spec.Max, spec.Configuration = 5, autoscaling.ConfigurationRef{ID: "app"}
		g, err := w.Ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec})
		group = g.UID
		return err
	})
	w.MustDo(func(tx *fsm.Tx) error {
		a, err := w.Ops.AttachInstances(tx, control.AttachInstancesRequest{
			Group: control.GroupName{Namespace: "default", ID: "web"}, MachineIDs: []string{"m-1"}, Entrusted: entrusted,
		})
		if err == nil && a.Status != autoscaling.ActivityInProgress {
			t.Fatalf("refused: %s", a.Message)
		}
		return err
	})
	one := func() *autoscaling.Instance { return slices.Collect(w.View().Instances(group))[0] }
	w.MustDo(func(tx *fsm.Tx) error { return w.Ops.Begin(tx, group, one().ID) })
	return w, group, one()
}

// only is the group's one effect.
func only(t *testing.T, w *controltest.World, group autoscaling.UID, action plan.Action) plan.Machine {
	t.Helper()
	effects := plan.Effects(w.View(), group, w.Now)
	if len(effects) != 1 || effects[0].Action != action {
		t.Fatalf("effects %v, want %s", effects, action)
	}
	return effects[0]
}

func TestWhatAnAnswerToAdoptMeans(t *testing.T) {
	running := providers.Machine{ID: "m-1", State: providers.MachineRunning, Addresses: []string{"10.9.0.1"}}
	for name, c := range map[string]struct {
		answer  providers.Machine
		err     error
		state   autoscaling.InstanceState
		step    autoscaling.Step
		unknown bool
	}{
		"it is ours":                 {answer: running, state: autoscaling.InService},
		"it does not run":            {answer: providers.Machine{ID: "m-1", State: providers.MachineStopped}, state: autoscaling.TerminatingProceed, step: autoscaling.StepRelease},
		"it is another one's":        {err: providers.Errorf(providers.Conflict, "taken"), state: autoscaling.TerminatingProceed, step: autoscaling.StepRelease},
		"there is none":              {err: providers.Errorf(providers.NotFound, "gone"), state: autoscaling.TerminatingProceed, step: autoscaling.StepRelease},
		"we may not":                 {err: providers.Errorf(providers.Unauthorized, "no"), state: autoscaling.TerminatingProceed, step: autoscaling.StepRelease},
		"the provider was not there": {err: providers.Errorf(providers.Unavailable, "later"), state: autoscaling.Pending, step: autoscaling.StepCreate},
		"nobody knows":               {err: fmt.Errorf("time-out"), state: autoscaling.Pending, step: autoscaling.StepCreate, unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, group, i := attached(t, false)
			m := only(t, w, group, plan.Adopt)
			fact, unknown := m.Outcome(c.answer, c.err)
			if unknown != c.unknown {
				t.Errorf("unknown is %t", unknown)
			}
			w.MustDo(func(tx *fsm.Tx) error { return fact(tx, w.Ops) })
			if i = w.View().Instance(group, i.ID); i.State != c.state || i.Step != c.step {
				t.Errorf("it is %s at %s, want %s at %s", i.State, i.Step, c.state, c.step)
			}
			if c.state == autoscaling.TerminatingProceed { // the next one has only its mark to take off
				only(t, w, group, plan.Release)
				if g := w.View().Group(group); len(g.Backoffs) != 0 || g.LaunchFailures != 0 {
					t.Errorf("an attachment that failed holds launches: %+v", g.Backoffs)
				}
			}
		})
	}
}

func TestAdoptSpecIsThatOfTheMachineThatWasLookedAt(t *testing.T) {
	w, _, i := attached(t, true)
	want := providers.AdoptSpec{
		Instance: string(i.ID), Group: "namespaces/default/groups/web", MachineID: "m-1", CreateTime: w.Now.Std(), StopTimeout: 7 * time.Second,
	}
	if got := plan.AdoptSpec(w.View().Reader, i); got != want {
		t.Errorf("spec %+v, want %+v", got, want)
	}
}

// What a listing says of an attached machine whose adoption nobody answered, and
// of those that are not in it.
func TestListingsOfAttachedMachines(t *testing.T) {
	w, group, i := attached(t, false)
	missing := plan.Missing{}
	compare := func(at time.Duration, machines ...providers.Machine) (facts []plan.Fact, strangers []providers.Machine) {
		l := plan.Listing{Provider: "sim", Machines: machines, Before: w.View(), Now: w.View(), Began: at, Lag: time.Second}
		return l.Compare(missing)
	}
	// It does not bear our mark yet: nobody misses it.
	for at := range 3 {
		if facts, _ := compare(time.Duration(at) * time.Minute); len(facts) != 0 {
			t.Fatal("a machine is missed that was not adopted yet")
		}
	}
	ours := providers.Machine{ID: "m-1", Instance: string(i.ID), State: providers.MachineRunning, Addresses: []string{"10.9.0.1"}}
	facts, _ := compare(4*time.Minute, ours)
	if len(facts) != 1 {
		t.Fatalf("%d facts of a machine that bears our mark, want 1", len(facts))
	}
	w.MustDo(func(tx *fsm.Tx) error { return facts[0](tx, w.Ops) })
	if i = w.View().Instance(group, i.ID); i.State != autoscaling.InService || !i.Adopted || i.Addresses[0] != "10.9.0.1" {
		t.Fatalf("it is %s, adopted %t, at %v", i.State, i.Adopted, i.Addresses)
	}
	if facts, _ = compare(5*time.Minute, ours); len(facts) != 0 {
		t.Errorf("%d facts of what is known", len(facts))
	}
	// From here on it is missed like any other.
	compare(6 * time.Minute)
	if facts, _ = compare(7 * time.Minute); len(facts) != 1 {
		t.Errorf("%d facts of a machine that vanished, want 1", len(facts))
	}
	// Our mark may be off already while we wait to hear so.
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.DetachInstances(tx, control.DetachInstancesRequest{Group: control.GroupName{Namespace: "default", ID: "web"}, Instances: []string{string(i.ID)}})
		return err
	})
	only(t, w, group, plan.Release)
	for at := range 3 {
		if facts, _ := compare(time.Duration(8+at) * time.Minute); len(facts) != 0 {
			t.Fatal("a machine is missed that is being released")
		}
	}
}

func TestStrangersAreNotThoseThatWereLetGo(t *testing.T) {
	w, group, i := attached(t, false)
	incarnation := string(w.View().Cluster().Incarnation)
	ours := providers.Machine{ID: "m-1", Instance: string(i.ID), Incarnation: incarnation, State: providers.MachineRunning}
	stranger := func() bool { return plan.IsStranger(w.View(), "sim", ours, incarnation) }
	if stranger() {
		t.Error("an instance's own machine is a stranger")
	}
	w.Drive()
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.DetachInstances(tx, control.DetachInstancesRequest{
			Group: control.GroupName{Namespace: "default", ID: "web"}, Instances: []string{string(i.ID)}, Decrement: true,
		})
		return err
	})
	w.Drive()
	if w.View().Released("sim", "m-1") == nil || stranger() {
		t.Error("a released machine that still bears our mark is a stranger")
	}
	// The instance is forgotten after a week, the machine is not.
	w.MustDo(func(tx *fsm.Tx) error { tx.DeleteInstance(group, i.ID); return nil })
	if stranger() {
		t.Error("a released machine is a stranger when its instance is forgotten")
	}
	if ours.ID = "m-2"; !stranger() {
		t.Error("a machine of no instance is no stranger")
	}
}
