package control_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

var web = control.GroupName{Namespace: "default", ID: "web"}

// members is a group of three in service, with a machine that can be attached.
func members(t *testing.T, change func(*autoscaling.GroupSpec)) (*controltest.World, []string) {
	t.Helper()
	w := controltest.New()
	w.Platform.Machines["sim/m-1"] = control.MachineStatus{Running: true, Addresses: []string{"10.9.0.1"}}
	w.MustDo(func(tx *fsm.Tx) error {
		_, _, err := w.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: "app"}, Template: autoscaling.Template{Provider: "sim"},
		})
		if err != nil {
			return err
		}
		spec := autoscaling.DefaultGroupSpec()
		spec.Max, spec.Desired, spec.Configuration = 200, 3, autoscaling.ConfigurationRef{ID: "app"}
		if change != nil {
			change(&spec)
		}
		_, err = w.Ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec, DesiredNamed: true})
		return err
	})
	w.Drive()
	var ids []string
	for i := range w.View().Instances(w.Group("web").UID) {
		ids = append(ids, string(i.ID))
	}
	return w, ids
}

// moves are what people do to members by hand, with one valid target each.
func moves(w *controltest.World, group control.GroupName, ids, machines []string) map[string]func(*fsm.Tx) (*autoscaling.Activity, error) {
	return map[string]func(*fsm.Tx) (*autoscaling.Activity, error){
		"enter standby": func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return w.Ops.EnterStandby(tx, control.EnterStandbyRequest{Group: group, Instances: ids})
		},
		"exit standby": func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return w.Ops.ExitStandby(tx, control.ExitStandbyRequest{Group: group, Instances: ids})
		},
		"detach": func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return w.Ops.DetachInstances(tx, control.DetachInstancesRequest{Group: group, Instances: ids})
		},
		"remove": func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return w.Ops.RemoveInstances(tx, control.RemoveInstancesRequest{Group: group, Instances: ids})
		},
		"attach": func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return w.Ops.AttachInstances(tx, control.AttachInstancesRequest{Group: group, MachineIDs: machines})
		},
	}
}

// What a group's state refuses, it refuses of each move, on record, and nothing
// has changed but that.
func TestGroupStatesRefuseEveryMove(t *testing.T) {
	for name, c := range map[string]struct {
		spec    func(*autoscaling.GroupSpec)
		prepare func(*controltest.World, *fsm.Tx) error
		reason  autoscaling.Reason
	}{
		"deleting": {reason: autoscaling.GroupIsDeleting, prepare: func(w *controltest.World, tx *fsm.Tx) error {
			_, err := w.Ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: web, Force: true})
			return err
		}},
		"paused": {reason: autoscaling.GroupIsPaused, prepare: func(w *controltest.World, tx *fsm.Tx) error {
			_, err := w.Ops.PauseGroup(tx, control.GroupRequest{Name: web})
			return err
		}},
		"cooling down, everything": {reason: autoscaling.Cooldown, spec: func(s *autoscaling.GroupSpec) { s.CooldownScope = autoscaling.CooldownAll }},
	} {
		t.Run(name, func(t *testing.T) {
			w, ids := members(t, c.spec)
			if c.prepare != nil {
				w.MustDo(func(tx *fsm.Tx) error { return c.prepare(w, tx) })
			}
			for what, move := range moves(w, web, ids[:1], []string{"m-1"}) {
				before, counts := w.Group("web"), w.View().Counts(w.Group("web").UID)
				w.MustDo(func(tx *fsm.Tx) error {
					a, err := move(tx)
					if err != nil {
						return err
					}
					if a.Status != autoscaling.ActivityRejected || a.Reason != c.reason {
						t.Errorf("%s: %s %s, want it refused: %s", what, a.Status, a.Reason, c.reason)
					}
					return nil
				})
				after := w.Group("web")
				if after.Desired != before.Desired || after.Generation != before.Generation || w.View().Counts(after.UID) != counts {
					t.Errorf("%s: a refusal changed the group", what)
				}
			}
		})
	}
}

