package fsm

import (
	"bytes"
	"slices"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestFunctionsSeeWhatEarlierOnesWroteAndViewsDoNotUntilApplied(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	b := l.m.Begin(1, l.now, &l.ids)
	run := func(fn func(tx *Tx)) {
		if err := b.Run(func(tx *Tx) error { fn(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	run(func(tx *Tx) { tx.PutInstance(serving(uid, "i-1")) })
	run(func(tx *Tx) {
		if tx.Instance(uid, "i-1") == nil || tx.FindInstance("i-1") == nil || tx.Counts(uid).Counted != 1 {
			t.Error("the second function does not see the first one's instance")
		}
	})
	entry := l.seal(b)
	if l.m.View().FindInstance("i-1") != nil {
		t.Error("a view shows what was prepared and not applied")
	}
	next := l.m.Begin(1, l.now, &l.ids)
	if err := next.Run(func(tx *Tx) error {
		if tx.FindInstance("i-1") == nil {
			t.Error("the next batch does not run on the prepared state")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	l.apply(entry)
	if l.m.View().FindInstance("i-1") == nil {
		t.Error("the view does not show what was applied")
	}
}

func TestFailingFunctionLeavesNothingBehind(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	other := l.putGroup("other")
	l.do(func(tx *Tx) {
		tx.PutInstance(serving(uid, "i-1"))
		tx.PutActivity(&autoscaling.Activity{ID: tx.NewActivityID(), Group: uid, Status: autoscaling.ActivityInProgress})
		tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupCreated})
		tx.PutRequest(&autoscaling.Request{Namespace: "default", ID: "r1", Time: tx.Now()})
	})
	before := snapshotOf(t, l.m)

	everything := func(tx *Tx) {
		tx.PutGroup(group(tx.NewUID(), "new"))
		leaving := *tx.Instance(uid, "i-1")
		leaving.State = autoscaling.Terminating
		tx.PutInstance(&leaving)
		tx.PutInstance(serving(uid, tx.NewInstanceID()))
		ended := *tx.Activity(1)
		ended.Status = autoscaling.ActivitySuccessful
		tx.PutActivity(&ended)
		tx.PutActivity(&autoscaling.Activity{ID: tx.NewActivityID(), Group: uid})
		tx.PutRule(&autoscaling.Rule{Meta: autoscaling.Meta{ID: "add"}, Group: uid})
		tx.PutAlarmTask(&autoscaling.AlarmTask{Meta: autoscaling.Meta{ID: "cpu"}, Group: uid})
		tx.PutScheduledTask(&autoscaling.ScheduledTask{Meta: autoscaling.Meta{ID: "night"}, Group: uid})
		tx.DeleteRule(uid, "add")
		configuration := tx.NewUID()
		tx.PutConfiguration(&autoscaling.Configuration{Meta: autoscaling.Meta{UID: configuration, ID: "web"}})
		tx.PutConfigurationVersion(&autoscaling.ConfigurationVersion{Configuration: configuration, Version: 1})
		tx.DeleteConfiguration(configuration)
		tx.PutNode(&autoscaling.Node{ID: "n1"})
		tx.PutProviderStore(&autoscaling.ProviderStore{Provider: "sim"})
		tx.PutOrphan(&autoscaling.Orphan{Provider: "sim", Instance: "i-9"})
		tx.PutCluster(&autoscaling.Cluster{Name: "prod"})
		tx.DeleteRequest("default", "r1")
		tx.DeleteGroup(other)
		tx.DeleteGroup(uid)
		tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupDeleted})
	}
	for _, ends := range []string{"error", "panic"} {
		t.Run(ends, func(t *testing.T) {
			b := l.m.Begin(1, l.now, &l.ids)
			func() {
				defer func() {
					if ends == "panic" && recover() == nil {
						t.Error("the panic did not go on")
					}
				}()
				err := b.Run(func(tx *Tx) error {
					everything(tx)
					if ends == "panic" {
						panic("on purpose")
					}
					return errFailing
				})
				if err != errFailing {
					t.Errorf("Run answers %v", err)
				}
			}()
			if !b.Empty() || b.Size() != 0 {
				t.Errorf("the batch holds %d changes of size %d", len(b.changes), b.Size())
			}
			probe := &Machine{}
			probe.applied.Store(b.st)
			b.st.freeze()
			if after := snapshotOf(t, probe); !bytes.Equal(before, after) {
				t.Error("the state differs")
			}
			l.m.Discard()
		})
	}
}

func TestRecordWrittenSeveralTimesIsEncodedOnce(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	b := l.m.Begin(1, l.now, &l.ids)
	for desired := range int32(100) {
		if err := b.Run(func(tx *Tx) error {
			g := *tx.Group(uid)
			g.Desired = desired
			tx.PutGroup(&g)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.changes) != 1 {
		t.Errorf("%d changes", len(b.changes))
	}
	l.apply(l.seal(b))
	if got := replay(t, l.log).View().Group(uid).Desired; got != 99 {
		t.Errorf("desired is %d after replay", got)
	}
}

func TestGroupMadeAgainUnderItsUIDAfterDeleteHasNoOldChildren(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	l.do(func(tx *Tx) { tx.PutInstance(serving(uid, "i-1")) })
	l.do(
		func(tx *Tx) { tx.PutInstance(serving(uid, "i-2")) },
		func(tx *Tx) { tx.DeleteGroup(uid) },
		func(tx *Tx) { tx.PutGroup(group(uid, "web")) },
		func(tx *Tx) { tx.PutInstance(serving(uid, "i-3")) },
	)
	follower := replay(t, l.log)
	for _, m := range []*Machine{l.m, follower} {
		var ids []autoscaling.InstanceID
		for i := range m.View().Instances(uid) {
			ids = append(ids, i.ID)
		}
		if !slices.Equal(ids, []autoscaling.InstanceID{"i-3"}) {
			t.Errorf("instances are %v", ids)
		}
	}
	if !bytes.Equal(snapshotOf(t, l.m), snapshotOf(t, follower)) {
		t.Error("leader and follower differ")
	}
}

func TestForbiddenTransitionPanics(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	l.do(func(tx *Tx) { tx.PutInstance(serving(uid, "i-1")) })
	b := l.m.Begin(1, l.now, &l.ids)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if !b.Empty() {
			t.Error("something was written")
		}
	}()
	_ = b.Run(func(tx *Tx) error {
		i := *tx.FindInstance("i-1")
		i.State = autoscaling.Pending
		tx.PutInstance(&i)
		return nil
	})
}
