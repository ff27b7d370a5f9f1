package virtual

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
)

// waiting launches one instance that waits in a hook, and answers its action.
func (w *World) waiting(group string, timeout time.Duration, result autoscaling.HookResult) control.PendingAction {
	w.t.Helper()
	w.Group(group, 0, nil)
	w.Hook(group, "warm", autoscaling.TransitionLaunching, func(h *autoscaling.LifecycleHook) {
		h.HeartbeatTimeout, h.DefaultResult = timeout, result
	})
	w.SetDesired(group, 1)
	w.Within(time.Minute, "it waits in the hook", func() bool { return len(w.Actions(group)) == 1 })
	return w.Actions(group)[0]
}

// ends are the ends of a wait, by the event log.
func (w *World) ends(token autoscaling.UID) (ends []*autoscaling.Event) {
	w.t.Helper()
	for e := range w.Leader().View().Events(0) {
		if e.Type == autoscaling.EventHookEnded && e.Details["token"] == string(token) {
			ends = append(ends, e)
		}
	}
	return ends
}

// The deadline of a wait is where its notice put it, whoever leads then and
// however often that changed; it passes once.
func TestAHooksDeadlineOutlivesLeadersAndPassesOnce(t *testing.T) {
	for _, result := range []autoscaling.HookResult{autoscaling.ResultContinue, autoscaling.ResultAbandon} {
		t.Run(string(result), func(t *testing.T) {
			inWorld(t, Options{Pace: 30}, func(t *testing.T, w *World) {
				a := w.waiting("web", 20*time.Minute, result)
				w.Advance(5 * time.Minute)
				w.Kill(w.Leader())
				w.Advance(5 * time.Minute)
				w.RestartAll()
				w.lead(w.follower())
				w.Advance(a.Deadline.Sub(now()) - time.Second)
				if ends := w.ends(a.Token); len(ends) != 0 {
					t.Fatalf("it ended at %s, before %s", ends[0].Time, a.Deadline)
				}
				w.Kill(w.Leader()) // nobody leads when it passes
				w.Within(2*time.Minute, "it has ended", func() bool { return len(w.ends(a.Token)) > 0 })
				w.RestartAll()
				w.lead(w.follower())
				w.Advance(5 * time.Minute)
				ends := w.ends(a.Token)
				if len(ends) != 1 || ends[0].Details["ended_by"] != "deadline" || ends[0].Details["result"] != string(result) {
					t.Fatalf("%d ends: %v", len(ends), ends[0].Details)
				}
				if late := ends[0].Time.Sub(a.Deadline); late < 0 || late > time.Minute {
					t.Errorf("it ended %s after its deadline", late)
				}
				if err := w.Complete("web", a.Token, autoscaling.ResultContinue); err == nil {
					t.Error("it was completed after that")
				}
				if result == autoscaling.ResultContinue {
					w.Settle(time.Minute)
				}
			})
		})
	}
}

// A heartbeat that is acknowledged is not lost with the leader that took it, and
// the deadline that it moved does not pass where it was.
func TestAHeartbeatInAnElectionIsKept(t *testing.T) {
	inWorld(t, Options{Pace: 10}, func(t *testing.T, w *World) {
		a := w.waiting("web", 10*time.Minute, autoscaling.ResultAbandon)
		deadline := a.Deadline
		for range 4 {
			w.Advance(deadline.Sub(now()) - 2*time.Minute)
			w.Kill(w.Leader())
			if err := w.Heartbeat("web", a.Token); err != nil { // made again until somebody leads
				t.Fatal(err)
			}
			w.Kill(w.Leader())
			w.RestartAll()
			moved := w.Actions("web")
			if len(moved) != 1 || moved[0].Token != a.Token || moved[0].Deadline <= deadline {
				t.Fatalf("the deadline was %s, and %+v waits", deadline, moved)
			}
			deadline = moved[0].Deadline
		}
		if err := w.Complete("web", a.Token, autoscaling.ResultContinue); err != nil {
			t.Fatal(err)
		}
		w.Settle(time.Minute)
		if ends := w.ends(a.Token); len(ends) != 1 {
			t.Errorf("it ended %d times", len(ends))
		}
	})
}
