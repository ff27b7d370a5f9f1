package virtual

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// executeByAlarm asks for a rule as an alarm does.
func (w *World) executeByAlarm(group, rule string) *autoscaling.Activity {
	w.t.Helper()
	return w.ExecuteRule(group, rule, autoscaling.TriggerAlarm)
}

// now is true time as replicated time counts it.
func now() autoscaling.Time { return autoscaling.TimeOf(time.Now()) }

// lead makes the node lead.
func (w *World) lead(m *clustertest.Member) {
	w.t.Helper()
	w.Within(patience, m.ID+" leads", func() bool {
		l := w.Leader()
		if l != m {
			_ = l.TransferLeadership(w.t.Context(), m.ID) // tried again
		}
		return w.Leader() == m
	})
}

// follower is a node that does not lead.
func (w *World) follower() *clustertest.Member {
	w.t.Helper()
	return w.Followers()[0]
}

func TestACooldownOfAnHourOutlivesItsLeader(t *testing.T) {
	inWorld(t, Options{Pace: 60}, func(t *testing.T, w *World) {
		w.Group("web", 1, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = time.Hour })
		w.Settle(time.Minute)
		w.Rule("web", "more", 1)
		w.ExecuteRule("web", "more", autoscaling.TriggerCustom)
		w.Settle(time.Minute)
		until := w.GroupRecord("web").CooldownUntil
		if left := until.Sub(now()); left < 59*time.Minute || left > time.Hour {
			t.Fatalf("a cooldown of %s", left)
		}
		w.Advance(20 * time.Minute)
		w.Kill(w.Leader())
		w.Advance(20 * time.Minute)
		w.RestartAll()
		if a := w.executeByAlarm("web", "more"); a.Reason != autoscaling.Cooldown || a.RetryTime != until {
			t.Errorf("asked in the cooldown: %+v", a)
		}
		w.lead(w.follower())
		w.Advance(until.Sub(now()) - time.Second)
		if a := w.executeByAlarm("web", "more"); a.Reason != autoscaling.Cooldown || a.Repeats != 2 {
			t.Errorf("asked a second too early: %+v", a)
		}
		w.Advance(2 * time.Second)
		if a := w.executeByAlarm("web", "more"); a.Status == autoscaling.ActivityRejected {
			t.Errorf("asked after the cooldown: %+v", a)
		}
		w.Settle(time.Minute)
		if n := len(w.Instances("web")); n != 3 {
			t.Errorf("%d instances", n)
		}
	})
}

// task makes a task that adds one at the time.
func (w *World) taskAt(group, id string, at time.Time) {
	w.t.Helper()
	w.Task(group, id, func(t *autoscaling.ScheduledTask) { t.StartTime, t.Rule = autoscaling.TimeOf(at), "more" })
}

// outcomes are those of a task's runs, from the event log.
func (w *World) outcomes(task string) []string {
	var all []string
	for e := range w.Leader().View().Events(0) {
		if e.Type == autoscaling.EventTaskRun && e.Subject == task {
			all = append(all, e.Details["outcome"])
		}
	}
	return all
}

func TestAScheduledRunSurvivesAChangeOfLeader(t *testing.T) {
	for name, early := range map[string]time.Duration{
		"the leader dies a second before": time.Second,
		"the leader dies just before":     time.Millisecond,
		"the leader dies at the instant":  0,
		"the leader dies just after":      -2 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(t *testing.T, w *World) {
				w.Group("web", 1, nil)
				w.Rule("web", "more", 1)
				at := time.Now().Add(20 * time.Second)
				w.taskAt("web", "noon", at)
				w.Settle(10 * time.Second)
				leader := w.Leader()
				w.Advance(time.Until(at) - early)
				w.Kill(leader)
				w.Advance(5 * time.Second)
				w.RestartAll()
				w.Settle(time.Minute)
				if runs := w.outcomes("noon"); len(runs) != 1 || runs[0] != "RUN" {
					t.Errorf("runs %v", runs)
				}
				if n := len(w.Instances("web")); n != 2 {
					t.Errorf("%d instances", n)
				}
			})
		})
	}
}

func TestARunDuringADowntimeIsCaughtUpInsideItsWindowAndElseMissed(t *testing.T) {
	for name, c := range map[string]struct {
		down    time.Duration
		outcome string
		sizes   int
	}{
		"inside":  {9 * time.Minute, "RUN", 2},
		"outside": {11 * time.Minute, "MISSED", 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{Pace: 10}, func(t *testing.T, w *World) {
				w.Group("web", 1, nil)
				w.Rule("web", "more", 1)
				w.taskAt("web", "noon", time.Now().Add(time.Minute))
				w.Settle(30 * time.Second)
				for _, m := range w.Members {
					w.Kill(m)
				}
				w.Advance(time.Minute + c.down)
				w.RestartAll()
				w.Settle(2 * time.Minute)
				if runs := w.outcomes("noon"); len(runs) != 1 || runs[0] != c.outcome {
					t.Errorf("runs %v, want one %s", runs, c.outcome)
				}
				if n := len(w.Instances("web")); n != c.sizes {
					t.Errorf("%d instances", n)
				}
			})
		})
	}
}

