package virtual

import (
	"errors"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// held has one instance of group "web" wait in launch hooks, and answers their
// actions.
func (w *World) held() []control.PendingAction {
	w.t.Helper()
	w.SetDesired("web", w.GroupRecord("web").Desired+1)
	var actions []control.PendingAction
	w.Within(time.Minute, "an instance waits", func() bool { actions = w.Actions("web"); return len(actions) > 0 })
	return actions
}

// waitOf is what was told of the wait.
func (w *World) waitOf(token autoscaling.UID) wait {
	w.t.Helper()
	w.story.follow(w.Leader().View())
	w.story.mu.Lock()
	defer w.story.mu.Unlock()
	is := w.story.waits[string(token)]
	if is == nil {
		w.fail("nothing was told of %s", token)
	}
	return *is
}

// TestAHooksDeadlineFiresOnceAtItsTimeAcrossLeaders: at its absolute time, with
// its default result, whoever leads then and whatever his clock says.
func TestAHooksDeadlineFiresOnceAtItsTimeAcrossLeaders(t *testing.T) {
	const timeout = 45 * time.Second
	for name, c := range map[string]struct {
		disturb func(w *World, leader *clustertest.Member, deadline time.Time)
		late    time.Duration // at most
	}{
		"nothing happens":                      {func(*World, *clustertest.Member, time.Time) {}, time.Second},
		"the leader dies long before":          {losing(30 * time.Second), time.Second},
		"the leader dies a second before":      {losing(time.Second), 20 * time.Second},
		"the leader dies at the instant":       {losing(0), 20 * time.Second},
		"the leader dies just after":           {losing(-2 * time.Millisecond), 20 * time.Second},
		"the leader is frozen over it":         {freezing, 20 * time.Second},
		"the successor's clock is fast":        {skewing(time.Hour), 2 * time.Second},
		"the successor's clock is slow":        {skewing(-time.Hour), 2 * time.Second},
		"the successor's clock is a bit fast":  {skewing(3 * time.Second), 4 * time.Second},
		"all nodes are down over the deadline": {allDown, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{Pace: 4}, func(t *testing.T, w *World) {
				w.Group("web", 1, nil)
				w.Settle(time.Minute)
				w.Hook("web", "config", autoscaling.TransitionLaunching, func(h *autoscaling.LifecycleHook) {
					h.HeartbeatTimeout, h.DefaultResult = timeout, autoscaling.ResultContinue
				})
				action := w.held()[0]
				deadline := action.Deadline.Std()
				if action.Deadline.Sub(action.StartTime) != timeout {
					t.Fatalf("it waits from %s until %s", action.StartTime, action.Deadline)
				}
				c.disturb(w, w.Leader(), deadline)
				w.Within(timeout+c.late+time.Hour, "the wait ends", func() bool { return w.waitOf(action.Token).ended != 0 })
				is := w.waitOf(action.Token)
				w.heal()
				w.Settle(2 * time.Minute)
				if is.endedBy != "deadline" || is.result != string(autoscaling.ResultContinue) {
					t.Errorf("it ended with %s by %s", is.result, is.endedBy)
				}
				// story.hook finds what is early, and what ends twice.
				if late := is.ended.Sub(action.Deadline); late > c.late {
					t.Errorf("it ended %s after its deadline", late)
				}
				if n := len(w.Instances("web")); n != 2 {
					t.Errorf("%d instances", n)
				}
				if err := w.Complete("web", action.Token, autoscaling.ResultAbandon); !refusedAs(err, autoscaling.WrongState) {
					t.Errorf("completed after its end: %v", err)
				}
			})
		})
	}
}

// heal brings everything back.
func (w *World) heal() {
	w.t.Helper()
	w.Heal()
	for _, m := range w.Members {
		w.run(m).gate.open()
		w.SetClock(m, 0)
	}
	w.RestartAll()
}

func losing(early time.Duration) func(*World, *clustertest.Member, time.Time) {
	return func(w *World, leader *clustertest.Member, deadline time.Time) {
		w.Advance(time.Until(deadline) - early)
		w.Kill(leader)
	}
}

