package fsm

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
)

// A node of a version that does not know marks goes on as if there was none.
func TestADigestMarkIsSkippedAndChangesNothing(t *testing.T) {
	var ids countedIDs
	leader, follower := NewMachine(), NewMachine()
	b := leader.Begin(1, 1, &ids)
	put := func(id string) func(tx *Tx) error {
		return func(tx *Tx) error { tx.PutNode(&autoscaling.Node{ID: id}); return nil }
	}
	if err := b.Run(put("x")); err != nil {
		t.Fatal(err)
	}
	entry, err := b.Seal()
	if err != nil {
		t.Fatal(err)
	}
	mark := DigestMark()
	if !IsDigestMark(mark) || IsDigestMark(entry) {
		t.Error("marks are not told from other entries")
	}
	for _, m := range []*Machine{leader, follower} {
		// Between a prepared entry and its being applied, too.
		for _, data := range [][]byte{mark, entry, mark} {
			before := stateBytes(t, m.applied.Load())
			got := m.Apply(&raft.Log{Data: data}).(Result)
			if got.Skipped != IsDigestMark(data) || got.Err != nil {
				t.Errorf("%+v", got)
			}
			if got.Skipped && !bytes.Equal(before, stateBytes(t, m.applied.Load())) {
				t.Error("the mark changed the state")
			}
		}
		if m.View().Node("x") == nil {
			t.Error("the entry was not applied")
		}
		var encoded bytes.Buffer
		if err := m.View().Encode(&encoded); err != nil || !bytes.Equal(encoded.Bytes(), stateBytes(t, leader.applied.Load())) {
			t.Errorf("the encoding is another one: %v", err)
		}
	}
}
