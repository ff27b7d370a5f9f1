package scheduler

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
	"github.com/asctl/as/internal/scheduler/plan"
)

var theGroup = control.GroupName{Namespace: "default", ID: "web"}

// machine makes one at the platform that is nobody's, which the operations know.
func (f *fixture) machine(cloud *sim.Cloud, id string) {
	f.t.Helper()
	if _, err := cloud.CreateMachine(id, "default"); err != nil {
		f.t.Fatal(err)
	}
	f.look(cloud, id)
}

func (f *fixture) look(cloud *sim.Cloud, id string) {
	m, err := cloud.Inspect(f.t.Context(), id)
	f.ops.Platform.(*controltest.Platform).Machines["sim/"+id] = plan.Inspected("sim", id, m, err)
}

// accepted does what a person asks.
func (f *fixture) accepted(fn func(tx *fsm.Tx) (*autoscaling.Activity, error)) {
	f.t.Helper()
	f.must(func(tx *fsm.Tx) error {
		a, err := fn(tx)
		if err == nil && a.Status == autoscaling.ActivityRejected {
			f.t.Errorf("refused: %s", a.Message)
		}
		return err
	})
}

func (f *fixture) attach(entrusted bool, ids ...string) {
	f.t.Helper()
	f.accepted(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return f.ops.AttachInstances(tx, control.AttachInstancesRequest{Group: theGroup, MachineIDs: ids, Entrusted: entrusted})
	})
}

func (f *fixture) detach(ids ...string) {
	f.t.Helper()
	f.accepted(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return f.ops.DetachInstances(tx, control.DetachInstancesRequest{Group: theGroup, Instances: ids, Decrement: true})
	})
}

// idle says whether nothing moves in the group.
func (f *fixture) idle(g autoscaling.UID) bool {
	for range f.View().RunningActivities(g) {
		return false
	}
	c := f.View().Counts(g)
	return c.Live == c.ByState[autoscaling.InService]+c.ByState[autoscaling.Standby]
}

// nobodys says whether the machine runs and bears no mark.
func (f *fixture) nobodys(cloud *sim.Cloud, id string) bool {
	f.t.Helper()
	m, err := cloud.Inspect(f.t.Context(), id)
	return err == nil && m.State == providers.MachineRunning && m.Instance == "" && m.Cluster == ""
}

func (f *fixture) released() (ids []string) {
	for r := range f.View().AllReleased() {
		ids = append(ids, r.MachineID)
	}
	return ids
}

// Machines come and go by hand, whatever happens to the leader and to answers:
// each is one instance's, and those that are not ours to end go on.
func TestLeaderChangesAtEveryMomentOfAttachingAndDetaching(t *testing.T) {
	for _, moment := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 120 * time.Millisecond, 400 * time.Millisecond, 3 * time.Second} {
		bubble.Test(t, func(t *testing.T) {
			cloud := newCloud(t)
			f := newFixture(t, options{cloud: cloud})
			f.configure()
			f.lead()
			defer f.resign()
			g := f.group("web", 2, withPoolAndList)
			f.eventually(time.Minute, "in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
			for n := range 3 {
				f.machine(cloud, fmt.Sprintf("m-%d", n))
			}
			f.attach(false, "m-0", "m-1")
			f.attach(true, "m-2")
			time.Sleep(moment)
			f.lead()
			f.eventually(time.Minute, "attached", func() bool { return f.inState(g, autoscaling.InService) == 5 && f.idle(g) })
			if n := machines(t, f); n != 5 {
				t.Errorf("%d machines of ours, want 5", n)
			}
			var ids, machineIDs []string
			for _, i := range f.instances(g) {
				ids, machineIDs = append(ids, string(i.ID)), append(machineIDs, i.MachineID)
			}
			f.detach(ids...)
			time.Sleep(moment)
			f.lead()
			f.eventually(2*time.Minute, "detached", func() bool { return f.View().Counts(g).Live == 0 })
			for _, id := range machineIDs {
				if !f.nobodys(cloud, id) {
					t.Errorf("machine %s does not run on as nobody's", id)
				}
			}
			slices.Sort(machineIDs)
			if got := f.released(); !slices.Equal(got, machineIDs) {
				t.Errorf("released are %v, want %v", got, machineIDs)
			}
			if entries := f.lists.entries["db"]; len(entries) != 0 {
				t.Errorf("the list still has %v", entries)
			}
		})
	}
}

func TestLostAnswersOfAdoptionAndRelease(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud, limits: Limits{Workers: 1}}) // the map has one user
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 0, withPoolAndList)
		f.machine(cloud, "m-0")
		lost := map[string]bool{}
		cloud.SetLostAnswer(func(op sim.Op, instance, _ string) error {
			if key := string(op) + instance; (op == sim.OpAdopt || op == sim.OpRelease) && !lost[key] {
				lost[key] = true
				return providers.Errorf(providers.UnknownOutcome, "time-out")
			}
			return nil
		})
		f.attach(false, "m-0")
		f.eventually(time.Minute, "attached", func() bool { return f.inState(g, autoscaling.InService) == 1 })
		f.detach(string(f.instances(g)[0].ID))
		f.eventually(time.Minute, "detached", func() bool { return f.View().Counts(g).Live == 0 })
		if len(lost) != 2 || !f.nobodys(cloud, "m-0") {
			t.Errorf("lost %v, m-0 nobody's: %t", lost, f.nobodys(cloud, "m-0"))
		}
	})
}

