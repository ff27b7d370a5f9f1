package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// receivers are endpoints by URL. Each takes everything, a millisecond a piece,
// unless its function says otherwise.
type receivers struct {
	mu    sync.Mutex
	fn    map[string]func(ctx context.Context, n providers.Notice) error
	got   map[string][]providers.Notice // what was taken
	tries map[string]int
	open  map[string]int
	most  map[string]int // under way at once
	all   int
	peak  int
}

func newReceivers() *receivers {
	return &receivers{fn: map[string]func(context.Context, providers.Notice) error{}, got: map[string][]providers.Notice{}, tries: map[string]int{}, open: map[string]int{}, most: map[string]int{}}
}

func (r *receivers) answer(url string, fn func(ctx context.Context, n providers.Notice) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fn[url] = fn
}

func (r *receivers) Notify(ctx context.Context, to providers.Endpoint, n providers.Notice) error {
	r.mu.Lock()
	r.tries[to.URL]++
	r.open[to.URL]++
	r.all++
	r.most[to.URL], r.peak = max(r.most[to.URL], r.open[to.URL]), max(r.peak, r.all)
	fn := r.fn[to.URL]
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, to.Timeout)
	defer cancel()
	var err error
	if fn != nil {
		err = fn(ctx, n)
	} else {
		time.Sleep(time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[to.URL]--
	r.all--
	if err == nil {
		r.got[to.URL] = append(r.got[to.URL], n)
	}
	return err
}

func (r *receivers) taken(url string) []providers.Notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got[url])
}

func (r *receivers) tried(url string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tries[url]
}

func refuses(context.Context, providers.Notice) error {
	return providers.Errorf(providers.Failed, "it answered 500 Internal Server Error")
}

func hangs(ctx context.Context, _ providers.Notice) error {
	<-ctx.Done()
	return &providers.Error{Class: providers.UnknownOutcome, Message: "no answer", Err: ctx.Err()}
}

// inOutbox runs a test of a scheduler that has receivers.
func inOutbox(t *testing.T, test func(t *testing.T, f *fixture, r *receivers)) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		f, r := newFixture(t, options{quick: true}), newReceivers()
		f.scheduler.Notifier = r
		f.configure()
		t.Cleanup(f.resign)
		test(t, f, r)
		if broken := f.View().CheckInvariants(); len(broken) > 0 {
			t.Error(strings.Join(broken, "\n"))
		}
	})
}

const testSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func (f *fixture) addTarget(id string) (uid autoscaling.UID, url string) {
	f.t.Helper()
	url = "https://" + id + ".example.com/"
	f.must(func(tx *fsm.Tx) error {
		target, err := f.ops.CreateNotificationTarget(tx, control.CreateNotificationTargetRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: id}, Secret: testSecret,
			Target: autoscaling.NotificationTarget{Webhook: &autoscaling.Webhook{URL: url, Timeout: 10 * time.Second}},
		})
		if err == nil {
			uid = target.UID
		}
		return err
	})
	return uid, url
}

func (f *fixture) subscribe(group, id, target string, types ...autoscaling.EventType) {
	f.t.Helper()
	f.must(func(tx *fsm.Tx) error {
		_, err := f.ops.CreateNotification(tx, control.CreateNotificationRequest{
			Parent: control.GroupName{Namespace: "default", ID: group}, NewMeta: control.NewMeta{ID: id},
			Notification: autoscaling.Notification{Target: target, EventTypes: types},
		})
		return err
	})
}

// emit writes events about instances of a group, as many of each in turn.
func (f *fixture) emit(group autoscaling.UID, instances, rounds int) {
	f.t.Helper()
	f.must(func(tx *fsm.Tx) error {
		for round := range rounds {
			for i := range instances {
				tx.Emit(autoscaling.Event{
					Type: autoscaling.EventInstanceHealth, Namespace: "default", GroupID: "web", Group: group,
					Instance: autoscaling.InstanceID(fmt.Sprintf("i-%017x", i+1)), Message: fmt.Sprint(round),
				})
			}
		}
		return nil
	})
}

// lines are the messages taken about each instance, first occurrences only.
func lines(t *testing.T, notices []providers.Notice) map[string][]string {
	t.Helper()
	seen, all := map[string]bool{}, map[string][]string{}
	for _, n := range notices {
		if seen[n.ID] || n.Type == plan.NoticeType(autoscaling.EventNotificationTest) {
			continue
		}
		seen[n.ID] = true
		var data struct{ Instance, Message string }
		if err := json.Unmarshal(n.Data, &data); err != nil {
			t.Fatal(err)
		}
		all[data.Instance] = append(all[data.Instance], data.Message)
	}
	return all
}