func TestBatchesHaveOneToAHundredItems(t *testing.T) {
	w, ids := members(t, func(s *autoscaling.GroupSpec) { s.Desired = control.MaxBatch + 1 })
	var machines []string
	for n := range control.MaxBatch + 1 {
		machines = append(machines, fmt.Sprintf("m-%d", n))
		w.Platform.Machines["sim/"+machines[n]] = control.MachineStatus{Running: true, Addresses: []string{fmt.Sprintf("10.9.1.%d", n)}}
	}
	for _, n := range []int{0, control.MaxBatch + 1} {
		for what, move := range moves(w, web, ids[:n], machines[:n]) {
			err := w.Do(func(tx *fsm.Tx) error { _, err := move(tx); return err })
			if refused, ok := errors.AsType[*autoscaling.Error](err); !ok || refused.Reason != autoscaling.InvalidArgument || refused.Field == "" {
				t.Errorf("%s of %d: %v", what, n, err)
			}
		}
	}
	for _, what := range []string{"enter standby", "exit standby", "detach", "remove"} {
		group := w.Group("web").UID
		if what == "remove" {
			ids = nil
			for i := range w.View().Instances(group) {
				ids = append(ids, string(i.ID))
			}
		}
		w.MustDo(func(tx *fsm.Tx) error {
			a, err := moves(w, web, ids[:control.MaxBatch], nil)[what](tx)
			if err == nil && a.Status == autoscaling.ActivityRejected && what != "exit standby" {
				t.Errorf("%s of %d: %s", what, control.MaxBatch, a.Message)
			}
			return err
		})
		w.Drive()
		w.Advance(time.Hour)
	}
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: web, Desired: 0})
		return err
	})
	w.Drive()
	w.MustDo(func(tx *fsm.Tx) error {
		a, err := moves(w, web, nil, machines[:control.MaxBatch])["attach"](tx)
		if err == nil && a.Launches != control.MaxBatch {
			t.Errorf("attach of %d: %s %s", control.MaxBatch, a.Status, a.Message)
		}
		return err
	})
	w.Drive()
	a := w.View().Activity(w.View().Instance(w.Group("web").UID, firstOf(w)).Activity)
	if a.Status != autoscaling.ActivitySuccessful || len(a.Outcomes) != control.MaxBatch {
		t.Errorf("activity %s with %d outcomes", a.Status, len(a.Outcomes))
	}
}

func firstOf(w *controltest.World) autoscaling.InstanceID {
	for i := range w.View().Instances(w.Group("web").UID) {
		return i.ID
	}
	return ""
}

func TestUnknownGroupIsNotFoundByEveryMove(t *testing.T) {
	w, ids := members(t, nil)
	for what, move := range moves(w, control.GroupName{Namespace: "default", ID: "none"}, ids[:1], []string{"m-1"}) {
		err := w.Do(func(tx *fsm.Tx) error { _, err := move(tx); return err })
		if refused, ok := errors.AsType[*autoscaling.Error](err); !ok || refused.Reason != autoscaling.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Each item's own outcome is in the activity, also of standby, whose activity the
// instance forgets.
func TestOutcomesOfStandby(t *testing.T) {
	w, ids := members(t, func(s *autoscaling.GroupSpec) {
		s.Balancers = []autoscaling.BalancerRef{{Provider: "edge", Pool: "web", Port: 80, Weight: 1}}
	})
	group := w.Group("web").UID
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.EnterStandby(tx, control.EnterStandbyRequest{Group: web, Instances: ids[:2], Decrement: true})
		return err
	})
	entering := w.View().Instance(group, autoscaling.InstanceID(ids[0])).Moving
	w.Drive()
	w.Gone(w.View().Instance(group, autoscaling.InstanceID(ids[0])))
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.ExitStandby(tx, control.ExitStandbyRequest{Group: web, Instances: ids[:2]})
		return err
	})
	leaving := w.View().Instance(group, autoscaling.InstanceID(ids[1])).Moving
	w.Drive()
	for id, want := range map[autoscaling.ActivityID][]autoscaling.OutcomeStatus{
		entering: {autoscaling.OutcomeSuccessful, autoscaling.OutcomeSuccessful},
		leaving:  {autoscaling.OutcomeFailed, autoscaling.OutcomeSuccessful},
	} {
		a := w.View().Activity(id)
		if len(a.Outcomes) != len(want) {
			t.Fatalf("%s has %d outcomes, want %d", a.Kind, len(a.Outcomes), len(want))
		}
		for n, o := range a.Outcomes {
			if string(o.Instance) != ids[n] || o.Status != want[n] || (o.Error != "") != (want[n] == autoscaling.OutcomeFailed) {
				t.Errorf("%s: outcome %+v, want %s of %s", a.Kind, o, want[n], ids[n])
			}
		}
	}
}

