package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
)

// only returns the one file that matches.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// flip flips a bit of the file wherever it has the text: bbolt leaves old copies
// of its pages in the file.
func flip(t *testing.T, path, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	bad := []byte(text)
	bad[len(bad)-1] ^= 1
	if !bytes.Contains(b, []byte(text)) {
		t.Fatalf("%s does not have %q", path, text)
	}
	must(t, os.WriteFile(path, bytes.ReplaceAll(b, []byte(text), bad), 0o600))
}

// opened returns the directory, checked and open.
func opened(t *testing.T, dir string) *directory {
	t.Helper()
	d, err := openDirectory(dir, "n1", hclog.NewNullLogger(), func(error) {})
	must(t, err)
	return d
}

// shorten deletes the beginning of the log, as Raft does behind a snapshot.
func shorten(t *testing.T, dir string, keep uint64) {
	t.Helper()
	d := opened(t, dir)
	last, err := d.logs.LastIndex()
	must(t, err)
	must(t, d.logs.DeleteRange(1, last-keep))
	must(t, d.close())
}

func TestAFlippedBitInTheDataIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"an entry's value": {
			func(t *testing.T, dir string) { flip(t, dir+"/raft.db", "label of y") },
			"does not match its checksum",
		},
		"the current term": {
			func(t *testing.T, dir string) { flip(t, dir+"/raft.db", "CurrentTerm\x00\x00\x00\x08") },
			"the record of term and vote does not match its checksum",
		},
		"the vote": {
			func(t *testing.T, dir string) { flip(t, dir+"/raft.db", "LastVoteCand\x00\x00\x00\x0b127.0.0.1:1") },
			"the record of term and vote does not match its checksum",
		},
		"the record of stable values": {
			func(t *testing.T, dir string) { flip(t, dir+"/raft.db", "stable") },
			"the record of term and vote is missing",
		},
		"the newest snapshot's state, and the log is cut": {
			func(t *testing.T, dir string) {
				shorten(t, dir, 3)
				f := only(t, dir+"/snapshots/*/state.bin")
				b, err := os.ReadFile(f)
				must(t, err)
				b[len(b)/2] ^= 1
				must(t, os.WriteFile(f, b, 0o600))
			},
			"is corrupt: CRC mismatch",
		},
		"the newest snapshot is truncated, and the log is cut": {
			func(t *testing.T, dir string) {
				shorten(t, dir, 3)
				must(t, os.Truncate(only(t, dir+"/snapshots/*/state.bin"), 3))
			},
			"is corrupt: CRC mismatch",
		},
		"the newest snapshot's description, and the log is cut": {
			func(t *testing.T, dir string) {
				shorten(t, dir, 3)
				flip(t, only(t, dir+"/snapshots/*/meta.json"), `"Index":`)
			},
			"is corrupt: meta.json does not match its checksum",
		},
		"the newest snapshot's description is gone, and the log is cut": {
			func(t *testing.T, dir string) {
				shorten(t, dir, 3)
				must(t, os.Remove(only(t, dir+"/snapshots/*/meta.json")))
			},
			"is corrupt: its meta.json is missing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			c.damage(t, dir)
			if got := refusal(t, dir); !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q in it", got, c.want)
			}
		})
	}
}

// A damaged snapshot is not needed while the log has all that it had.
func TestADamagedSnapshotThatTheLogCoversIsPutAside(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"state":       func(t *testing.T, dir string) { must(t, os.Truncate(only(t, dir+"/snapshots/*/state.bin"), 3)) },
		"description": func(t *testing.T, dir string) { flip(t, only(t, dir+"/snapshots/*/meta.json"), `"Index":`) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			damage(t, dir)
			n, stop := lone(t, dir)
			writeTo(t, n, "z")
			for _, id := range []string{"x", "y", "z"} {
				if n.View().Node(id) == nil {
					t.Errorf("%s is lost", id)
				}
			}
			must(t, stop())
			only(t, dir+"/snapshots/*.damaged.tmp")
		})
	}
}

// Raft would delete entries that a snapshot has; damaged ones go first.
func TestADamagedEntryThatASnapshotHasIsDropped(t *testing.T) {
	dir := filled(t)
	flip(t, dir+"/raft.db", "label of x")
	d := opened(t, dir)
	first, err := d.logs.FirstIndex()
	must(t, err)
	must(t, d.close())
	if first < 2 {
		t.Errorf("the log begins at %d", first)
	}
	n, stop := lone(t, dir)
	writeTo(t, n, "z")
	for _, id := range []string{"x", "y", "z"} {
		if n.View().Node(id) == nil {
			t.Errorf("%s is lost", id)
		}
	}
	must(t, stop())
}

