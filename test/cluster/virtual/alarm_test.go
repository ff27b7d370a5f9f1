package virtual

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/metrics"
)

// TestAnAlarmScalesToTheLoadWhileLeadersDie: five machines share a load of 300 %
// below 70 % each, and the samples are in the memory of a leader. A leader that
// has none yet scales nothing in.
func TestAnAlarmScalesToTheLoadWhileLeadersDie(t *testing.T) {
	inWorld(t, Options{Pace: 4}, func(t *testing.T, w *World) {
		w.Configure("loaded", func(t *autoscaling.Template) { t.Env = map[string]string{"AS_SIM_LOAD": "300"} })
		w.Group("web", 1, func(s *autoscaling.GroupSpec) {
			s.Configuration.ID = "loaded"
			s.DefaultCooldown, s.DefaultWarmup = 20*time.Second, time.Second
		})
		w.Rule("web", "more", 2)
		w.Rule("web", "fewer", -2)
		w.Alarm("web", "high", "more", func(a *autoscaling.AlarmTask) { a.Comparison, a.Threshold = autoscaling.GreaterThan, 70 })
		w.Alarm("web", "low", "fewer", func(a *autoscaling.AlarmTask) { a.Comparison, a.Threshold = autoscaling.LessThan, 40 })
		for range 4 {
			w.Advance(45 * time.Second)
			w.Kill(w.Leader())
			w.Advance(10 * time.Second)
			w.RestartAll()
		}
		w.Within(5*time.Minute, "five share the load", func() bool { return len(w.Instances("web")) == 5 })
		w.Settle(2 * time.Minute)
		w.Advance(3 * time.Minute) // and it stays so
		w.Kill(w.Leader())
		w.Advance(3 * time.Minute)
		w.RestartAll()
		w.Settle(time.Minute)
		if n := len(w.Instances("web")); n != 5 {
			t.Errorf("%d instances share a load of 300 %%", n)
		}
		for e := range w.Leader().View().Events(0) {
			if e.Type == autoscaling.EventActivityStarted && e.Details["kind"] == string(autoscaling.ScaleIn) {
				t.Errorf("scaled in at %s: %s", e.Time, e.Message)
			}
		}
		if err := w.Cloud.SetLoad("namespaces/default/groups/web", 60); err != nil {
			t.Fatal(err)
		}
		w.Within(10*time.Minute, "the load is gone and they follow", func() bool { return len(w.Instances("web")) == 1 })
		w.Settle(time.Minute)
	})
}

// TestTheNextLeaderHasTheSamplesOfTheOneThatDied: a steady load of 300 in 30 s is
// above 200 for each leader from its first second.
func TestTheNextLeaderHasTheSamplesOfTheOneThatDied(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		w.Configure("plain", func(*autoscaling.Template) {})
		w.Group("web", 6, func(s *autoscaling.GroupSpec) { s.Configuration.ID = "plain"; s.DefaultCooldown = 0 })
		w.Rule("web", "fewer", -1)
		push := func(a *autoscaling.AlarmTask, statistic autoscaling.Statistic) {
			a.Metric = autoscaling.Metric{Source: autoscaling.MetricSourcePush, Name: "requests", Statistic: statistic}
			a.Period, a.EvaluationPeriods = 30*time.Second, 1
		}
		w.Alarm("web", "low", "fewer", func(a *autoscaling.AlarmTask) {
			push(a, autoscaling.StatisticSum)
			a.Comparison, a.Threshold = autoscaling.LessThan, 200
		})
		uid := w.Leader().View().GroupByID("default", "web").UID
		window := metrics.Window{Metric: autoscaling.Metric{Source: "push", Name: "requests", Statistic: autoscaling.StatisticSum}, Period: 30 * time.Second, Periods: 1}
		run := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); w.Advance(time.Second) {
				if _, err := w.run(w.Leader()).shipper.Put(t.Context(), uid, []metrics.Sample{{Metric: "requests", Value: 10}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		run(40 * time.Second)
		for range 3 {
			w.Kill(w.Leader())
			w.Advance(time.Second)
			leader := w.Leader()
			window.Until = leader.Now()
			if p := w.run(leader).samples.Datapoints(uid, window)[0]; p.Partial || p.Value < 250 {
				t.Errorf("the new leader knows %+v of the last 30 s", p)
			}
			w.RestartAll()
			run(35 * time.Second) // one that came back has what the others were sent since then
		}
		if n := w.Leader().View().Group(uid).Desired; n != 6 {
			t.Errorf("desired is %d at steady load", n)
		}
	})
}