// complete says that of each of the instances every round arrived, in order.
func complete(t *testing.T, notices []providers.Notice, instances, rounds int) {
	t.Helper()
	got := lines(t, notices)
	if len(got) != instances {
		t.Errorf("something came about %d instances, not %d", len(got), instances)
	}
	for id, messages := range got {
		if len(messages) != rounds {
			t.Errorf("%s: %d came, not %d", id, len(messages), rounds)
		}
		for n, m := range messages {
			if m != fmt.Sprint(n) {
				t.Errorf("%s: not in order: %v", id, messages)
				break
			}
		}
	}
}

func (f *fixture) pending(target autoscaling.UID) fsm.OutboxCounts {
	return f.View().OutboxCounts(target)
}

func (f *fixture) delivered(within time.Duration, target autoscaling.UID) {
	f.t.Helper()
	f.eventually(within, "everything is delivered", func() bool { return f.pending(target).Pending == 0 })
}

func TestEventsAreDeliveredOnceAndInOrderPerInstance(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		f.lead()
		f.emit(web, 20, 30)
		f.delivered(2*time.Second, target)
		complete(t, r.taken(url), 20, 30)
		if n := r.tried(url); n != 600 {
			t.Errorf("%d attempts for 600 events", n)
		}
		if r.most[url] > 8 {
			t.Errorf("%d at once", r.most[url])
		}
		n := r.taken(url)[0]
		if n.Type != "as.instance_health" || n.Source != "ari:as:test:default:group/web" || !strings.HasPrefix(n.Subject, "ari:as:test:default:instance/web/i-") || !strings.HasPrefix(n.ID, "msg_") {
			t.Errorf("%+v", n)
		}
	})
}

func TestATargetThatIsDownForAnHourGetsEverythingAfterwards(t *testing.T) {
	for name, fault := range map[string]func(context.Context, providers.Notice) error{"refuses": refuses, "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
				target, url := f.addTarget("ops")
				web := f.group("web", 0, nil)
				f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
				f.lead()
				r.answer(url, fault)
				f.emit(web, 50, 20)
				time.Sleep(time.Hour)
				if n := r.tried(url); n < 60 || n > 400 {
					t.Errorf("%d attempts in an hour", n)
				}
				if r.most[url] > 1 {
					t.Errorf("%d at once to a target of which nothing was known", r.most[url])
				}
				r.answer(url, nil)
				f.delivered(16*time.Minute, target)
				complete(t, r.taken(url), 50, 20)
			})
		})
	}
}

func TestTargetsThatHangHoldUpNeitherOthersNorScaling(t *testing.T) {
	serve := func(t *testing.T, hanging int) (launched time.Duration) {
		inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
			target, _ := f.addTarget("good")
			web := f.group("web", 0, withPoolAndList)
			f.subscribe("web", "good", "good", autoscaling.EventInstanceHealth)
			for n := range hanging {
				id := fmt.Sprintf("hangs-%d", n)
				_, bad := f.addTarget(id)
				r.answer(bad, hangs)
				if n < 40 {
					f.subscribe("web", id, id)
				} else {
					f.group("other-"+id, 0, nil)
					f.subscribe("other-"+id, id, id)
				}
			}
			f.lead()
			time.Sleep(time.Minute) // who hangs is known to hang
			began := time.Now()
			f.setDesired("web", 10)
			f.eventually(time.Minute, "ten serve", func() bool { return f.inState(web, autoscaling.InService) == 10 })
			launched = time.Since(began)
			f.emit(web, 10, 10)
			f.delivered(2*time.Second, target)
			if r.peak > 64 {
				t.Errorf("%d calls at once", r.peak)
			}
			if hanging > 0 && r.all == 0 {
				t.Error("nothing hangs")
			}
		})
		return launched
	}
	without := serve(t, 0)
	if with := serve(t, 90); with > without+time.Second {
		t.Errorf("ten instances serve in %s, and in %s while targets hang", without, with)
	}
}

