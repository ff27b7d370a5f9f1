package fsm

import (
	"slices"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

// sound makes a state in which everything that has an invariant is there.
func sound(t *testing.T) (*leader, autoscaling.UID) {
	l := newLeader(t)
	uid := l.putGroup("web")
	l.do(func(tx *Tx) {
		c := &autoscaling.Configuration{Meta: autoscaling.Meta{UID: tx.NewUID(), Namespace: "default", ID: "web"}, Latest: 1}
		tx.PutConfiguration(c)
		tx.PutConfigurationVersion(&autoscaling.ConfigurationVersion{Configuration: c.UID, Version: 1})
		tx.PutActivity(&autoscaling.Activity{
			ID: tx.NewActivityID(), Group: uid, Kind: autoscaling.ScaleOut, Status: autoscaling.ActivityInProgress,
			Trigger: autoscaling.Trigger{Kind: autoscaling.TriggerSystem}, Launches: 2, LaunchesDone: 1,
		})
		g := *tx.Group(uid)
		g.Converging = 1
		tx.PutGroup(&g)
		served := serving(uid, "i-1")
		served.Activity = 1
		tx.PutInstance(served)
		tx.PutInstance(&autoscaling.Instance{
			ID: "i-2", Group: uid, Activity: 1, State: autoscaling.Pending, Step: autoscaling.StepCreate, Deadline: tx.Now(), CreateTime: tx.Now(),
		})
		tx.PutInstance(&autoscaling.Instance{ID: "i-3", Group: uid, State: autoscaling.Terminated, EndTime: tx.Now()})
		tx.PutRule(&autoscaling.Rule{Meta: autoscaling.Meta{ID: "add"}, Group: uid})
		tx.PutLifecycleHook(&autoscaling.LifecycleHook{Meta: autoscaling.Meta{ID: "warm-up"}, Group: uid})
		tx.PutNotification(&autoscaling.Notification{Meta: autoscaling.Meta{ID: "all"}, Group: uid, Target: "ops"})
		tx.PutNotificationTarget(&autoscaling.NotificationTarget{Meta: autoscaling.Meta{UID: "t-1", Namespace: "default", ID: "ops"}})
		tx.PutReleased(&autoscaling.Released{Provider: "sim", MachineID: "m-1"})
		tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupUpdated, Group: uid})
		dead := *tx.Delivery("t-1", 1)
		dead.ID, dead.State, dead.EndTime = tx.NewDeliveryID(), autoscaling.DeliveryDead, tx.Now()
		tx.PutDelivery(&dead)
		tx.PutActivity(&autoscaling.Activity{
			ID: tx.NewActivityID(), Group: uid, Kind: autoscaling.EnterStandby, Status: autoscaling.ActivityInProgress, Launches: 1, Removals: 3, RemovalsEnded: 1,
		})
		tx.PutInstance(&autoscaling.Instance{
			ID: entering, Group: uid, Activity: 1, Moving: 2, Served: true, State: autoscaling.EnteringStandby, Step: autoscaling.StepDrain, Deadline: tx.Now(),
		})
		tx.PutInstance(&autoscaling.Instance{
			ID: "i-5", Group: uid, Activity: 1, Moving: 2, Served: true, State: autoscaling.PendingProceed, Step: autoscaling.StepRegister, Deadline: tx.Now(),
		})
		ended := hookWait("first", tx.Now(), tx.Now())
		ended.Result, ended.EndTime = autoscaling.ResultContinue, tx.Now()
		tx.PutInstance(&autoscaling.Instance{
			ID: waiting, Group: uid, Activity: 1, Leaving: 2, Served: true, State: autoscaling.TerminatingWait, Step: autoscaling.StepHooks, Deadline: tx.Now(),
			Waits: []autoscaling.HookWait{ended, hookWait("second", tx.Now().Add(1e9), tx.Now()), hookWait("third", tx.Now(), tx.Now())},
		})
		tx.PutRequest(&autoscaling.Request{Namespace: "default", ID: "r1", Time: tx.Now()})
		tx.Emit(autoscaling.Event{})
	})
	return l, uid
}

const entering, waiting = "i-00000000000000004", "i-00000000000000006"

func hookWait(hook string, deadline, start autoscaling.Time) autoscaling.HookWait {
	return autoscaling.HookWait{
		Token: autoscaling.HookToken(waiting, "00000000-0000-7000-8000-000000000001"), Hook: hook, DefaultResult: autoscaling.ResultAbandon,
		StartTime: start, Deadline: deadline, LastDeadline: deadline.Add(1e9),
	}
}

