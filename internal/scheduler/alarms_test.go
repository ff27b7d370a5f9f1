package scheduler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/metrics"
)

func (f *fixture) ruleAndAlarm(group string) {
	f.t.Helper()
	name := control.GroupName{Namespace: "default", ID: group}
	f.must(func(tx *fsm.Tx) error {
		_, err := f.ops.CreateRule(tx, control.CreateRuleRequest{
			Parent: name, NewMeta: control.NewMeta{ID: "add-two"},
			Rule: autoscaling.Rule{Simple: &autoscaling.SimpleRule{AdjustmentType: autoscaling.ChangeInCapacity, Adjustment: 2}},
		})
		if err != nil {
			return err
		}
		a := autoscaling.DefaultAlarmTask()
		a.Metric.Name = "requests"
		a.Period, a.EvaluationPeriods, a.DatapointsToAlarm = 10*time.Second, 2, 2
		a.Comparison, a.Threshold, a.Rules = autoscaling.GreaterThan, 100, []string{"add-two"}
		_, err = f.ops.CreateAlarmTask(tx, control.CreateAlarmTaskRequest{Parent: name, NewMeta: control.NewMeta{ID: "busy"}, Alarm: a})
		return err
	})
}

func TestBreachOfAPushedMetricScalesOut(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 1, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = time.Second })
		f.ruleAndAlarm("web")
		f.eventually(10*time.Second, "in service", func() bool { return f.inState(g, autoscaling.InService) == 1 })
		push := func(value float64) {
			if _, err := f.scheduler.Samples.Put(g, []metrics.Sample{{Metric: "requests", Value: value}}); err != nil {
				t.Fatal(err)
			}
		}
		for range 30 {
			push(50)
			time.Sleep(time.Second)
		}
		if state := f.View().AlarmTask(g, "busy").State; state != autoscaling.AlarmOK {
			t.Errorf("alarm is %s, want OK", state)
		}
		for range 15 {
			push(500)
			time.Sleep(time.Second)
		}
		f.eventually(2*time.Second, "two more", func() bool { return f.inState(g, autoscaling.InService) == 3 })
		time.Sleep(time.Minute) // nobody pushes any more
		synctest.Wait()
		if state := f.View().AlarmTask(g, "busy").State; state != autoscaling.AlarmInsufficientData {
			t.Errorf("alarm is %s without data", state)
		}
	})
}

func TestScheduledTaskRunsAtItsTime(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 1, nil)
		five := int32(5)
		f.must(func(tx *fsm.Tx) error {
			task := autoscaling.DefaultScheduledTask()
			task.StartTime = f.Now().Add(time.Hour)
			task.Capacity = &autoscaling.Capacity{Desired: &five}
			_, err := f.ops.CreateScheduledTask(tx, control.CreateScheduledTaskRequest{
				Parent: control.GroupName{Namespace: "default", ID: "web"}, NewMeta: control.NewMeta{ID: "morning"}, Task: task,
			})
			return err
		})
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if n := f.inState(g, autoscaling.InService); n != 1 {
			t.Errorf("%d in service before the time", n)
		}
		f.lead() // the deadline is the state's, not the leader's
		time.Sleep(time.Minute)
		f.eventually(2*time.Second, "five", func() bool { return f.inState(g, autoscaling.InService) == 5 })
	})
}