func TestEveryMinutesRunHappensOnceWhileLeadersDie(t *testing.T) {
	inWorld(t, Options{Pace: 4}, func(t *testing.T, w *World) {
		w.Group("web", 1, nil)
		w.Settle(time.Minute)
		w.Task("web", "tick", func(t *autoscaling.ScheduledTask) {
			desired := int32(3)
			t.Cron, t.Capacity = "* * * * *", &autoscaling.Capacity{Desired: &desired}
		})
		const minutes = 12
		for n := range minutes {
			next := time.Now().Truncate(time.Minute).Add(time.Minute)
			switch {
			case n%3 == 1:
				w.Advance(time.Until(next) - 20*time.Millisecond)
				w.Kill(w.Leader())
			case n%3 == 2:
				w.Advance(time.Until(next) - time.Second)
				w.lead(w.follower())
			}
			w.Advance(time.Until(next) + 30*time.Second)
			w.RestartAll()
		}
		w.Settle(time.Minute)
		runs := w.outcomes("tick")
		if len(runs) != minutes {
			t.Errorf("%d runs in %d minutes: %v", len(runs), minutes, runs)
		}
		for _, r := range runs {
			if r != "RUN" {
				t.Errorf("runs %v", runs)
			}
		}
	})
}

// TestALeaderWithAWrongClockNeitherFiresNorFreezesADeadline: a node whose clock
// is an hour off leads, and dies.
func TestALeaderWithAWrongClockNeitherFiresNorFreezesADeadline(t *testing.T) {
	for name, off := range map[string]time.Duration{"an hour ahead": time.Hour, "an hour behind": -time.Hour} {
		for when, steps := range map[string]bool{"always": false, "while it leads": true} {
			t.Run(name+" "+when, func(t *testing.T) {
				inWorld(t, Options{Pace: 8}, func(t *testing.T, w *World) {
					m := w.follower()
					if !steps {
						w.SetClock(m, off)
						w.Advance(10 * time.Second) // the nodes hear of it
					}
					w.Group("web", 1, func(s *autoscaling.GroupSpec) { s.DefaultCooldown = 10 * time.Minute })
					w.Rule("web", "more", 1)
					w.lead(m)
					if steps {
						w.SetClock(m, off)
						w.Advance(10 * time.Second)
					}
					at := time.Now().Add(6 * time.Minute)
					w.taskAt("web", "soon", at)
					w.Settle(time.Minute)
					if skew := w.Leader().Now().Sub(now()).Abs(); skew > 2*time.Second {
						t.Errorf("replicated time is off by %s", skew)
					}
					w.Advance(2 * time.Minute)
					w.Kill(m)
					w.Leader()
					w.Advance(time.Until(at) - 5*time.Second)
					if runs := w.outcomes("soon"); len(runs) != 0 {
						t.Errorf("it ran early: %v", runs)
					}
					w.Advance(15 * time.Second)
					if runs := w.outcomes("soon"); len(runs) != 1 {
						t.Errorf("it did not run in time: %v", runs)
					}
					w.Settle(time.Minute)
					until := w.GroupRecord("web").CooldownUntil
					if left := until.Sub(now()); left < 9*time.Minute || left > 10*time.Minute {
						t.Errorf("a cooldown of %s is left", left)
					}
					w.Advance(until.Sub(now()) + 3*time.Second)
					if a := w.executeByAlarm("web", "more"); a.Status == autoscaling.ActivityRejected {
						t.Errorf("after the cooldown: %+v", a)
					}
					w.Restart(m) // its clock is still wrong
					w.lead(m)
					w.Settle(time.Minute)
				})
			})
		}
	}
}

// TestTimersFollowClocksThatAreSetForwardTogether: a host that slept wakes all
// its nodes an hour later. What became due meanwhile is done now, not when the
// timers of an hour ago say so.
func TestTimersFollowClocksThatAreSetForwardTogether(t *testing.T) {
	inWorld(t, Options{Pace: 4}, func(t *testing.T, w *World) {
		w.Group("web", 1, nil)
		w.Rule("web", "more", 1)
		w.Task("web", "soon", func(t *autoscaling.ScheduledTask) {
			t.StartTime, t.LaunchWindow, t.Rule = now().Add(30*time.Minute), 2*time.Hour, "more"
		})
		w.Settle(time.Minute)
		for _, m := range w.Members {
			w.SetClock(m, time.Hour)
		}
		w.Within(time.Minute, "the task runs", func() bool { return len(w.outcomes("soon")) == 1 })
		w.Settle(time.Minute)
		if n := len(w.Instances("web")); n != 2 {
			t.Errorf("%d instances", n)
		}
	})
}