// Machines that never served use the runaway bound until they are confirmed gone,
// for those that come back and those that are attached, too.
func TestTheRunawayBoundHoldsBackWhatComesBack(t *testing.T) {
	w, ids := members(t, func(s *autoscaling.GroupSpec) { s.Max, s.Desired = 5, 5 })
	do := func(fn func(*fsm.Tx) (*autoscaling.Activity, error)) (a *autoscaling.Activity) {
		w.MustDo(func(tx *fsm.Tx) (err error) {
			a, err = fn(tx)
			return err
		})
		return a
	}
	desired := func(n int32) {
		do(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return w.Ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: web, Desired: n})
		})
	}
	exit := func(ids ...string) *autoscaling.Activity {
		return do(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return w.Ops.ExitStandby(tx, control.ExitStandbyRequest{Group: web, Instances: ids})
		})
	}
	do(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.EnterStandby(tx, control.EnterStandbyRequest{Group: web, Instances: ids[:2], Decrement: true})
	})
	w.Drive()
	desired(5)
	w.Step() // their machines may exist
	desired(3)
	if a := exit(ids[:2]...); a.Status != autoscaling.ActivityRejected || a.Reason != autoscaling.OutOfRange {
		t.Errorf("two at once: %s %s %s, want it refused", a.Status, a.Reason, a.Message)
	}
	w.Platform.Machines["sim/m-2"] = w.Platform.Machines["sim/m-1"]
	attach := do(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.AttachInstances(tx, control.AttachInstancesRequest{Group: web, MachineIDs: []string{"m-1", "m-2"}})
	})
	if attach.Status != autoscaling.ActivityRejected || attach.Reason != autoscaling.OutOfRange {
		t.Errorf("two attached: %s %s, want it refused", attach.Status, attach.Message)
	}
	if a := exit(ids[0]); a.Status == autoscaling.ActivityRejected {
		t.Errorf("one: %s", a.Message)
	}
	w.Drive()
	if a := exit(ids[1]); a.Status == autoscaling.ActivityRejected {
		t.Errorf("after they are gone: %s", a.Message)
	}
}

// Who comes back from standby is probed again, whatever was said of it before, and
// nobody holds against it why it was unhealthy then.
func TestWhoComesBackIsCheckedAgain(t *testing.T) {
	w, ids := members(t, func(g *autoscaling.GroupSpec) {
		g.HealthCheck.Types = append(g.HealthCheck.Types, autoscaling.HealthProbe)
		g.HealthCheck.Probe = &autoscaling.Probe{HTTPPath: "/", Port: 80, Interval: 10 * time.Second, Timeout: time.Second, HealthyThreshold: 1, UnhealthyThreshold: 1}
	})
	first := func() *autoscaling.Instance { return w.View().FindInstance(autoscaling.InstanceID(ids[0])) }
	if i := first(); i.State != autoscaling.InService || !i.ProbeHealthy {
		t.Fatalf("it is %s", i.State)
	}
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{Group: web, Instance: ids[0], Health: autoscaling.HealthUnhealthy})
		if err == nil {
			_, err = w.Ops.EnterStandby(tx, control.EnterStandbyRequest{Group: web, Instances: ids[:1], Decrement: true})
		}
		return err
	})
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.ExitStandby(tx, control.ExitStandbyRequest{Group: web, Instances: ids[:1]})
		return err
	})
	if i := first(); i.State != autoscaling.PendingProceed || i.Step != autoscaling.StepCheck {
		t.Errorf("it is %s at %s although nobody has looked at it", i.State, i.Step)
	}
	w.Drive()
	if i := first(); i.State != autoscaling.InService || i.UnhealthyReason != "" || i.UnhealthySource != "" {
		t.Errorf("it is %s: %q, says %s", i.State, i.UnhealthyReason, i.UnhealthySource)
	}
}
