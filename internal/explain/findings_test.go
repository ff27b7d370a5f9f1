package explain

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	st := newState(t)
	st.do(t, func(tx *fsm.Tx) {
		tx.PutGroup(webGroup())
		tx.PutInstance(anInstance(autoscaling.InService, autoscaling.StepNone))
		tx.PutNotificationTarget(&autoscaling.NotificationTarget{Meta: autoscaling.Meta{UID: "t-1", Namespace: "default", ID: "ops"}})
	})
	if found := Findings(st.reader(), "default", start); len(found) > 0 {
		t.Error(findingsText(found))
	}
}

// TestFindings has one of everything that can be found besides conditions.
func TestFindings(t *testing.T) {
	st := newState(t)
	const ops, off, down autoscaling.UID = "t-1", "t-2", "t-3"
	st.do(t, func(tx *fsm.Tx) {
		g := webGroup()
		g.State = autoscaling.GroupPaused
		g.Suspended = []autoscaling.Process{autoscaling.ProcessReplaceUnhealthy}
		g.LaunchFailures, g.LastLaunchError = 12, "quota exceeded"
		g.Conditions = []autoscaling.Condition{
			{Type: autoscaling.ConditionLaunchSuspended, Reason: "LAUNCHES_FAIL", Message: "12 launches failed in a row", Time: start},
			{Type: autoscaling.ConditionProviderDown, Reason: "sim", Message: "provider sim cannot be reached: refused", Time: start},
		}
		tx.PutGroup(g)
		tx.PutNotification(&autoscaling.Notification{Meta: autoscaling.Meta{ID: "tell"}, Group: web, Target: "nowhere"})
		tx.PutLifecycleHook(&autoscaling.LifecycleHook{Meta: autoscaling.Meta{ID: "drain"}, Group: web, NotificationTarget: "nobody"})

		put := func(n int, s autoscaling.InstanceState, step autoscaling.Step, change func(i *autoscaling.Instance)) {
			i := anInstance(s, step)
			i.ID = autoscaling.InstanceID(fmt.Sprintf("i-%017d", n))
			if change != nil {
				change(i)
			}
			tx.PutInstance(i)
		}
		put(1, autoscaling.InService, autoscaling.StepNone, func(i *autoscaling.Instance) {
			i.Health, i.UnhealthySource, i.UnhealthyReason, i.UnhealthySince = autoscaling.HealthUnhealthy, autoscaling.SourceProbe, "GET / answers 500", start
		})
		put(2, autoscaling.InService, autoscaling.StepNone, func(i *autoscaling.Instance) { i.MissingSince = start })
		put(3, autoscaling.TerminatingProceed, autoscaling.StepStop, func(i *autoscaling.Instance) { // tried on: the deadline is not over, the first one is
			i.Deadline, i.RetryTime, i.Attempts, i.StatusReason = start.Add(time.Hour+time.Minute), start.Add(time.Hour+time.Second), 9, "the provider is thinking"
		})
		put(4, autoscaling.Pending, autoscaling.StepStart, nil) // nobody acted upon it
		for n := range perKind + 3 {
			put(10+n, autoscaling.PendingWait, autoscaling.StepHooks, func(i *autoscaling.Instance) {
				i.Deadline = start.Add(2 * time.Hour)
				i.Waits[0].Deadline, i.Waits[0].LastDeadline = i.Deadline, i.Deadline.Add(time.Hour)
			})
		}

		for uid, id := range map[autoscaling.UID]string{ops: "ops", off: "off", down: "down"} {
			tx.PutNotificationTarget(&autoscaling.NotificationTarget{Meta: autoscaling.Meta{UID: uid, Namespace: "default", ID: id}, Disabled: uid == off})
		}
		deliver := func(target autoscaling.UID, state autoscaling.DeliveryState, attempts int32, problem string) {
			d := &autoscaling.Delivery{
				Target: target, ID: tx.NewDeliveryID(), State: state, Group: web, EventTime: start, Attempts: attempts, LastError: problem,
				GiveUp: start.Add(autoscaling.DeliveryPatience),
			}
			if state == autoscaling.DeliveryDead {
				d.EndTime = start
			} else if attempts > 0 {
				d.NextTime = start.Add(2 * time.Hour)
			}
			tx.PutDelivery(d)
		}
		deliver(ops, autoscaling.DeliveryDead, 20, "410 Gone")
		deliver(ops, autoscaling.DeliveryPending, 0, "") // not tried yet: nothing is wrong
		deliver(off, autoscaling.DeliveryPending, 0, "")
		deliver(down, autoscaling.DeliveryPending, 3, "connection refused")
		deliver(down, autoscaling.DeliveryPending, 0, "")
		tx.PutOrphan(&autoscaling.Orphan{Provider: "sim", Instance: "i-0000000000000dead", MachineID: "m-9", FirstSeen: start, RemoveAfter: start.Add(time.Minute)})

		other := webGroup()
		other.UID, other.Namespace, other.ID, other.State, other.DeleteActivity = "g-2", "shop", "api", autoscaling.GroupDeleting, 9
		other.Conditions = []autoscaling.Condition{{Type: autoscaling.ConditionDeletionWaiting, Reason: "HOOKS", Message: "instances wait in terminate hooks (bye)", Time: start}}
		tx.PutGroup(other)
		tx.PutActivity(&autoscaling.Activity{ID: 9, Group: "g-2", Kind: autoscaling.DeleteGroup, Status: autoscaling.ActivityInProgress, StartTime: start, Cause: "ann deleted group api"})
		held := anInstance(autoscaling.TerminatingWait, autoscaling.StepHooks)
		held.ID, held.Group, held.Deadline = "i-0000000000000beef", "g-2", start.Add(2*time.Hour)
		held.Waits[0].Deadline, held.Waits[0].LastDeadline = held.Deadline, held.Deadline.Add(time.Hour)
		tx.PutInstance(held)
	})
	now := start.Add(time.Hour)
	found := Findings(st.reader(), "default", now)
	for _, f := range append(found, Findings(st.reader(), "shop", now)...) {
		if f.Kind == "" || f.Severity == 0 || f.Resource == "" || f.Problem == "" || f.Next == "" || f.Severity == Error && f.Command == "" {
			t.Errorf("something is missing in %+v", f)
		}
		if strings.Contains(findingsText([]Finding{f}), "00000000-0000-8000-8000-000000000001") {
			t.Errorf("it tells the token: %+v", f)
		}
	}
	golden(t, "findings.txt", "## default\n\n"+findingsText(found)+"\n## shop\n\n"+findingsText(Findings(st.reader(), "shop", now)))

	if all := Findings(st.reader(), "", now); len(all) < len(found) {
		t.Errorf("%d are found in all namespaces, and %d in one", len(all), len(found))
	}
	for _, f := range GroupFindings(st.reader(), st.reader().Group("g-2"), now) {
		if f.Group != "namespaces/shop/groups/api" {
			t.Errorf("of group api, %+v is found", f)
		}
	}
}

func TestFullTargetIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred thousand deliveries")
	}
	st := newState(t)
	st.do(t, func(tx *fsm.Tx) {
		tx.PutGroup(webGroup())
		tx.PutNotificationTarget(&autoscaling.NotificationTarget{Meta: autoscaling.Meta{UID: "t-1", Namespace: "default", ID: "ops"}})
		tx.PutNotification(&autoscaling.Notification{Meta: autoscaling.Meta{ID: "all"}, Group: web, Target: "ops"})
		for range autoscaling.MaxPending + 1 {
			tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState, Group: web})
		}
	})
	kinds := map[string]bool{}
	for _, f := range Findings(st.reader(), "default", start) {
		kinds[f.Kind] = true
	}
	if !kinds[KindTargetFull] || !kinds[KindDeadLetters] {
		t.Errorf("found are %v", kinds)
	}
}
