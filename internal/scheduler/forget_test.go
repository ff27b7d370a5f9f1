package scheduler

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers/compute/sim"
)

func (f *fixture) forgetMachines() control.Forgotten {
	f.t.Helper()
	var forgotten control.Forgotten
	f.must(func(tx *fsm.Tx) (err error) {
		forgotten, err = f.ops.ForgetMachines(tx, control.ForgetMachinesRequest{Provider: "sim"})
		return err
	})
	return forgotten
}

func TestForgottenMachinesOfALostStoreAreReplaced(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer func() { f.resign() }()
		g := f.group("web", 3, withPoolAndList)
		f.eventually(10*time.Second, "three in service", func() bool { return f.inState(g, autoscaling.InService) == 3 })
		before := f.lists.members("db")
		f.resign()
		other, err := sim.NewCloud(sim.Config{Seed: 1, Store: "store-2"})
		if err != nil {
			t.Fatal(err)
		}
		f.scheduler.Compute["sim"] = other
		f.lead()
		f.eventually(5*time.Second, "the condition", func() bool { return control.Holds(f.View().Group(g), autoscaling.ConditionProviderDown) })
		if n := f.forgetMachines(); n.Instances != 3 || !n.Configured {
			t.Errorf("forgotten: %+v", n)
		}
		f.eventually(3*time.Minute, "three others in service", func() bool {
			listing, err := other.List(t.Context(), string(f.View().Cluster().ID))
			return err == nil && len(listing.Machines) == 3 && f.inState(g, autoscaling.InService) == 3 &&
				!control.Holds(f.View().Group(g), autoscaling.ConditionProviderDown)
		})
		for _, id := range f.lists.members("db") {
			for _, gone := range before {
				if id == gone {
					t.Errorf("%s is lost and still in the access list", id)
				}
			}
		}
	})
}

func TestForgettingMachinesThatAreThereChangesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer func() { f.resign() }()
		g := f.group("web", 3, nil)
		f.eventually(10*time.Second, "three in service", func() bool { return f.inState(g, autoscaling.InService) == 3 })
		f.forgetMachines()
		time.Sleep(5 * time.Minute)
		if all := f.instances(g); len(all) != 3 || f.inState(g, autoscaling.InService) != 3 {
			t.Errorf("%d instances, want the three as they were", len(all))
		}
	})
}

func TestForgottenMachinesOfAProviderThatIsGoneAreLetGo(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer func() { f.resign() }()
		g := f.group("web", 2, withPoolAndList)
		f.eventually(10*time.Second, "two in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		f.resign()
		delete(f.scheduler.Compute, "sim")
		delete(f.ops.Platform.(*controltest.Platform).Compute, "sim")
		f.lead()
		f.must(func(tx *fsm.Tx) error {
			_, err := f.ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: control.GroupName{Namespace: "default", ID: "web"}, Force: true})
			return err
		})
		time.Sleep(3 * time.Minute)
		if f.View().Group(g).State == autoscaling.GroupDeleted {
			t.Fatal("the group was deleted with its machines, of which nothing is known")
		}
		if n := f.forgetMachines(); n.Instances != 2 || n.Configured {
			t.Errorf("forgotten: %+v", n)
		}
		f.eventually(5*time.Minute, "the group is gone", func() bool {
			d := f.View().Group(g)
			return d == nil || d.State == autoscaling.GroupDeleted
		})
		if left := f.lists.members("db"); len(left) > 0 {
			t.Errorf("%v are still in the access list", left)
		}
	})
}
