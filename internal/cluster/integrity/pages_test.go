package integrity

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

func openBolt(t interface{ Fatal(...any) }, path string) *raftboltdb.BoltStore {
	s, err := raftboltdb.New(raftboltdb.Options{Path: path, NoSync: true, BoltOptions: &bbolt.Options{
		Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checkFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return CheckPages(f)
}

// Whatever Raft does to its log, the file is in order.
func TestTheCheckOfPagesAcceptsWhatBoltWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "pages")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "raft.db")
		s := openBolt(t, path)
		defer func() { s.Close() }()
		first, last := uint64(1), uint64(0)
		for range rapid.IntRange(1, 25).Draw(t, "changes") {
			switch what := rapid.IntRange(0, 7).Draw(t, "what"); {
			case what == 0 && last > first:
				to := rapid.Uint64Range(first, last).Draw(t, "to")
				err = s.DeleteRange(first, to)
				first = to + 1
			case what == 1 && last > first:
				from := rapid.Uint64Range(first+1, last).Draw(t, "from")
				err = s.DeleteRange(from, last)
				last = from - 1
			case what == 2:
				err = s.SetUint64([]byte("CurrentTerm"), rapid.Uint64().Draw(t, "term"))
			case what == 3:
				s.Close()
				s = openBolt(t, path)
			default:
				var logs []*raft.Log
				size := rapid.SampledFrom([]int{0, 10, 200, 1000, 5000, 20000, 300000}).Draw(t, "size")
				for range rapid.IntRange(1, 40).Draw(t, "entries") {
					last++
					logs = append(logs, &raft.Log{Index: last, Term: 1, Data: make([]byte, size)})
				}
				err = s.StoreLogs(logs)
			}
			if err = errors.Join(err, checkFile(path)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A flipped bit is found, or bbolt opens the file and every entry is as it was or
// its own checksum finds it. (That bbolt panics would end this test: it does so in
// a goroutine of its own.)
func TestAFlippedBitOfTheLogFileIsFoundBeforeBoltPanics(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "raft.db")
	s := openBolt(t, path)
	log := &Log{LogStore: s}
	want := map[uint64]uint32{}
	for i := uint64(1); i <= 300; i++ {
		l := &raft.Log{Index: i, Term: 1, Data: bytes.Repeat([]byte{byte(i)}, int(i*37%900))}
		if i%50 == 0 {
			l.Data = make([]byte, 9000)
		}
		if err := log.StoreLog(l); err != nil {
			t.Fatal(err)
		}
		want[i] = sum(l)
	}
	if err := errors.Join(s.DeleteRange(1, 20), s.SetUint64([]byte("CurrentTerm"), 3), s.Close()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	headers := len(good) / os.Getpagesize()
	rapid.Check(t, func(t *rapid.T) {
		bad := bytes.Clone(good)
		at := rapid.IntRange(0, len(bad)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "in a header") {
			at = rapid.IntRange(0, headers-1).Draw(t, "page")*os.Getpagesize() + rapid.IntRange(0, 127).Draw(t, "byte")
		}
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		bent := filepath.Join(dir, "bent.db")
		if err := os.WriteFile(bent, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkFile(bent); err != nil {
			if !IsDamage(err) {
				t.Fatal(err)
			}
			found++
			return
		}
		s := openBolt(t, bent)
		defer s.Close()
		b := &Bolt{BoltStore: s}
		last, err := b.LastIndex()
		if err != nil || last != 300 {
			t.Fatalf("the log ends at %d, %v", last, err)
		}
		log := &Log{LogStore: b}
		if first, err := log.FirstIndex(); first != 21 || err != nil {
			t.Fatalf("the log begins at %d, %v", first, err)
		}
		if _, err := log.Verify(0, 0); err != nil {
			if !IsDamage(err) {
				t.Fatal(err)
			}
			found++
			return
		}
		for i := uint64(21); i <= 300; i++ {
			var l raft.Log
			if err := log.GetLog(i, &l); err != nil || sum(&l) != want[i] {
				t.Fatalf("entry %d differs: %v", i, err)
			}
		}
	})
	if found == 0 {
		t.Error("no flip was found")
	}
}

func BenchmarkCheckPages(b *testing.B) {
	path := filepath.Join(b.TempDir(), "raft.db")
	s := openBolt(b, path)
	for i := uint64(1); i <= 4000; i++ {
		if err := s.StoreLog(&raft.Log{Index: i, Term: 1, Data: make([]byte, 25000)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		if err := checkFile(path); err != nil {
			b.Fatal(err)
		}
	}
}
