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

// alarm makes an alarm over the pushed metric "m" with a rule of its own that
// changes the group by adjustment, without a cooldown.
func (f *fixture) alarm(group, id string, adjustment int32, change func(*autoscaling.AlarmTask)) {
	f.t.Helper()
	name, none := control.GroupName{Namespace: "default", ID: group}, time.Duration(0)
	f.must(func(tx *fsm.Tx) error {
		_, err := f.ops.CreateRule(tx, control.CreateRuleRequest{
			Parent: name, NewMeta: control.NewMeta{ID: "rule-" + id},
			Rule: autoscaling.Rule{Simple: &autoscaling.SimpleRule{AdjustmentType: autoscaling.ChangeInCapacity, Adjustment: adjustment, Cooldown: &none}},
		})
		if err != nil {
			return err
		}
		a := autoscaling.DefaultAlarmTask()
		a.Metric.Name, a.EvaluationPeriods, a.DatapointsToAlarm, a.Rules = "m", 1, 1, []string{"rule-" + id}
		change(&a)
		_, err = f.ops.CreateAlarmTask(tx, control.CreateAlarmTaskRequest{Parent: name, NewMeta: control.NewMeta{ID: id}, Alarm: a})
		return err
	})
}

// otherNodeLeads begins a term of a node that has no samples: the leader before
// was killed.
func (f *fixture) otherNodeLeads() {
	f.resign()
	f.scheduler.Samples = metrics.NewStore(f.Now)
	f.lead()
}

// push pushes one sample each interval, for a while.
func (f *fixture) push(g autoscaling.UID, value float64, interval, d time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(interval) {
		if _, err := f.scheduler.Samples.Put(g, []metrics.Sample{{Metric: "m", Value: value}}); err != nil {
			f.t.Fatal(err)
		}
	}
	synctest.Wait()
}

// writes is how many functions were handed to the writer.
func (f *fixture) writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// wantDesired fails the test unless the group's desired capacity is n.
func (f *fixture) wantDesired(g autoscaling.UID, n int32, when string) {
	f.t.Helper()
	if is := f.View().Group(g).Desired; is != n {
		f.t.Errorf("desired is %d %s, want %d\n%s", is, when, n, f.story(0))
	}
}

func TestSteadyLoadIsNotScaledInByANewLeader(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 6, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = 0 })
		f.alarm("web", "low", -1, func(a *autoscaling.AlarmTask) {
			a.Metric.Statistic, a.Period, a.Comparison, a.Threshold = autoscaling.StatisticSum, 30*time.Second, autoscaling.LessThan, 200
		})
		f.push(g, 10, time.Second, 2*time.Minute)
		f.wantDesired(g, 6, "under the first leader")
		for range 3 {
			f.otherNodeLeads()
			f.push(g, 10, time.Second, 25*time.Second)
			f.wantDesired(g, 6, "after the death of a leader")
			if state := f.View().AlarmTask(g, "low").State; state != autoscaling.AlarmOK {
				t.Errorf("alarm is %s, want OK as before", state)
			}
		}
		f.push(g, 10, time.Second, time.Minute)
		f.wantDesired(g, 6, "after a minute at steady load")
		f.push(g, 1, time.Second, 40*time.Second)
		if is := f.View().Group(g).Desired; is >= 6 {
			t.Errorf("desired is %d after the load is gone for longer than the period", is)
		}
	})
}

func TestAlarmAsksOnceAPeriodUnderAnyNumberOfLeaders(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 3, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = 0 })
		f.alarm("web", "high", 1, func(a *autoscaling.AlarmTask) {
			a.Metric.Statistic, a.Period, a.Comparison, a.Threshold = autoscaling.StatisticAverage, time.Minute, autoscaling.GreaterThan, 60
		})
		f.push(g, 90, 5*time.Second, 10*time.Second)
		f.wantDesired(g, 4, "on entering ALARM")
		for range 3 {
			f.otherNodeLeads()
			f.push(g, 90, 5*time.Second, 15*time.Second)
		}
		f.wantDesired(g, 4, "within the period")
		if state := f.View().AlarmTask(g, "high").State; state != autoscaling.AlarmAlarm {
			t.Errorf("alarm is %s, want ALARM as before", state)
		}
		f.push(g, 90, 5*time.Second, 50*time.Second) // the last leader knows a whole period
		f.wantDesired(g, 5, "a period later")
	})
}

// A maximum above the threshold is above it whatever else was measured.
func TestNewLeaderScalesOutOnWhatMoreSamplesCannotUndo(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 1, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = 0 })
		f.alarm("web", "high", 2, func(a *autoscaling.AlarmTask) {
			a.Metric.Statistic, a.Period, a.Comparison, a.Threshold = autoscaling.StatisticMaximum, 10*time.Minute, autoscaling.GreaterThan, 60
		})
		f.push(g, 10, time.Second, 20*time.Second)
		f.wantDesired(g, 1, "without load")
		f.otherNodeLeads()
		f.push(g, 90, time.Second, 3*time.Second)
		f.wantDesired(g, 3, "after a peak that the new leader saw")
	})
}

// Even what is proven does not scale in before the leader knows a whole window.
func TestPartialWindowNeverScalesIn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 3, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = 0 })
		f.alarm("web", "idle", -1, func(a *autoscaling.AlarmTask) {
			a.Metric.Statistic, a.Period, a.Comparison, a.Threshold = autoscaling.StatisticMinimum, time.Minute, autoscaling.LessThan, 10
		})
		f.push(g, 50, time.Second, 20*time.Second)
		f.otherNodeLeads()
		before := f.writes()
		f.push(g, 1, time.Second, 50*time.Second)
		f.wantDesired(g, 3, "before the new leader has listened for a minute")
		if state := f.View().AlarmTask(g, "idle").State; state != autoscaling.AlarmAlarm {
			t.Errorf("alarm is %s, want ALARM: the minimum can only get lower", state)
		}
		if n := f.writes() - before; n > 10 {
			t.Errorf("%d writes while the request was held", n)
		}
		f.push(g, 1, time.Second, 15*time.Second)
		f.wantDesired(g, 2, "after a whole minute")
	})
}
