package virtual

import (
	"context"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// Target makes a notification target; it answers its URL.
func (w *World) Target(id string) string {
	w.t.Helper()
	url := "https://" + id + ".example.com/"
	w.must("create notification target "+id, func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.CreateNotificationTarget(tx, control.CreateNotificationTargetRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: id}, Secret: autoscaling.FormatWebhookSecret(make([]byte, 32)),
			Target: autoscaling.NotificationTarget{Webhook: &autoscaling.Webhook{URL: url, Timeout: 10 * time.Second}},
		})
		return "", err
	})
	return url
}

// Subscribe sends a group's events to a target.
func (w *World) Subscribe(group, target string, types ...autoscaling.EventType) {
	w.t.Helper()
	w.must("create notification", func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.CreateNotification(tx, control.CreateNotificationRequest{
			Parent: groupName(group), NewMeta: control.NewMeta{ID: "to-" + target},
			Notification: autoscaling.Notification{Target: target, EventTypes: types},
		})
		return "", err
	})
}

func (w *World) outbox(target string) fsm.OutboxCounts {
	v := w.Leader().View()
	return v.OutboxCounts(v.NotificationTargetByID("default", target).UID)
}

// delivered fails unless every event of the group since the subscription was
// taken, or is a dead letter, and those of an instance were first taken in order.
func (w *World) delivered(group, target, url string) {
	w.t.Helper()
	v := w.Leader().View()
	uid := v.NotificationTargetByID("default", target).UID
	there := map[uint64]bool{}
	last := map[autoscaling.InstanceID]uint64{}
	for _, n := range w.Receivers.Taken(url) {
		if there[n.Index] {
			continue // a repeat
		}
		there[n.Index] = true
		if n.Instance != "" && n.Index < last[n.Instance] {
			w.t.Errorf("event %d of %s came after event %d", n.Index, n.Instance, last[n.Instance])
		}
		last[n.Instance] = max(last[n.Instance], n.Index)
	}
	for d := range v.DeadLetters(uid) {
		there[d.EventIndex] = true
	}
	since := uint64(0)
	for e := range v.Events(0) {
		if e.Type == autoscaling.EventNotificationCreated && e.Subject == "to-"+target {
			since = e.Index
		}
	}
	if since == 0 {
		w.t.Fatal("nobody subscribed")
	}
	told := 0
	for e := range v.Events(since - 1) {
		about := e.Type == autoscaling.EventNotificationDead && e.Details["target"] == target
		if e.GroupID == group && !about {
			told++
			if !there[e.Index] {
				w.t.Errorf("event %d, %s %s %s, did not arrive and is no dead letter", e.Index, e.Type, e.Instance, e.State)
			}
		}
	}
	if told < 10 {
		w.t.Errorf("only %d events", told)
	}
}

func hangs(ctx context.Context) error {
	<-ctx.Done()
	return providers.Errorf(providers.UnknownOutcome, "no answer")
}

func refuses(context.Context) error {
	return providers.Errorf(providers.Failed, "it answered 500 Internal Server Error")
}

// upAndDown changes a group's capacity for so long; it answers the longest time
// that a change took until the group was at rest.
func (w *World) upAndDown(group string, d time.Duration, between func(round int)) (longest time.Duration) {
	w.t.Helper()
	began := time.Now()
	for round := 0; time.Since(began) < d; round++ {
		asked := time.Now()
		w.SetDesired(group, int32(2+3*(round%2)))
		w.Rest(2 * time.Minute)
		longest = max(longest, time.Since(asked))
		if between != nil {
			between(round)
		}
		w.Advance(4 * time.Minute)
	}
	return longest
}