func TestSoundStateBreaksNoInvariant(t *testing.T) {
	l, _ := sound(t)
	for name, m := range map[string]*Machine{"empty": NewMachine(), "leader": l.m, "follower": replay(t, l.log), "restored": restored(t, snapshotOf(t, l.m))} {
		if broken := m.View().CheckInvariants(); len(broken) > 0 {
			t.Errorf("%s: %v", name, broken)
		}
	}
}

func TestEachBrokenInvariantIsSaidInWords(t *testing.T) {
	group := func(change func(g *autoscaling.Group)) func(tx *Tx, uid autoscaling.UID) {
		return func(tx *Tx, uid autoscaling.UID) {
			g := *tx.Group(uid)
			change(&g)
			tx.PutGroup(&g)
		}
	}
	instance := func(id autoscaling.InstanceID, change func(i *autoscaling.Instance)) func(tx *Tx, uid autoscaling.UID) {
		return func(tx *Tx, uid autoscaling.UID) {
			i := *tx.FindInstance(id)
			change(&i)
			tx.PutInstance(&i)
		}
	}
	activity := func(change func(a *autoscaling.Activity)) func(tx *Tx, uid autoscaling.UID) {
		return func(tx *Tx, uid autoscaling.UID) {
			a := *tx.Activity(1)
			change(&a)
			tx.PutActivity(&a)
		}
	}
	wait := func(n int, change func(w *autoscaling.HookWait)) func(tx *Tx, uid autoscaling.UID) {
		return instance(waiting, func(i *autoscaling.Instance) {
			i.Waits = slices.Clone(i.Waits)
			change(&i.Waits[n])
		})
	}
	delivery := func(id uint64, change func(d *autoscaling.Delivery)) func(tx *Tx, uid autoscaling.UID) {
		return func(tx *Tx, _ autoscaling.UID) {
			d := *tx.Delivery("t-1", id)
			change(&d)
			tx.PutDelivery(&d)
		}
	}
	inOutbox := func(change func(o *outbox)) func(tx *Tx, uid autoscaling.UID) {
		return func(tx *Tx, _ autoscaling.UID) {
			tx.PutNode(&autoscaling.Node{ID: "n1"})
			change(tx.st.ownOutbox(tx.st.outbox("t-1")))
		}
	}
	behind := func(change func(st *state, s *shard)) func(tx *Tx, uid autoscaling.UID) {
		return func(tx *Tx, uid autoscaling.UID) {
			tx.PutNode(&autoscaling.Node{ID: "n1"})
			change(tx.st, tx.st.own(tx.st.shard(uid)))
		}
	}
	for want, breakIt := range map[string]func(tx *Tx, uid autoscaling.UID){
		"0 <= min 5 <= desired 1 <= max 1000 does not hold": group(func(g *autoscaling.Group) { g.Min = 5 }),
		`its state is ""`:                                            group(func(g *autoscaling.Group) { g.State = "" }),
		"suspended processes are not in order":                       group(func(g *autoscaling.Group) { g.Suspended = []autoscaling.Process{"B", "A"} }),
		"condition A is not in order":                                group(func(g *autoscaling.Group) { g.Conditions = []autoscaling.Condition{{Type: "B"}, {Type: "A"}} }),
		"activity that deletes it, 7, does not exist":                group(func(g *autoscaling.Group) { g.State, g.DeleteActivity = autoscaling.GroupDeleting, 7 }),
		"activity by which it converges, 9, does not exist":          group(func(g *autoscaling.Group) { g.Converging = 9 }),
		"it makes the group converge beside activity 0":              group(func(g *autoscaling.Group) { g.Converging = 0 }),
		"it is deleted and has rules, tasks, hooks or notifications": group(func(g *autoscaling.Group) { g.State = autoscaling.GroupDeleted }),
		"it is deleted and has 5 instances that are not final":       group(func(g *autoscaling.Group) { g.State = autoscaling.GroupDeleted }),
		"use 3 of a bound of 1, and launches went on":                group(func(g *autoscaling.Group) { g.Max, g.Desired = 0, 0 }),
		`it is PENDING, which has no step "DRAIN"`:                   instance("i-2", func(i *autoscaling.Instance) { i.Step = autoscaling.StepDrain }),
		"it is PENDING and has no deadline":                          instance("i-2", func(i *autoscaling.Instance) { i.Deadline = 0 }),
		"it is PENDING and has ended":                                instance("i-2", func(i *autoscaling.Instance) { i.EndTime = 1 }),
		"instance i-2 is launched by activity 8, which does not":     instance("i-2", func(i *autoscaling.Instance) { i.Activity = 8 }),
		"instance i-1 leaves by activity 8, which does not exist":    instance("i-1", func(i *autoscaling.Instance) { i.Leaving = 8 }),
		"it waits for 1 launches, and 0 instances are launching":     instance("i-2", func(i *autoscaling.Instance) { i.Served = true }),
		"it waits for 0 removals, and 1 instances are leaving":       instance("i-1", func(i *autoscaling.Instance) { i.Leaving = 1 }),
		"it is TERMINATED and has no end":                            instance("i-3", func(i *autoscaling.Instance) { i.EndTime = 0 }),
		"it is TERMINATED and may be in pool web": instance("i-3", func(i *autoscaling.Instance) {
			i.Balancers = []autoscaling.BalancerAttachment{{Pool: "web", State: autoscaling.AttachmentDraining}}
		}),
		"it is TERMINATED and may be in list web": instance("i-3", func(i *autoscaling.Instance) {
			i.AccessLists = []autoscaling.AccessListAttachment{{List: "web", State: autoscaling.AttachmentActive}}
		}),
		"it is ENTERING_STANDBY, and no activity moves it":             instance(entering, func(i *autoscaling.Instance) { i.Moving = 0 }),
		"it is IN_SERVICE, and activity 2 moves it out of standby":     instance("i-1", func(i *autoscaling.Instance) { i.Moving = 2 }),
		"instance i-5 is launched by activity 8, which does not exist": instance("i-5", func(i *autoscaling.Instance) { i.Moving = 8 }),
		"it waits for 2 removals, and 1 instances are leaving":         instance(entering, func(i *autoscaling.Instance) { i.State, i.Step, i.Moving = autoscaling.Standby, 0, 0 }),
		"it runs and waits for nothing": func(tx *Tx, uid autoscaling.UID) {
			tx.PutActivity(&autoscaling.Activity{ID: tx.NewActivityID(), Group: uid, Status: autoscaling.ActivityInProgress})
		},
		"it names 101 victims":                                      activity(func(a *autoscaling.Activity) { a.Victims = make([]autoscaling.Victim, 101) }),
		"its deadline is 2023-11-14T22:13:21Z":                      instance(waiting, func(i *autoscaling.Instance) { i.Deadline = 1_700_000_001_000_000 }),
		"it is held by hooks of which none is open":                 instance(waiting, func(i *autoscaling.Instance) { i.Waits = i.Waits[:1] }),
		"it is TERMINATING_PROCEED, and 2 hooks still wait":         instance(waiting, func(i *autoscaling.Instance) { i.State, i.Step = autoscaling.TerminatingProceed, autoscaling.StepStop }),
		"the wait in hook third has the deadline never":             wait(2, func(w *autoscaling.HookWait) { w.Deadline = 0 }),
		"the wait in hook second has no default result":             wait(1, func(w *autoscaling.HookWait) { w.DefaultResult = "" }),
		"the wait in hook first has the result CONTINUE and no end": wait(0, func(w *autoscaling.HookWait) { w.EndTime = 0 }),
		`the token of the wait in hook second leads to instance ""`: wait(1, func(w *autoscaling.HookWait) { w.Token = "" }),
		"delivery 1: it is pending and nothing ends it":             delivery(1, func(d *autoscaling.Delivery) { d.GiveUp = 0 }),
		"delivery 1: its next attempt":                              delivery(1, func(d *autoscaling.Delivery) { d.NextTime = d.GiveUp + 1 }),
		"delivery 1: it is pending and has ended at":                delivery(1, func(d *autoscaling.Delivery) { d.EndTime = 1 }),
		`delivery 1: its state is ""`:                               delivery(1, func(d *autoscaling.Delivery) { d.State = "" }),
		"delivery 2: it is dead and has no end":                     delivery(2, func(d *autoscaling.Delivery) { d.EndTime = 0 }),
		"it counts {Pending:1 Dead:0} and has 1 pending and 1 dead": inOutbox(func(o *outbox) { o.dead = table[uint64, *autoscaling.Delivery]{} }),
		"1 lanes have something pending and 0 may be due":           inOutbox(func(o *outbox) { o.due = table[string, *autoscaling.Delivery]{} }),
		"delivery 1 is the first of its lane and not where what is due is looked for": inOutbox(func(o *outbox) {
			d, _ := o.deliveries.get(2)
			o.due.set(o.owner, dueKey(d), d)
			d, _ = o.deliveries.get(1)
			o.due.delete(o.owner, dueKey(d))
		}),
		"delivery 2: its number is above the last one given, 1": behind(func(st *state, _ *shard) { st.lastDelivery = 1 }),
		"1 notification targets exist and 2 are in the index":   behind(func(st *state, _ *shard) { st.targetNames.set(st.mutable, "more", "other") }),
		"released machine m-1 of sim: it is kept under another name": behind(func(st *state, _ *shard) {
			st.released.set(st.mutable, "other", Reader{st}.Released("sim", "m-1"))
		}),
		"its counts do not add up":                             activity(func(a *autoscaling.Activity) { a.LaunchesDone = 5 }),
		"it runs and has ended at":                             activity(func(a *autoscaling.Activity) { a.EndTime = 1 }),
		"it has no status":                                     activity(func(a *autoscaling.Activity) { a.Status = "" }),
		"it is FAILED, and 1 instances are launching":          activity(func(a *autoscaling.Activity) { a.Status = autoscaling.ActivityFailed }),
		"it lists 1001 outcomes":                               activity(func(a *autoscaling.Activity) { a.Outcomes = make([]autoscaling.Outcome, 1001) }),
		"the activity by which it converges, 1, is SUCCESSFUL": activity(func(a *autoscaling.Activity) { a.Status = autoscaling.ActivitySuccessful }),
		"which is not its own or not the system's":             activity(func(a *autoscaling.Activity) { a.Trigger.Kind = autoscaling.TriggerManual }),
		"version 2, its latest or default, does not exist":     func(tx *Tx, _ autoscaling.UID) { changeLatest(tx, 2) },
		"version 1 is above the latest, 0":                     func(tx *Tx, _ autoscaling.UID) { changeLatest(tx, 0) },
		"its answer has 5000 bytes": func(tx *Tx, _ autoscaling.UID) {
			tx.PutRequest(&autoscaling.Request{ID: "big", Answer: make([]byte, 5000)})
		},
		"it counts":                                               behind(func(_ *state, s *shard) { s.counts.Live++ }),
		"it runs and is not among those that do":                  behind(func(_ *state, s *shard) { s.running = table[autoscaling.ActivityID, *autoscaling.Activity]{} }),
		"its name leads to":                                       behind(func(st *state, _ *shard) { st.groupNames.set(st.mutable, name("default", "web"), "other") }),
		"1 groups exist and 2 are in the index":                   behind(func(st *state, _ *shard) { st.groupNames.set(st.mutable, "more", "other") }),
		"6 instances exist and 7 are in the index":                behind(func(st *state, s *shard) { st.instances.add(st.mutable, "i-9", s.record.UID) }),
		"its id leads elsewhere":                                  behind(func(st *state, _ *shard) { st.instances.remove(st.mutable, "i-1") }),
		"its number is above the last one given, 0":               behind(func(st *state, _ *shard) { st.lastActivity = 0 }),
		"1 final instances exist and 0 are in order of their end": behind(func(_ *state, s *shard) { s.finalOrder = table[string, *autoscaling.Instance]{} }),
		"1 exist and 0 are in order of time":                      behind(func(st *state, _ *shard) { st.requestOrder = table[string, *autoscaling.Request]{} }),
		"event 7 is where 1 should be": behind(func(st *state, _ *shard) {
			e := *st.events.get(1)
			e.Index = 7
			st.events.own(st.mutable)
			st.events.chunks[0][0] = &e
		}),
	} {
		t.Run(want, func(t *testing.T) {
			l, uid := sound(t)
			l.do(func(tx *Tx) { breakIt(tx, uid) })
			broken := l.m.View().CheckInvariants()
			if !slices.ContainsFunc(broken, func(s string) bool { return strings.Contains(s, want) }) {
				t.Errorf("it says %q", broken)
			}
			if again := l.m.View().CheckInvariants(); !slices.Equal(broken, again) {
				t.Error("it says something else the second time")
			}
		})
	}
}

func changeLatest(tx *Tx, latest int32) {
	c := *tx.ConfigurationByID("default", "web")
	c.Latest = latest
	tx.PutConfiguration(&c)
}

// TestLoweredMaxSizeBreaksNoInvariant: what is too much leaves by and by.
func TestLoweredMaxSizeBreaksNoInvariant(t *testing.T) {
	l, uid := sound(t)
	l.do(func(tx *Tx) {
		g := *tx.Group(uid)
		g.Max, g.Desired, g.UpdateTime = 0, 0, tx.Now()
		tx.PutGroup(&g)
	})
	if broken := l.m.View().CheckInvariants(); len(broken) > 0 {
		t.Error(broken)
	}
}
