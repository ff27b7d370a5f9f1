package virtual

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/metrics"
)

// setTime sets the cluster's time back, as the API does.
func (w *World) setTime() {
	w.t.Helper()
	w.Within(patience, "time is set", func() bool {
		_, _, err := w.Leader().SetTime(w.t.Context(), cluster.TimeSetting{Set: control.SetTime})
		return err == nil
	})
	w.Within(time.Minute, "the times in records are adapted", func() bool {
		set := w.Leader().View().Cluster().TimeSet
		return set != nil && set.Adapted
	})
}

// Faults B2 and B12: all clocks were wrong for so long that the cluster followed
// them, and are right again. Once its time is set, everything that waits for an
// instant goes on.
func TestEverythingGoesOnAfterTimeWasSet(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		w.Group("web", 1, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = 30 * time.Second })
		w.Rule("web", "more", 1)
		w.taskAt("web", "later", time.Now().Add(10*time.Minute))
		w.Task("web", "tick", func(t *autoscaling.ScheduledTask) {
			desired := int32(2)
			t.Cron, t.Capacity = "* * * * *", &autoscaling.Capacity{Desired: &desired}
		})
		w.Settle(time.Minute)
		for _, m := range w.Members {
			w.SetClock(m, 10*24*time.Hour)
		}
		w.Advance(45 * time.Second) // they are followed
		if ahead := w.Leader().Now().Sub(now()); ahead < 9*24*time.Hour {
			t.Fatalf("ahead by %s", ahead)
		}
		w.Within(time.Minute, "it scales", func() bool {
			return w.ExecuteRule("web", "more", autoscaling.TriggerCustom).Status != autoscaling.ActivityRejected
		})
		w.Within(time.Minute, "it cools down, by the wrong time", func() bool { return w.GroupRecord("web").CooldownUntil > now().Add(24*time.Hour) })
		for _, m := range w.Members {
			w.SetClock(m, 0)
		}
		w.Advance(5 * time.Second)

		w.setTime()
		if off := w.Leader().Now().Sub(now()); off.Abs() > time.Second {
			t.Fatalf("off by %s", off)
		}
		ticks := len(w.outcomes("tick"))
		w.taskAt("web", "soon", time.Now().Add(5*time.Second))
		w.Within(10*time.Second, "a task that is due in 5 s runs", func() bool { return len(w.outcomes("soon")) == 1 })
		w.Kill(w.Leader())
		w.RestartAll()
		w.Within(3*time.Minute, "the task of each minute runs twice", func() bool { return len(w.outcomes("tick")) >= ticks+2 })
		if left := w.GroupRecord("web").CooldownUntil.Sub(now()); left > time.Minute {
			t.Errorf("it cools down for another %s", left)
		}
		w.Within(time.Minute, "samples are taken", func() bool {
			uid := w.GroupRecord("web").UID
			n, err := w.runs[w.Leader().ID].samples.Put(uid, []metrics.Sample{{Metric: "queue", Value: 1, Time: now()}})
			return n == 1 && err == nil
		})
		w.Advance(time.Minute)
		w.Settle(time.Minute)
		w.EnsureSame()
	})
}
