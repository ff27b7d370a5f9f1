package scheduler

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/providers"
)

// clinging is a cloud that does not let machines go while it is told so.
type clinging struct {
	providers.Compute
	on atomic.Bool
}

func (c *clinging) Stop(ctx context.Context, f providers.Fence, instance string, timeout time.Duration) error {
	if c.on.Load() {
		return &providers.Error{Class: providers.Unavailable, Message: "the cloud is thinking"}
	}
	return c.Compute.Stop(ctx, f, instance, timeout)
}

// overdue is the gauge of instances past their deadlines in the state, and
// whether there is one.
func (f *fixture) overdue(state autoscaling.InstanceState) (float64, bool) {
	families, err := f.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "autoscaling_instances_overdue" {
			continue
		}
		for _, m := range family.Metric {
			if m.Label[0].GetValue() == state.String() {
				return m.GetGauge().GetValue(), true
			}
		}
	}
	return 0, false
}

func TestWhatIsPastItsDeadlineIsCountedAndSaidUntilItIsOver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		cloud := &clinging{Compute: newCloud(t)}
		f := newFixture(t, options{cloud: cloud})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 3, nil)
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 3 })
		expect := func(what string, late float64, said bool) {
			t.Helper()
			synctest.Wait()
			if n, there := f.overdue(autoscaling.TerminatingProceed); !there || n != late {
				t.Errorf("%s: %v are counted as overdue (%v)", what, n, there)
			}
			if holds := control.Holds(f.View().Group(g), autoscaling.ConditionInstanceOverdue); holds != said {
				t.Errorf("%s: INSTANCE_OVERDUE holds: %v", what, holds)
			}
		}
		cloud.on.Store(true)
		f.setDesired("web", 1)
		expect("leaving", 0, false)
		time.Sleep(autoscaling.DefaultStopTimeout + control.StopPatience - time.Second)
		expect("in time", 0, false)
		time.Sleep(3 * time.Second)
		expect("late", 2, true)
		for _, c := range f.View().Group(g).Conditions {
			if c.Type == autoscaling.ConditionInstanceOverdue && (c.Reason != "REMOVAL" || !strings.Contains(c.Message, "the cloud is thinking")) {
				t.Errorf("it says %+v", c)
			}
		}
		time.Sleep(time.Hour) // its deadline has been moved many times
		expect("an hour late", 2, true)
		f.lead()
		time.Sleep(time.Second)
		expect("late under a new leader", 2, true)
		cloud.on.Store(false)
		f.eventually(5*time.Minute, "gone", func() bool { return f.View().Counts(g).Live == 1 })
		time.Sleep(2 * time.Second)
		expect("gone", 0, false)
		f.resign()
		if n, there := f.overdue(autoscaling.TerminatingProceed); !there || n != 0 {
			t.Errorf("who does not lead counts %v", n)
		}
	})
}
