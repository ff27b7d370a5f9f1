package scheduler

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// crash ends the machines that have served for a second.
func (f *fixture) crash(g autoscaling.UID) {
	f.must(func(tx *fsm.Tx) error {
		for _, i := range slices.Collect(tx.Instances(g)) {
			if i.State == autoscaling.InService && i.MachineRunning && tx.Now() >= i.StateTime.Add(time.Second) {
				if err := f.ops.ReportMachineGone(tx, control.MachineGone{Group: g, Instance: i.ID, Message: "exit status 1"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (f *fixture) launched(g autoscaling.UID) int {
	return len(slices.Collect(f.View().Instances(g))) + len(slices.Collect(f.View().FinalInstances(g)))
}

// A command that starts and ends at once makes launches that work: they are held
// nevertheless, the group says why, and it goes on when the machines last.
func TestMachinesThatEndAtOnceAreNotReplacedForEverAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 3, nil)
		said := 0
		for range 3600 {
			time.Sleep(time.Second)
			synctest.Wait()
			f.crash(g)
			if control.Holds(f.View().Group(g), autoscaling.ConditionBelowDesired) {
				said++
			}
		}
		// 5 s, 10 s, … 10 min: some 14 waves of three in an hour.
		if n := f.launched(g); n > 60 {
			t.Errorf("%d instances were launched in an hour", n)
		}
		if said < 3000 {
			t.Errorf("the group said why for %d seconds of an hour", said)
		}
		f.eventually(30*time.Minute, "it recovers by itself", func() bool {
			return f.inState(g, autoscaling.InService) == 3 && len(f.View().Group(g).Conditions) == 0
		})
		// Once proven, what ends is replaced at once again.
		time.Sleep(2 * time.Minute)
		before := f.launched(g)
		f.crash(g)
		f.eventually(15*time.Second, "replaced", func() bool { return f.inState(g, autoscaling.InService) == 3 && f.launched(g) == before+3 })
	})
}
