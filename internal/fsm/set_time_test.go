package fsm

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
)

// An entry that sets time may lower the stamp, on the leader and on a replica that
// reads it, and so does the snapshot.
func TestAnEntryThatSetsTimeLowersTheStamp(t *testing.T) {
	leader, follower := NewMachine(), NewMachine()
	index := uint64(0)
	apply := func(now autoscaling.Time, fn func(tx *Tx) error) {
		t.Helper()
		b := leader.Begin(1, now, &countedIDs{})
		_ = b.Run(fn)
		entry, err := b.Seal()
		if err != nil {
			t.Fatal(err)
		}
		index++
		for _, m := range []*Machine{leader, follower} {
			if r := m.Apply(&raft.Log{Index: index, Term: 1, Type: raft.LogCommand, Data: entry}).(Result); r.Skipped || r.Err != nil {
				t.Fatal(r)
			}
		}
	}
	apply(1000, func(tx *Tx) error { tx.PutCluster(&autoscaling.Cluster{ID: "c"}); return nil })
	apply(1000, func(tx *Tx) error {
		tx.SetTime(500)
		tx.Emit(autoscaling.Event{Type: autoscaling.EventTimeSet})
		if tx.Now() != 500 {
			t.Errorf("it is %d", tx.Now())
		}
		return nil
	})
	for _, m := range []*Machine{leader, follower} {
		v := m.View()
		if set := v.Cluster().TimeSet; v.Stamp() != 500 || v.TimeSets() != 1 || set.Before != 1000 || set.Time != 500 || set.Adapted {
			t.Errorf("stamp %d, %+v", v.Stamp(), set)
		}
		if broken := v.CheckInvariants(); len(broken) > 0 {
			t.Error(broken)
		}
	}
	apply(501, func(tx *Tx) error { tx.SetTime(400); return nil })
	if set := follower.View().Cluster().TimeSet; set.Count != 2 || set.Before != 1000 {
		t.Errorf("what was not adapted yet is judged by the latest time: %+v", set)
	}
}

func TestAFunctionThatFailsDoesNotSetTime(t *testing.T) {
	m := NewMachine()
	b := m.Begin(1, 1000, &countedIDs{})
	_ = b.Run(func(tx *Tx) error { tx.PutCluster(&autoscaling.Cluster{ID: "c"}); return nil })
	_ = b.Run(func(tx *Tx) error { tx.SetTime(500); return errors.New("no") })
	_ = b.Run(func(tx *Tx) error {
		if tx.Now() != 1000 || tx.TimeSets() != 0 || b.SetsTime() {
			t.Errorf("it is %d after %d settings", tx.Now(), tx.TimeSets())
		}
		return nil
	})
}