// Nothing that was let go, or was never entrusted to us, is swept away: neither
// while it is ours, nor after its group is gone.
func TestNoSweepTouchesWhatIsNotOursToEnd(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 1, withPoolAndList)
		f.eventually(time.Minute, "in service", func() bool { return f.inState(g, autoscaling.InService) == 1 })
		ours := f.instances(g)[0]
		f.machine(cloud, "m-0")
		f.attach(false, "m-0")
		f.eventually(time.Minute, "attached", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		f.detach(string(ours.ID))
		f.eventually(time.Minute, "detached", func() bool { return f.idle(g) })
		f.accepted(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return f.ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: theGroup, Force: true})
		})
		f.eventually(time.Minute, "deleted", func() bool { return f.View().Group(g).State == autoscaling.GroupDeleted })
		f.lead()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		for _, id := range []string{"m-0", ours.MachineID} {
			if !f.nobodys(cloud, id) {
				t.Errorf("machine %s was touched", id)
			}
		}
		if got := f.released(); len(got) != 2 {
			t.Errorf("released are %v", got)
		}
	})
}

// A released machine is kept in mind while it runs and is nobody's.
func TestReleasedMachinesAreForgottenWhenTheyAreGone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 0, nil)
		var ids []string
		for n := range 3 {
			ids = append(ids, fmt.Sprintf("m-%d", n))
			f.machine(cloud, ids[n])
		}
		f.attach(false, ids...)
		f.eventually(time.Minute, "attached", func() bool { return f.inState(g, autoscaling.InService) == 3 })
		var instances []string
		for _, i := range f.instances(g) {
			instances = append(instances, string(i.ID))
		}
		f.detach(instances...)
		f.eventually(time.Minute, "released", func() bool { return len(f.released()) == 3 })
		if gone, err := cloud.VanishMachine("m-0"); !gone || err != nil {
			t.Fatal(gone, err)
		}
		cloud.Outage(true) // says nothing of anybody
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := f.released(); len(got) != 3 {
			t.Errorf("after an outage released are %v", got)
		}
		cloud.Outage(false)
		f.look(cloud, "m-1")
		f.attach(false, "m-1")
		f.eventually(time.Minute, "attached again", func() bool { return f.inState(g, autoscaling.InService) == 1 })
		f.eventually(control.ReleasedPatience+time.Minute, "forgotten", func() bool { return slices.Equal(f.released(), []string{"m-2"}) })
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := f.released(); !slices.Equal(got, []string{"m-2"}) {
			t.Errorf("released are %v, want m-2 for as long as it runs", got)
		}
	})
}

// A provider without Adopt and Release: nothing is attached, and what is detached
// keeps its mark and is spared all the same.
func TestProviderThatTakesNoMachinesOver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: struct{ providers.Compute }{cloud}})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 2, withPoolAndList)
		f.eventually(time.Minute, "in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		i := f.instances(g)[0]
		f.detach(string(i.ID))
		f.eventually(time.Minute, "detached", func() bool { return f.View().Counts(g).Live == 1 })
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if m, err := cloud.Inspect(t.Context(), i.MachineID); err != nil || m.State != providers.MachineRunning {
			t.Errorf("machine %+v (%v), want it running", m, err)
		}
		for o := range f.View().Orphans() {
			t.Errorf("%s is in quarantine", o.MachineID)
		}
	})
}

// On standby a machine gets no traffic, keeps its access, and is not replaced.
func TestStandbyIsOutOfThePoolAndInTheList(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 2, withPoolAndList)
		f.eventually(time.Minute, "in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		i := f.instances(g)[0]
		f.accepted(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return f.ops.EnterStandby(tx, control.EnterStandbyRequest{Group: theGroup, Instances: []string{string(i.ID)}})
		})
		f.eventually(time.Minute, "on standby and replaced", func() bool {
			return f.inState(g, autoscaling.Standby) == 1 && f.inState(g, autoscaling.InService) == 2 && f.idle(g)
		})
		in := func() (pool, list bool) {
			pool = slices.ContainsFunc(f.balancer.targets["web"], func(t providers.Target) bool { return t.Instance == string(i.ID) })
			list = slices.ContainsFunc(f.lists.entries["db"], func(e providers.Entry) bool { return e.Instance == string(i.ID) })
			return pool, list
		}
		if pool, list := in(); pool || !list {
			t.Errorf("in pool: %t, in list: %t", pool, list)
		}
		kill(t, cloud, i.ID)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if now := f.View().Instance(g, i.ID); now.State != autoscaling.Standby || now.Health != autoscaling.HealthUnhealthy {
			t.Errorf("it is %s and %d after its machine ended", now.State, now.Health)
		}
		f.accepted(func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return f.ops.ExitStandby(tx, control.ExitStandbyRequest{Group: theGroup, Instances: []string{string(i.ID)}})
		})
		f.eventually(time.Minute, "replaced", func() bool { return f.inState(g, autoscaling.InService) == 3 && f.idle(g) })
		if pool, list := in(); pool || list {
			t.Errorf("in pool: %t, in list: %t", pool, list)
		}
	})
}
