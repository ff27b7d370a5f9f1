package fsm

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
)

func signalled(s *Subscription) bool {
	select {
	case <-s.Ready:
		return true
	default:
		return false
	}
}

func TestSubscriptionGathersWhatWasApplied(t *testing.T) {
	l := newLeader(t)
	a, b := l.putGroup("a"), l.putGroup("b")
	follower := replay(t, l.log)
	subscriptions := map[string]*Subscription{"leader": l.m.Subscribe(), "follower": follower.Subscribe()}
	from := len(l.log)
	expect := func(want Change) {
		t.Helper()
		for ; from < len(l.log); from++ {
			applyEntry(t, follower, l.log[from])
		}
		for who, s := range subscriptions {
			if !signalled(s) {
				t.Errorf("%s: not signalled", who)
			}
			if got := s.Take(); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v", who, got)
			}
			if got := s.Take(); !reflect.DeepEqual(got, Change{}) {
				t.Errorf("%s: taken twice: %+v", who, got)
			}
		}
	}
	l.do(func(tx *Tx) { tx.PutInstance(serving(b, "i-1")) })
	l.do(func(tx *Tx) { tx.PutRule(&autoscaling.Rule{Meta: autoscaling.Meta{ID: "add"}, Group: a}) })
	l.do(func(tx *Tx) { tx.DeleteInstance(b, "i-1") })
	expect(Change{Groups: []autoscaling.UID{a, b}})
	l.do(func(tx *Tx) { tx.Emit(autoscaling.Event{}) }, func(tx *Tx) { tx.PutNode(&autoscaling.Node{ID: "n1"}) })
	expect(Change{Events: true, Nodes: true})

	if err := l.m.Restore(nopCloser{bytes.NewReader(snapshotOf(t, l.m))}); err != nil {
		t.Fatal(err)
	}
	if got := subscriptions["leader"].Take(); !got.All {
		t.Errorf("after a restore: %+v", got)
	}
}

func TestSubscriptionHearsNothingOfWhatIsNotApplied(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	s := l.m.Subscribe()
	b := l.m.Begin(1, l.now, &l.ids)
	_ = b.Run(func(tx *Tx) error { tx.PutInstance(serving(uid, "i-1")); return nil })
	_ = b.Run(func(tx *Tx) error { tx.Emit(autoscaling.Event{}); return errFailing })
	entry := l.seal(b)
	if signalled(s) {
		t.Error("it hears of what is prepared")
	}
	l.apply(entry)
	if got := s.Take(); got.Events || len(got.Groups) != 1 {
		t.Errorf("it hears of a failed function: %+v", got)
	}
	signalled(s)
	if !l.m.Apply(&raft.Log{Data: entry}).(Result).Skipped || signalled(s) {
		t.Error("it hears of a skipped entry")
	}
	s.Close()
	l.do(func(tx *Tx) { tx.DeleteInstance(uid, "i-1") })
	if signalled(s) {
		t.Error("it hears something after Close")
	}
}