func TestWhatIsNotTakenForADayIsADeadLetterAndSaidOnce(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		_, pager := f.addTarget("pager")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth, autoscaling.EventNotificationDead)
		f.subscribe("web", "dead", "pager", autoscaling.EventNotificationDead)
		f.lead()
		r.answer(url, refuses)
		f.emit(web, 100, 6)
		time.Sleep(23 * time.Hour)
		if c := f.pending(target); c.Pending != 600 || c.Dead != 0 {
			t.Errorf("after 23 hours %+v", c)
		}
		before := f.View().LastEvent()
		time.Sleep(time.Hour - time.Second)
		f.eventually(10*time.Minute, "they are dead letters", func() bool { c := f.pending(target); return c.Pending == 0 && c.Dead == 600 })
		events := 0
		for e := range f.View().Events(before) {
			if e.Type == autoscaling.EventNotificationDead {
				events++
				if e.Details["target"] != "ops" || !strings.Contains(e.Message, "ops") {
					t.Errorf("%+v", e)
				}
			}
		}
		if events == 0 || events > 120 {
			t.Errorf("%d events for 600 dead letters", events)
		}
		f.eventually(time.Minute, "who wants to know is told", func() bool { return len(r.taken(pager)) == events })
		for d := range f.View().DeadLetters(target) {
			if d.LastError == "" || d.EndTime == 0 {
				t.Fatalf("%+v", d)
			}
		}
		r.answer(url, nil)
		f.must(func(tx *fsm.Tx) error {
			again, err := f.ops.RedeliverNotification(tx, control.RedeliverNotificationRequest{Name: control.NotificationTargetName{Namespace: "default", ID: "ops"}})
			if err == nil && (again.Queued != 600 || again.Left != 0) {
				t.Errorf("%+v", again)
			}
			return err
		})
		f.delivered(time.Minute, target)
		complete(t, r.taken(url), 100, 6)
	})
}

func TestALeaderThatDiesLosesNoNotificationAndKeepsTheirOrder(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		r.answer(url, func(ctx context.Context, n providers.Notice) error {
			time.Sleep(7 * time.Millisecond)
			return ctx.Err()
		})
		f.lead()
		f.emit(web, 30, 20)
		for range 20 {
			time.Sleep(25 * time.Millisecond)
			f.lead()
		}
		f.delivered(time.Minute, target)
		complete(t, r.taken(url), 30, 20)
	})
}

func TestATargetThatWorksAgainGetsAtOnceWhatItDidNotTake(t *testing.T) {
	for name, mend := range map[string]func(f *fixture){
		"somebody tests it": func(f *fixture) {
			f.must(func(tx *fsm.Tx) error {
				_, err := f.ops.TestNotificationTarget(tx, control.TestNotificationTargetRequest{Name: control.NotificationTargetName{Namespace: "default", ID: "ops"}})
				return err
			})
		},
		"somebody changes it": func(f *fixture) {
			f.must(func(tx *fsm.Tx) error {
				_, err := f.ops.UpdateNotificationTarget(tx, control.UpdateNotificationTargetRequest{
					Name: control.NotificationTargetName{Namespace: "default", ID: "ops"},
					Change: func(t *autoscaling.NotificationTarget) error {
						t.Labels = map[string]string{"mended": "yes"}
						return nil
					},
				})
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
				target, url := f.addTarget("ops")
				web := f.group("web", 0, nil)
				f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
				f.lead()
				r.answer(url, refuses)
				f.emit(web, 3, 4)
				time.Sleep(3 * time.Hour) // the next attempts are minutes apart
				r.answer(url, nil)
				mend(f)
				f.delivered(time.Second, target)
				complete(t, r.taken(url), 3, 4)
			})
		})
	}
}

// An event that a target never takes is not tried again with each that it takes.
func TestAnEventThatIsNeverTakenDoesNotHammerItsTarget(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		f.lead()
		refused := 0
		r.answer(url, func(_ context.Context, n providers.Notice) error {
			for _, poison := range []string{"00001\"", "00002\"", "00003\"", "00004\"", "00005\""} {
				if strings.Contains(string(n.Data), poison) {
					r.mu.Lock()
					refused++
					r.mu.Unlock()
					return providers.Errorf(providers.Failed, "it answered 400 Bad Request")
				}
			}
			return nil
		})
		for range 600 {
			f.emit(web, 10, 1)
			time.Sleep(time.Second)
		}
		if refused > 5*30 {
			t.Errorf("%d attempts for five events in ten minutes", refused)
		}
		if c := f.pending(target); c.Pending != 5*600 {
			t.Errorf("%+v: others wait for the five", c)
		}
	})
}

func TestATargetIsNotAskedBeforeItWantsToBe(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		f.lead()
		r.answer(url, func(context.Context, providers.Notice) error {
			return &providers.Error{Class: providers.Throttled, Message: "it answered 429", RetryAfter: 10 * time.Minute}
		})
		f.emit(web, 20, 1)
		time.Sleep(9 * time.Minute)
		if n := r.tried(url); n != 1 {
			t.Errorf("%d attempts", n)
		}
		r.answer(url, nil)
		f.delivered(2*time.Minute, target)
		complete(t, r.taken(url), 20, 1)
	})
}