func TestATargetThatIsDownForAnHourDelaysNothingAndGetsEverythingAcrossLeaders(t *testing.T) {
	for name, mood := range map[string]func(context.Context) error{"hangs": hangs, "refuses": refuses} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{Pace: 25}, func(t *testing.T, w *World) {
				w.Group("web", 2, nil)
				w.Settle(time.Minute)
				without := w.upAndDown("web", 20*time.Minute, nil)
				url := w.Target("ops")
				good := w.Target("good")
				w.Subscribe("web", "ops")
				w.Subscribe("web", "good")
				w.Receivers.Answer(url, mood)
				with := w.upAndDown("web", time.Hour, func(round int) {
					switch round {
					case 3:
						w.Kill(w.Leader())
						w.Leader()
						w.RestartAll()
					case 7:
						w.lead(w.follower())
					}
				})
				if with > without+time.Second {
					t.Errorf("a change takes %s, and %s while a target is down", without, with)
				}
				if n := w.Receivers.Tries(url); n < 60 || n > 600 {
					t.Errorf("%d attempts in an hour", n)
				}
				w.Within(time.Minute, "the other target has everything", func() bool { return w.outbox("good").Pending == 0 })
				if n := len(w.Receivers.Taken(url)); n != 0 {
					t.Errorf("%d were taken", n)
				}
				w.Receivers.Answer(url, nil)
				w.Within(16*time.Minute, "everything is delivered", func() bool { return w.outbox("ops") == fsm.OutboxCounts{} })
				w.Settle(time.Minute)
				w.delivered("web", "ops", url)
				w.delivered("web", "good", good)
			})
		})
	}
}

// The attempt was taken, and the one who made it never says so: it is made again,
// and before anything that comes after it.
func TestNoNotificationIsLostWithTheLeaderThatSendsIt(t *testing.T) {
	for _, f := range fates {
		t.Run(f.name, func(t *testing.T) {
			inWorld(t, Options{Pace: 5}, func(t *testing.T, w *World) {
				url := w.Target("ops")
				w.Group("web", 2, nil)
				w.Subscribe("web", "ops")
				w.Settle(time.Minute)
				struck := 0
				for round := range 6 {
					leader := w.Leader()
					p := afterEffect(Notify, 5*round)
					wire := p.arm(w, leader, f.strike(w, leader))
					w.SetDesired("web", int32(5-3*(round%2)))
					select {
					case <-wire.Tripped:
						struck++
						f.then(w, leader)
					case <-time.After(10 * time.Second):
					}
					w.Disarm()
					w.Settle(5 * time.Minute)
				}
				if struck < 5 {
					t.Errorf("struck %d times", struck)
				}
				w.Within(time.Minute, "everything is delivered", func() bool { return w.outbox("ops") == fsm.OutboxCounts{} })
				w.delivered("web", "ops", url)
				seen, repeats := map[string]bool{}, 0
				for _, n := range w.Receivers.Taken(url) {
					if seen[n.ID] {
						repeats++
					}
					seen[n.ID] = true
				}
				if repeats < struck || repeats > 10*struck {
					t.Errorf("%d repeats after %d strikes", repeats, struck)
				}
			})
		})
	}
}

func TestWhatATargetDoesNotTakeForADayIsADeadLetterAcrossLeaders(t *testing.T) {
	inWorld(t, Options{Pace: 4}, func(t *testing.T, w *World) {
		url := w.Target("ops")
		w.Group("web", 2, nil)
		w.Subscribe("web", "ops")
		w.Receivers.Answer(url, refuses)
		w.SetDesired("web", 5)
		w.Settle(time.Minute)
		later := func(d time.Duration) {
			for _, m := range w.Members {
				w.SetClock(m, d) // nobody waits for a day
			}
			w.Advance(2 * time.Minute)
		}
		later(12 * time.Hour)
		w.Kill(w.Leader())
		w.Leader()
		w.RestartAll()
		w.Advance(time.Minute)
		if c := w.outbox("ops"); c.Pending < 20 || c.Dead != 0 {
			t.Errorf("after half a day %+v", c)
		}
		later(25 * time.Hour)
		w.Within(5*time.Minute, "what is old is dead", func() bool { return w.outbox("ops").Dead >= 20 })
		w.Receivers.Answer(url, nil)
		w.SetDesired("web", 2)
		w.Within(20*time.Minute, "what is new is delivered", func() bool { return w.outbox("ops").Pending == 0 })
		w.Settle(time.Minute)
		w.delivered("web", "ops", url)
		w.must("redeliver", func(tx *fsm.Tx) (string, error) {
			_, err := w.Ops.RedeliverNotification(tx, control.RedeliverNotificationRequest{Name: control.NotificationTargetName{Namespace: "default", ID: "ops"}})
			return "", err
		})
		w.Within(time.Minute, "everything is delivered", func() bool { return w.outbox("ops") == fsm.OutboxCounts{} })
	})
}
