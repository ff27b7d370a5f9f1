package integrity

import (
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// Any bit of what makes an entry, and of its checksum, is missed when it flips.
func TestAFlippedBitOfAnEntryIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := &Log{LogStore: raft.NewInmemStore()}
		l := &raft.Log{
			Index: rapid.Uint64().Draw(t, "index"), Term: rapid.Uint64().Draw(t, "term"),
			Type: raft.LogType(rapid.Byte().Draw(t, "type")), Data: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "data"),
		}
		if err := log.StoreLog(l); err != nil {
			t.Fatal(err)
		}
		if err := Check(l, 0); err != nil {
			t.Fatal(err)
		}
		bit := rapid.IntRange(0, 63).Draw(t, "bit")
		switch rapid.IntRange(0, 4).Draw(t, "of") {
		case 0:
			l.Index ^= 1 << bit
		case 1:
			l.Term ^= 1 << bit
		case 2:
			l.Type ^= 1 << (bit % 8)
		case 3:
			l.Data[rapid.IntRange(0, len(l.Data)-1).Draw(t, "at")] ^= 1 << (bit % 8)
		case 4:
			l.Extensions[rapid.IntRange(0, sumSize-1).Draw(t, "at")] ^= 1 << (bit % 8)
		}
		if err := Check(l, 0); !IsDamage(err) {
			t.Fatalf("%v", err)
		}
	})
}

func TestAReceivedEntryThatIsDamagedIsNotStored(t *testing.T) {
	leader, store := &Log{LogStore: raft.NewInmemStore()}, raft.NewInmemStore()
	follower := &Log{LogStore: store}
	logs := []*raft.Log{{Index: 1, Term: 1, Data: []byte("one")}, {Index: 2, Term: 1, Type: raft.LogNoop}}
	if err := leader.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
	logs[0].Data = []byte("0ne")
	err := follower.StoreLogs(logs)
	if err == nil || err.Error() != "refuse to store what was received: log entry 1 does not match its checksum" {
		t.Fatal(err)
	}
	if last, _ := store.LastIndex(); last != 0 {
		t.Errorf("%d entries were stored", last)
	}
	logs[0].Data = []byte("one")
	if err := follower.StoreLogs(logs); err != nil { // sent again
		t.Fatal(err)
	}
}

func TestAnEntryWithoutAChecksumIsOld(t *testing.T) {
	store := raft.NewInmemStore()
	for i := range uint64(3) {
		if err := store.StoreLog(&raft.Log{Index: i + 1, Term: 1}); err != nil {
			t.Fatal(err)
		}
	}
	var damaged error
	log := &Log{LogStore: store, Unsealed: 2, Damaged: func(err error) { damaged = err }}
	var l raft.Log
	if err := log.GetLog(2, &l); err != nil {
		t.Error(err)
	}
	if err := log.GetLog(3, &l); err == nil || err.Error() != "log entry 3 has lost its checksum" || err != damaged {
		t.Errorf("%v, told %v", err, damaged)
	}
	if index, err := log.Verify(0, 0); index != 3 || !IsDamage(err) {
		t.Errorf("%d, %v", index, err)
	}
}

func TestAGapInTheLogIsFoundAboveTheSnapshot(t *testing.T) {
	log := &Log{LogStore: raft.NewInmemStore()}
	for _, i := range []uint64{1, 2, 5, 6} {
		if err := log.StoreLog(&raft.Log{Index: i, Term: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Verify(0, 4); err != nil {
		t.Error(err)
	}
	if _, err := log.Verify(0, 3); !IsDamage(err) || !strings.Contains(err.Error(), "log entry 4 is missing") {
		t.Error(err)
	}
}

func BenchmarkStoreLogs(b *testing.B) {
	for name, store := range map[string]func(raft.LogStore) raft.LogStore{
		"sealed": func(s raft.LogStore) raft.LogStore { return &Log{LogStore: s} },
		"bare":   func(s raft.LogStore) raft.LogStore { return s },
	} {
		b.Run(name, func(b *testing.B) {
			s := store(discard{})
			data := make([]byte, 1000)
			for i := range b.N {
				if err := s.StoreLogs([]*raft.Log{{Index: uint64(i), Term: 1, Data: data}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type discard struct{ raft.LogStore }

func (discard) StoreLogs([]*raft.Log) error { return nil }
