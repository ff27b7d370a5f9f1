package fsm

import (
	"bytes"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestSnapshotRestoreAndReplayGiveTheSameBytes(t *testing.T) {
	l := newLeader(t)
	uid := l.putGroup("web")
	for n := range 300 {
		l.do(func(tx *Tx) {
			tx.PutInstance(serving(uid, tx.NewInstanceID()))
			tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState, Group: uid, Message: string(rune(n))})
		})
	}
	want := snapshotOf(t, l.m)
	if !bytes.Equal(want, snapshotOf(t, replay(t, l.log))) {
		t.Error("replay differs")
	}
	if !bytes.Equal(want, snapshotOf(t, restored(t, want))) {
		t.Error("restore differs")
	}
}