func freezing(w *World, leader *clustertest.Member, deadline time.Time) {
	w.Advance(time.Until(deadline) - 100*time.Millisecond)
	w.Freeze(leader)
	w.Advance(30 * time.Second)
	w.Thaw(leader)
}

// skewing sets the clock of who follows.
func skewing(ahead time.Duration) func(*World, *clustertest.Member, time.Time) {
	return func(w *World, leader *clustertest.Member, deadline time.Time) {
		m := w.follower()
		w.SetClock(m, ahead)
		w.Advance(time.Until(deadline) - 20*time.Second) // the nodes hear of it
		w.lead(m)
		w.Kill(leader)
	}
}

func allDown(w *World, _ *clustertest.Member, deadline time.Time) {
	for _, m := range w.Members {
		w.Kill(m)
	}
	w.Advance(time.Until(deadline) + 10*time.Second)
	w.RestartAll()
}

func refusedAs(err error, reason autoscaling.Reason) bool {
	e, ok := errors.AsType[*autoscaling.Error](err)
	return ok && e.Reason == reason
}

// TestAHeartbeatDuringAnElectionIsRefusedToBeTriedAgainOrNotLost: one try at a
// time, at whatever node, while the leader is lost in each way. What is
// acknowledged moved the deadline for good; what is not says that it is a matter
// of trying again.
func TestAHeartbeatDuringAnElectionIsRefusedToBeTriedAgainOrNotLost(t *testing.T) {
	for _, f := range fates {
		t.Run(f.name, func(t *testing.T) {
			inWorld(t, Options{Pace: 2}, func(t *testing.T, w *World) {
				w.Group("web", 1, nil)
				w.Settle(time.Minute)
				w.Hook("web", "config", autoscaling.TransitionLaunching, func(h *autoscaling.LifecycleHook) { h.HeartbeatTimeout = 10 * time.Minute })
				token := w.held()[0].Token
				leader := w.Leader()
				f.strike(w, leader)()
				acknowledged, refused := 0, 0
				for n := 0; n < 1000 && (acknowledged < 3 || refused == 0); n++ {
					m := w.Members[n%3]
					if !m.Running() {
						continue
					}
					var promised autoscaling.Time
					_, err := w.RequestAt(m, string(token)+"-"+time.Now().String(), func(tx *fsm.Tx) (string, error) {
						moved, err := w.Ops.RecordLifecycleActionHeartbeat(tx, control.RecordLifecycleActionHeartbeatRequest{Group: groupName("web"), Token: string(token)})
						if err == nil {
							promised = moved[0].Deadline
						}
						return "", err
					})
					switch {
					case err == nil:
						acknowledged++
						if is := w.Actions("web"); len(is) != 1 || is[0].Deadline < promised {
							t.Fatalf("promised until %s, and it is %+v", promised, is)
						}
					case passes(err):
						refused++
					default:
						t.Fatalf("refused for good: %v", err)
					}
					w.Advance(50 * time.Millisecond)
				}
				f.then(w, leader)
				if acknowledged == 0 || refused == 0 {
					t.Errorf("%d were acknowledged and %d refused: the test is not what it says", acknowledged, refused)
				}
				if err := w.Complete("web", token, autoscaling.ResultContinue); err != nil {
					t.Error(err)
				}
				w.Settle(2 * time.Minute)
			})
		})
	}
}

