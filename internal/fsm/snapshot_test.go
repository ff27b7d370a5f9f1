package fsm

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestSnapshotOfAHundredThousandInstancesHasTheSameBytesAfterRestore(t *testing.T) {
	l, _ := fleet(t, 100, 1000)
	before := snapshotOf(t, l.m)
	if after := snapshotOf(t, restored(t, before)); !bytes.Equal(before, after) {
		t.Errorf("%d bytes before, %d after, or others", len(before), len(after))
	}
}

func TestSnapshotShowsTheStateOfWhenItWasTaken(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	want := snapshotOf(t, l.m)
	captured, err := l.m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		l.do(func(tx *Tx) { tx.PutInstance(serving(uid, tx.NewInstanceID())) })
	}
	var to sink
	if err := captured.Persist(&to); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(to.Bytes(), want) {
		t.Error("it shows something written later")
	}
}

// small is a machine with a few records of several kinds.
func small(t *testing.T) *leader {
	l := newLeader(t)
	uid := l.putGroup("web")
	l.do(func(tx *Tx) {
		tx.PutInstance(serving(uid, tx.NewInstanceID()))
		tx.PutNode(&autoscaling.Node{ID: "n1"})
		tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupCreated})
		tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupUpdated})
	})
	return l
}

func TestDamagedSnapshotIsRefusedAndTheStateKept(t *testing.T) {
	l := small(t)
	whole := snapshotOf(t, l.m)
	refused := func(damaged []byte, how string, at int) {
		err := l.m.Restore(io.NopCloser(bytes.NewReader(damaged)))
		if !errors.Is(err, ErrCorrupt) && !isOlder(err) {
			t.Errorf("%s at byte %d: %v", how, at, err)
		}
	}
	for at := range whole {
		refused(whole[:at], "cut off", at)
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x10
		refused(flipped, "flipped", at)
	}
	refused(append(bytes.Clone(whole), 0), "continued", len(whole))
	if !bytes.Equal(whole, snapshotOf(t, l.m)) {
		t.Error("the state has changed")
	}
	if err := l.m.Restore(io.NopCloser(bytes.NewReader(whole[:len(whole)-20]))); !strings.Contains(err.Error(), "restore snapshot: the snapshot is damaged: it is cut off") {
		t.Errorf("the message is %q", err)
	}
}

func TestSnapshotWithoutOneOfItsBlocksIsRefused(t *testing.T) {
	l := small(t)
	whole := snapshotOf(t, l.m)
	// The blocks' own checksums are right; only the last block knows.
	r := &snapshotReader{from: readerOf(whole)}
	if err := r.magic(); err != nil {
		t.Fatal(err)
	}
	at := len(snapshotMagic) + len(snapshotFormat) + 1
	for n := 0; ; n++ {
		k, _, payload, err := r.block()
		if err != nil {
			t.Fatal(err)
		}
		size := 9 + len(payload) + 4
		if k == blockEnd {
			break
		}
		if without := append(bytes.Clone(whole[:at]), whole[at+size:]...); k != blockHead {
			if err := NewMachine().Restore(io.NopCloser(bytes.NewReader(without))); err == nil {
				t.Errorf("without block %d (%s) it is taken", n, k)
			}
		}
		at += size
	}
}

func TestSnapshotOfANewerFormatSaysSo(t *testing.T) {
	err := NewMachine().Restore(io.NopCloser(strings.NewReader("asstate 2\nwhatever")))
	if err == nil || !isOlder(err) || !strings.Contains(err.Error(), "this node is older than the log") {
		t.Errorf("error is %v", err)
	}
}

func TestPersistCancelsTheSinkWhenItFails(t *testing.T) {
	s, err := small(t).m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	to := &failingSink{}
	if err := s.Persist(to); !errors.Is(err, errFailing) || !to.cancelled {
		t.Errorf("error %v, cancelled %v", err, to.cancelled)
	}
}

type failingSink struct{ sink }

func (*failingSink) Write([]byte) (int, error) { return 0, errFailing }