// legacy makes the directory one of the version before checksums.
func legacy(t *testing.T, dir string) {
	t.Helper()
	d := opened(t, dir)
	last, err := d.logs.LastIndex()
	must(t, err)
	first, err := d.logs.FirstIndex()
	must(t, err)
	for i := first; i <= last; i++ {
		var l raft.Log
		must(t, d.bolt.GetLog(i, &l))
		l.Extensions = nil
		must(t, d.bolt.StoreLog(&l))
	}
	for _, key := range []string{"CurrentTerm", "LastVoteTerm", "LastVoteCand", "journal"} {
		v, err := d.storage.Stable.Get([]byte(key))
		must(t, err)
		must(t, d.bolt.Set([]byte(key), v))
	}
	must(t, d.bolt.Set([]byte("stable"), nil))
	must(t, d.close())
	must(t, os.Remove(only(t, dir+"/snapshots/*/meta.sum")))
}

func TestADirectoryOfAnEarlierVersionIsTakenOver(t *testing.T) {
	dir := filled(t)
	legacy(t, dir)
	for range 2 {
		n, stop := lone(t, dir)
		writeTo(t, n, "z")
		for _, id := range []string{"x", "y", "z"} {
			if n.View().Node(id) == nil {
				t.Errorf("%s is lost", id)
			}
		}
		must(t, stop())
	}
	d := opened(t, dir)
	defer d.close()
	last, err := d.logs.LastIndex()
	must(t, err)
	var l raft.Log
	must(t, d.logs.GetLog(last, &l))
	if d.logs.Unsealed == 0 || d.logs.Unsealed >= last || integrity.Check(&l, 0) != nil {
		t.Errorf("entries up to %d of %d may be without a checksum; the last one has %x", d.logs.Unsealed, last, l.Extensions)
	}
	only(t, dir+"/snapshots/*/meta.sum")
}

// The old values of term and vote are not believed once the record has them.
func TestTheRecordOfTermAndVoteIsMissed(t *testing.T) {
	dir := filled(t)
	legacy(t, dir)
	must(t, opened(t, dir).close())
	flip(t, dir+"/raft.db", "stable")
	if got := refusal(t, dir); !strings.Contains(got, "the record of term and vote is missing") {
		t.Errorf("%q", got)
	}
}

// Damage that comes while the node runs ends its process before Raft sees it.
func TestDamageAtRunTimeEndsTheProcess(t *testing.T) {
	dir := filled(t)
	d := opened(t, dir)
	defer d.close()
	last, err := d.logs.LastIndex()
	must(t, err)
	var ended []error
	d.bolt.Damaged = func(err error) { ended = append(ended, err) }
	d.logs.Damaged = d.bolt.Damaged
	var l raft.Log
	must(t, d.logs.GetLog(last, &l))
	l.Data = append([]byte{l.Data[0] ^ 1}, l.Data[1:]...)
	must(t, d.bolt.StoreLog(&l))
	if err := d.logs.GetLog(last, &l); !integrity.IsDamage(err) || len(ended) != 1 {
		t.Errorf("%v; ended with %v", err, ended)
	}
}

func TestADamagedEntryIsNotApplied(t *testing.T) {
	store := raft.NewInmemStore()
	logs := &integrity.Log{LogStore: store}
	l := &raft.Log{Index: 1, Term: 1, Data: []byte("data")}
	must(t, logs.StoreLog(l))
	l.Data[0] ^= 1
	var got error
	g := &guard{fatal: func(err error) { got = err }}
	if answers := g.ApplyBatch([]*raft.Log{l}); answers[0] != errNotApplied || !integrity.IsDamage(got) {
		t.Errorf("%v, %v", answers, got)
	}
}

// bbolt panics over these, from a goroutine of its own.
func TestADamagedPageOfTheLogFileIsRefused(t *testing.T) {
	dir := filled(t)
	good, err := os.ReadFile(dir + "/raft.db")
	must(t, err)
	used, err := boltHighWater(bytes.NewReader(good))
	must(t, err)
	for _, at := range []int{0, 8, 10, 16, 24, 64} { // of each page: header, and the first elements or the meta
		for page := range int(used / 4096) {
			bad := bytes.Clone(good)
			bad[page*4096+at] ^= 4
			must(t, os.WriteFile(dir+"/raft.db", bad, 0o600))
			d, err := openDirectory(dir, "n1", hclog.NewNullLogger(), func(error) {})
			switch {
			case err == nil: // a free page
				must(t, d.close())
			case !integrity.IsDamage(err) && !strings.Contains(err.Error(), "is truncated"):
				t.Errorf("byte %d of page %d: %v", at, page, err)
			}
			if page < 2 && at != 10 && err == nil { // bbolt does not look at a header's count
				t.Errorf("byte %d of header %d: it was opened", at, page)
			}
		}
	}
}

// An entry that arrives damaged is no fault of this node's disk.
func TestARefusedEntryIsNotADiskFailure(t *testing.T) {
	d := newDisk(func(err error) { t.Error("the disk failed: ", err) })
	logs := &integrity.Log{LogStore: raft.NewInmemStore()}
	l := &raft.Log{Index: 1, Term: 1, Data: []byte("data")}
	must(t, logs.StoreLog(l))
	l.Data[0] ^= 1
	if err := d.write("write the log", func() error { return logs.StoreLog(l) }); err == nil || d.broken() != nil {
		t.Errorf("%v; %v", err, d.broken())
	}
	l.Data[0] ^= 1
	must(t, d.write("write the log", func() error { return logs.StoreLog(l) }))
}
