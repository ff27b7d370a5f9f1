package fsm

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestOnlyTheNewestEventsAreKept(t *testing.T) {
	l := newLeader(t)
	total := uint64(0)
	for total < MaxEvents+3*eventsPerChunk {
		l.do(func(tx *Tx) {
			for range 10_007 {
				tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState})
				total++
			}
		})
	}
	for name, m := range map[string]*Machine{"leader": l.m, "follower": replay(t, l.log), "restored": restored(t, snapshotOf(t, l.m))} {
		v := m.View()
		kept, next := 0, v.FirstEvent()
		for e := range v.Events(0) {
			if e.Index != next {
				t.Fatalf("%s: event %d where %d should be", name, e.Index, next)
			}
			kept++
			next++
		}
		if kept != MaxEvents || v.LastEvent() != total || v.FirstEvent() != total-MaxEvents+1 {
			t.Errorf("%s: %d kept, from %d to %d of %d", name, kept, v.FirstEvent(), v.LastEvent(), total)
		}
		if chunks := len(v.st.events.chunks); chunks > MaxEvents/eventsPerChunk+10_007/eventsPerChunk+3 {
			t.Errorf("%s: %d chunks are held", name, chunks)
		}
		if broken := v.CheckInvariants(); broken != nil {
			t.Errorf("%s: %v", name, broken)
		}
	}
}

func TestEventsAfterAnIndex(t *testing.T) {
	l := newLeader(t)
	if l.m.View().FirstEvent() != 0 || l.m.View().LastEvent() != 0 {
		t.Error("there are events at the beginning")
	}
	l.do(func(tx *Tx) {
		for range 600 {
			tx.Emit(autoscaling.Event{})
		}
	})
	for after, want := range map[uint64]int{0: 600, 1: 599, 255: 345, 256: 344, 257: 343, 600: 0, 1000: 0} {
		got := 0
		for e := range l.m.View().Events(after) {
			if got == 0 && e.Index != after+1 {
				t.Errorf("after %d comes %d", after, e.Index)
			}
			got++
		}
		if got != want {
			t.Errorf("after %d come %d", after, got)
		}
	}
}

func TestOldestRequestsAreForgottenByEveryReplica(t *testing.T) {
	l := newLeader(t)
	const over = 100
	for n := 0; n < autoscaling.MaxRequests+over; {
		l.do(func(tx *Tx) {
			for range 10_010 {
				tx.PutRequest(&autoscaling.Request{Namespace: "default", ID: fmt.Sprint(n), Time: tx.Now()})
				n++
			}
		})
	}
	follower := replay(t, l.log)
	if !bytes.Equal(snapshotOf(t, l.m), snapshotOf(t, follower)) {
		t.Error("leader and follower differ")
	}
	kept, last := 0, autoscaling.Time(0)
	for r := range follower.View().Requests() {
		if r.Time < last {
			t.Fatal("they are not in order of time")
		}
		last = r.Time
		kept++
	}
	if kept != autoscaling.MaxRequests || follower.View().Request("default", "0") != nil {
		t.Errorf("%d are kept", kept)
	}
}
