package cluster

import (
	"bytes"
	"errors"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// counting counts the entries of each deletion.
type counting struct {
	*raft.InmemStore
	deletions []uint64
}

func (c *counting) DeleteRange(from, to uint64) error {
	c.deletions = append(c.deletions, to-from+1)
	return c.InmemStore.DeleteRange(from, to)
}

func TestTheLogCacheAnswersLikeItsStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := raft.NewInmemStore()
		cache := newLogCache(store)
		cache.ring, cache.limit = make([]*raft.Log, 8), 90
		next, term := uint64(1), uint64(1)
		t.Repeat(map[string]func(*rapid.T){
			"store": func(t *rapid.T) {
				var logs []*raft.Log
				for range rapid.IntRange(1, 12).Draw(t, "n") {
					size := rapid.SampledFrom([]int{1, 1, 1, 30}).Draw(t, "size")
					logs = append(logs, &raft.Log{Index: next, Term: term, Data: make([]byte, size)})
					next++
				}
				if err := cache.StoreLogs(logs); err != nil {
					t.Fatal(err)
				}
			},
			"delete the beginning": func(t *rapid.T) {
				first, _ := store.FirstIndex()
				if first == 0 || first+1 >= next {
					t.Skip("too short")
				}
				if err := cache.DeleteRange(first, rapid.Uint64Range(first, next-2).Draw(t, "to")); err != nil {
					t.Fatal(err)
				}
			},
			"delete the end": func(t *rapid.T) {
				first, _ := store.FirstIndex()
				if first == 0 || first+1 >= next {
					t.Skip("too short")
				}
				from := rapid.Uint64Range(first+1, next-1).Draw(t, "from")
				if err := cache.DeleteRange(from, next-1); err != nil {
					t.Fatal(err)
				}
				next = from
				term++
			},
			"": func(t *rapid.T) {
				bytesIn := 0
				for i := uint64(0); i <= next; i++ {
					var got, want raft.Log
					gotErr, wantErr := cache.GetLog(i, &got), store.GetLog(i, &want)
					if !errors.Is(gotErr, wantErr) || got.Term != want.Term || !bytes.Equal(got.Data, want.Data) {
						t.Fatalf("entry %d: %v (term %d), want %v (term %d)", i, gotErr, got.Term, wantErr, want.Term)
					}
				}
				cached := 0
				for _, l := range cache.ring {
					if l != nil {
						bytesIn += len(l.Data)
						cached++
					}
				}
				if cached > 1 && bytesIn > cache.limit {
					t.Fatalf("%d bytes are cached", bytesIn)
				}
				if bytesIn != cache.bytes {
					t.Fatalf("%d bytes are cached, %d counted", bytesIn, cache.bytes)
				}
			},
		})
	})
}

func TestTheBeginningOfALogIsDeletedInChunks(t *testing.T) {
	store := &counting{InmemStore: raft.NewInmemStore()}
	for i := range uint64(1000) {
		store.StoreLog(&raft.Log{Index: i + 1})
	}
	log := chunked{store}
	if err := log.DeleteRange(1, 600); err != nil {
		t.Fatal(err)
	}
	if first, _ := store.FirstIndex(); first != 601 || len(store.deletions) != 3 {
		t.Errorf("it begins at %d after deletions of %v", first, store.deletions)
	}
	if err := log.DeleteRange(650, 1000); err != nil {
		t.Fatal(err)
	}
	if last, _ := store.LastIndex(); last != 649 || len(store.deletions) != 4 {
		t.Errorf("it ends at %d after deletions of %v", last, store.deletions)
	}
}
