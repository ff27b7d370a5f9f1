package fsm

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
)

func readerOf(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

func TestEntryThatCannotBeReadStopsTheMachineAndChangesNothing(t *testing.T) {
	l := small(t)
	good := l.log[len(l.log)-1]
	head, changes := decodeEntry(t, good)
	entry := func(edit func(b []byte) []byte) []byte {
		b, err := encodeEntry(l.m.View().st.at, position{9, 9}, head.stamp, changes[:1])
		if err != nil {
			t.Fatal(err)
		}
		return edit(b)
	}
	at := len(entry(func(b []byte) []byte { return b })) - 1
	for name, c := range map[string]struct {
		entry []byte
		older bool
	}{
		"unknown kind": {entry(func(b []byte) []byte {
			return bytes.Replace(b, []byte{0x83, byte(kindInstance), 1}, []byte{0x83, 23, 1}, 1)
		}), true},
		"unknown operation": {entry(func(b []byte) []byte {
			return bytes.Replace(b, []byte{0x83, byte(kindInstance), 1}, []byte{0x83, byte(kindInstance), 3}, 1)
		}), true},
		"unknown field": {entry(func(b []byte) []byte {
			return append(bytes.Replace(b, []byte{1, 0xac}, []byte{1, 0xad}, 1), 0x18, 0x7e, 1)
		}), true},
		"newer format": {entry(func(b []byte) []byte { b[1] = 2; return b }), true},
		"cut off":      {entry(func(b []byte) []byte { return b[:at] }), false},
		"continued":    {entry(func(b []byte) []byte { return append(b, 0) }), false},
		"no entry":     {[]byte("no entry"), false},
		"empty":        {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := restored(t, snapshotOf(t, l.m))
			before := snapshotOf(t, m)
			result := m.Apply(&raft.Log{Index: 17, Data: c.entry}).(Result)
			var unreadable *UnreadableError
			if !errors.As(result.Err, &unreadable) || unreadable.Index != 17 || unreadable.Older != c.older {
				t.Fatalf("error is %#v: %v", result.Err, result.Err)
			}
			if c.older && !strings.HasSuffix(result.Err.Error(), "this node is older than the log") {
				t.Errorf("message is %q", result.Err)
			}
			select {
			case <-m.Failed():
			default:
				t.Error("Failed is not closed")
			}
			if !bytes.Equal(before, stateBytes(t, m.View().st)) {
				t.Error("the state has changed")
			}
			if _, err := m.Snapshot(); !errors.Is(err, result.Err) {
				t.Errorf("it still takes snapshots: %v", err)
			}
			if r := m.Apply(&raft.Log{Index: 18, Data: good}).(Result); r.Err == nil {
				t.Error("it still applies")
			}
		})
	}
}

func TestChildOfAMissingGroupStopsTheMachine(t *testing.T) {
	b, err := encodeEntry(position{}, position{1, 1}, 1, []change{{
		key: recordKey{kind: kindInstance}, op: opPut, record: serving("nowhere", "i-1"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r := NewMachine().Apply(&raft.Log{Data: b}).(Result); r.Err == nil {
		t.Error("it was applied")
	}
}

func TestStampNeverGoesBack(t *testing.T) {
	l := newLeader(t)
	l.putGroup("web")
	stamp := l.m.View().Stamp()
	b := l.m.Begin(1, stamp-1000, &l.ids)
	if err := b.Run(func(tx *Tx) error {
		if tx.Now() != stamp {
			t.Errorf("now is %s and was %s", tx.Now(), stamp)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestActivityNumbersAreNotReusedAfterTheActivityIsGone(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	l.do(func(tx *Tx) { tx.PutActivity(&autoscaling.Activity{ID: tx.NewActivityID(), Group: uid}) })
	l.do(func(tx *Tx) { tx.DeleteActivity(1) })
	for _, m := range []*Machine{l.m, replay(t, l.log), restored(t, snapshotOf(t, l.m))} {
		b := m.Begin(2, l.now, &l.ids)
		if err := b.Run(func(tx *Tx) error {
			if id := tx.NewActivityID(); id != 2 {
				t.Errorf("number is %d", id)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIterationShowsTheRecordsOfWhenItBegan(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	l.do(func(tx *Tx) {
		for range 500 {
			tx.PutInstance(serving(uid, tx.NewInstanceID()))
		}
	})
	l.do(func(tx *Tx) {
		tx.PutInstance(serving(uid, tx.NewInstanceID())) // so that the tables are written in place
		seen := 0
		for i := range tx.Instances(uid) {
			seen++
			if seen%2 == 0 {
				tx.DeleteInstance(uid, i.ID)
			}
			tx.PutInstance(serving(uid, tx.NewInstanceID()))
		}
		if seen != 501 {
			t.Errorf("it shows %d instances", seen)
		}
	})
	if live := l.m.View().Counts(uid).Live; live != 501+501-250 {
		t.Errorf("%d instances afterwards", live)
	}
}

// TestReadersNeverWaitForNorDisturbTheWriter is for the race detector.
func TestReadersNeverWaitForNorDisturbTheWriter(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	l.do(func(tx *Tx) {
		for range 200 {
			tx.PutInstance(serving(uid, tx.NewInstanceID()))
		}
	})
	stop := make(chan struct{})
	var readers sync.WaitGroup
	s := l.m.Subscribe()
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := l.m.View()
				live := int32(0)
				for range v.Instances(uid) {
					live++
				}
				for range v.Events(0) {
				}
				if counted := v.Counts(uid).Live; counted != live {
					t.Errorf("a view counts %d and shows %d", counted, live)
					return
				}
				_ = snapshotOf(t, l.m)
				s.Take()
			}
		})
	}
	entries := make(chan []byte, 2)
	readers.Go(func() { // Raft's goroutine
		for entry := range entries {
			if r := l.m.Apply(&raft.Log{Data: entry}).(Result); r.Err != nil {
				t.Errorf("apply: %v", r.Err)
			}
		}
	})
	for n := range 500 { // the writer's
		b := l.m.Begin(1, l.now, &l.ids)
		for range 3 {
			err := b.Run(func(tx *Tx) error {
				for i := range tx.Instances(uid) {
					tx.DeleteInstance(uid, i.ID)
					break
				}
				tx.PutInstance(serving(uid, tx.NewInstanceID()))
				tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState})
				if n%7 == 0 {
					return errFailing
				}
				return nil
			})
			if err != nil && !errors.Is(err, errFailing) {
				t.Error(err)
			}
		}
		if n%50 == 49 {
			l.m.Discard()
			continue
		}
		entry, err := b.Seal()
		switch {
		case errors.Is(err, ErrDropped):
		case err != nil:
			t.Error(err)
		default:
			entries <- entry
		}
	}
	close(stop)
	close(entries)
	readers.Wait()
	if last := l.m.View().LastEvent(); last == 0 {
		t.Error("nothing was applied")
	}
}