// TestHeartbeatsEndAtTheLastDeadline: a hundred heartbeat time-outs, whoever
// leads meanwhile; then the default result holds.
func TestHeartbeatsEndAtTheLastDeadline(t *testing.T) {
	inWorld(t, Options{Pace: 20}, func(t *testing.T, w *World) {
		const timeout = autoscaling.MinHeartbeatTimeout
		w.Group("web", 1, nil)
		w.Settle(time.Minute)
		w.Hook("web", "config", autoscaling.TransitionLaunching, func(h *autoscaling.LifecycleHook) {
			h.HeartbeatTimeout, h.DefaultResult = timeout, autoscaling.ResultContinue
		})
		action := w.held()[0]
		last := action.StartTime.Add(autoscaling.MaxHookWait(timeout))
		beats := 0
		for {
			w.Advance(timeout - 10*time.Second)
			if beats%40 == 20 {
				w.lead(w.follower())
			}
			if err := w.Heartbeat("web", action.Token); err != nil {
				if !refusedAs(err, autoscaling.WrongState) {
					t.Fatal(err)
				}
				break
			}
			beats++
		}
		if early := last.Sub(now()); early > timeout || early < -time.Second {
			t.Errorf("a heartbeat was refused %s before its last deadline, after %d", early, beats)
		}
		w.Within(timeout, "it ends", func() bool { return w.waitOf(action.Token).ended != 0 })
		if is := w.waitOf(action.Token); is.endedBy != "deadline" || is.ended < last || is.ended.Sub(last) > time.Second {
			t.Errorf("it ended at %s by %s, and %s was the last", is.ended, is.endedBy, last)
		}
		w.Settle(time.Minute)
	})
}

// TestHooksWithDifferentDeadlinesEndEachAtItsOwn: CONTINUE of one leaves the
// others; the instance goes on with the last, or leaves with the first ABANDON.
func TestHooksWithDifferentDeadlinesEndEachAtItsOwn(t *testing.T) {
	inWorld(t, Options{Pace: 4}, func(t *testing.T, w *World) {
		w.Group("web", 1, nil)
		w.Settle(time.Minute)
		timeouts := map[string]time.Duration{"a": 40 * time.Second, "b": 30 * time.Second, "c": 100 * time.Second}
		for id, timeout := range timeouts {
			w.Hook("web", id, autoscaling.TransitionLaunching, func(h *autoscaling.LifecycleHook) {
				h.HeartbeatTimeout, h.DefaultResult = timeout, autoscaling.ResultContinue
			})
		}
		actions := w.held()
		id := actions[0].Instance
		for _, end := range []string{"b", "a", "c"} { // each by another leader
			w.lead(w.follower())
			for _, a := range actions {
				if a.Hook != end {
					continue
				}
				if i := w.Leader().View().FindInstance(id); i.State != autoscaling.PendingWait || i.Deadline != a.Deadline {
					t.Errorf("before hook %s it is %s until %s, not %s", end, i.State, i.Deadline, a.Deadline)
				}
				w.Advance(a.Deadline.Sub(now()) + 100*time.Millisecond)
				if is := w.waitOf(a.Token); is.endedBy != "deadline" || is.ended.Sub(a.Deadline) > 100*time.Millisecond {
					t.Errorf("hook %s ended at %s by %q, and %s was its deadline", end, is.ended, is.endedBy, a.Deadline)
				}
			}
		}
		w.Settle(time.Minute)
		if i := w.Leader().View().FindInstance(id); i.State != autoscaling.InService {
			t.Errorf("it is %s", i.State)
		}
		// The first whose default is ABANDON decides for all.
		w.must("change hook a", func(tx *fsm.Tx) (string, error) {
			_, err := w.Ops.UpdateLifecycleHook(tx, control.UpdateLifecycleHookRequest{
				Name: control.ChildName{Namespace: "default", Group: "web", ID: "a"},
				Change: func(h *autoscaling.LifecycleHook) error {
					h.DefaultResult = autoscaling.ResultAbandon
					return nil
				},
			})
			return "", err
		})
		actions = w.held()
		id = actions[0].Instance
		w.SetDesired("web", 2) // nobody takes its place
		for _, a := range actions {
			if a.Hook == "a" {
				w.Advance(a.Deadline.Sub(now()) + 100*time.Millisecond)
			}
		}
		if i := w.Leader().View().FindInstance(id); i.State.Launching() {
			t.Errorf("it is %s: %+v", i.State, i.Waits)
		}
		w.Settle(time.Minute)
	})
}