func TestATargetThatIsGoneGetsDeadLettersAtOnce(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		f.lead()
		r.answer(url, func(context.Context, providers.Notice) error {
			return providers.Errorf(providers.Gone, "it answered 410 Gone")
		})
		f.emit(web, 5, 2)
		f.eventually(time.Minute, "they are dead letters", func() bool { return f.pending(target) == fsm.OutboxCounts{Dead: 10} })
	})
}

func TestADisabledTargetGetsNothingUntilItIsEnabled(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		enable := func(on bool) {
			f.must(func(tx *fsm.Tx) error {
				_, err := f.ops.UpdateNotificationTarget(tx, control.UpdateNotificationTargetRequest{
					Name:   control.NotificationTargetName{Namespace: "default", ID: "ops"},
					Change: func(t *autoscaling.NotificationTarget) error { t.Disabled = !on; return nil },
				})
				return err
			})
		}
		f.lead()
		enable(false)
		f.emit(web, 3, 2)
		time.Sleep(time.Hour)
		if n := r.tried(url); n != 0 {
			t.Errorf("%d attempts", n)
		}
		enable(true)
		f.delivered(time.Minute, target)
		complete(t, r.taken(url), 3, 2)
		enable(false)
		f.emit(web, 700, 2)
		time.Sleep(24*time.Hour - time.Second)
		f.eventually(time.Minute, "they are dead letters", func() bool { return f.pending(target) == fsm.OutboxCounts{Dead: 1400} })
		if n := r.tried(url); n != 6 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestATestGoesToATargetThatIsDownOrDisabled(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		f.lead()
		name := control.NotificationTargetName{Namespace: "default", ID: "ops"}
		try := func() (id uint64) {
			f.must(func(tx *fsm.Tx) error {
				d, err := f.ops.TestNotificationTarget(tx, control.TestNotificationTargetRequest{Name: name})
				if err == nil {
					id = d.ID
				}
				return err
			})
			return id
		}
		r.answer(url, refuses)
		f.emit(web, 20, 1)
		time.Sleep(20 * time.Minute)
		before := r.tried(url)
		id := try()
		f.eventually(100*time.Millisecond, "it was tried", func() bool { d := f.View().Delivery(target, id); return d.Attempts == 1 && d.LastError != "" })
		if n := r.tried(url); n != before+1 {
			t.Errorf("%d attempts", n-before)
		}
		f.eventually(2*time.Minute, "it is given up", func() bool { return f.View().Delivery(target, id).State == autoscaling.DeliveryDead })
		r.answer(url, nil)
		id = try()
		f.eventually(100*time.Millisecond, "it was taken", func() bool { return f.View().Delivery(target, id) == nil })
		f.delivered(time.Second, target) // now that the target is known to work
	})
}

// The outcome of an attempt that cannot be written is not known: it is made again.
func TestAnOutcomeThatIsNotWrittenIsFoundOutAgain(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		f.emit(web, 3, 2)
		f.refuse = errors.New("no")
		f.lead()
		time.Sleep(10 * time.Second)
		f.mu.Lock()
		f.refuse = nil
		f.mu.Unlock()
		f.delivered(time.Minute, target)
		complete(t, r.taken(url), 3, 2)
		if n := r.tried(url); n > 100 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestADeletedTargetIsForgotten(t *testing.T) {
	inOutbox(t, func(t *testing.T, f *fixture, r *receivers) {
		target, url := f.addTarget("ops")
		web := f.group("web", 0, nil)
		f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
		r.answer(url, hangs)
		f.lead()
		f.emit(web, 3, 2)
		time.Sleep(time.Second)
		f.must(func(tx *fsm.Tx) error {
			if err := f.ops.DeleteNotification(tx, control.DeleteNotificationRequest{Name: control.ChildName{Namespace: "default", Group: "web", ID: "health"}}); err != nil {
				return err
			}
			return f.ops.DeleteNotificationTarget(tx, control.DeleteNotificationTargetRequest{Name: control.NotificationTargetName{Namespace: "default", ID: "ops"}})
		})
		time.Sleep(time.Minute)
		if n := r.tried(url); n != 1 || f.View().NotificationTarget(target) != nil {
			t.Errorf("%d attempts", n)
		}
	})
}
