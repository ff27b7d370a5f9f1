package journal

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// failing fails once.
type failing struct {
	file
	err *error
}

func (f failing) WriteAt(b []byte, at int64) (int, error) {
	if err := *f.err; err != nil {
		*f.err = nil
		return 0, err
	}
	return f.file.WriteAt(b, at)
}

// After a write that failed nobody knows what the disk has: nothing may be
// acknowledged any more, and the node is to end.
func TestAFailedWriteIsTheLast(t *testing.T) {
	var fault error
	var told []error
	c := config(t.TempDir(), newDisk())
	c.Failed = func(err error) { told = append(told, err) }
	c.open = func(path string) (file, error) {
		f, err := openFile(path)
		return failing{f, &fault}, err
	}
	s := opened(t, c)
	store(t, s, entries(1, 10))
	fault = errors.New("input/output error")
	want := fault
	for what, err := range map[string]error{
		"StoreLogs":                     s.StoreLogs(entries(2, 10)),
		"StoreLogs again":               s.StoreLogs(entries(2, 10)),
		"what does not fit a segment":   s.StoreLogs(entries(2, small)),
		"what is not behind the others": s.StoreLogs(entries(9, 10)),
		"DeleteRange":                   s.DeleteRange(1, 1),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%s after a failed write: %v", what, err)
		}
	}
	if len(told) != 1 || !errors.Is(told[0], want) {
		t.Errorf("told %v", told)
	}
	if diff := cmp.Diff(lines(entries(1, 10)), contents(t, s)); diff != "" {
		t.Error(diff)
	}
}

// The page cache had the record of a failed write, and the disk did not.
func TestARecordThatVanishesOnceItIsInTheStoreIsNotMissed(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	s := opened(t, config(dir, d))
	store(t, s, entries(1, 10))
	before, err := os.ReadFile(paths(dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	at := s.segments[0].offset
	store(t, s, entries(2, 10))
	s = opened(t, config(dir, d)) // as after a crash
	store(t, s, entries(3, 10))
	now, err := os.ReadFile(paths(dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	copy(now[at:at+blockSize], before[at:])
	if err := os.WriteFile(paths(dir)[0], now, 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines(entries(1, 10, 10, 10)), contents(t, opened(t, config(dir, d)))); diff != "" {
		t.Error(diff)
	}
}

// Halves of two attempts at a record do not make a whole one: where the newest
// one ends, and at the beginning of the other segment when this one is closed.
func TestTheAttemptsAtARecordDoNotMix(t *testing.T) {
	for name, before := range map[string]int{"in an empty segment": 0, "behind others": 3, "in the other segment": 6} {
		t.Run(name, func(t *testing.T) {
			dir, d := t.TempDir(), newDisk()
			s := opened(t, config(dir, d))
			for i := range before {
				store(t, s, entries(uint64(i+1), 10))
			}
			path, at, number := paths(dir)[0], s.segments[0].offset, s.number+1
			write := func(b []byte, at int64) {
				t.Helper()
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.WriteAt(b, at)
				if err := errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
			}
			if before == 6 {
				write(appendRecord(nil, s.note.seed, s.attempt, record{number: number}), at) // which closes the segment
				path, at, number = paths(dir)[1], 0, number+1
			}
			attempt := func(s *Store, index uint64) []byte {
				return appendRecord(nil, s.note.seed, s.attempt, record{number: number, logs: entries(index, 3000)})
			}
			write(attempt(s, 17)[:sectorSize], at)
			s = opened(t, config(dir, d))
			write(attempt(s, 18)[sectorSize:], at+sectorSize) // but for the first sector they are alike
			if got := contents(t, opened(t, config(dir, d))); len(got) != before {
				t.Errorf("%d entries were stored, these are there: %v", before, got)
			}
		})
	}
}

// Whatever callers put into entries is no record.
func TestDataThatLooksLikeARecordIsNone(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	var want []*raft.Log
	data := make([]byte, blockSize/sectorSize*sectorPayload-headerSize-entrySize)
	for range 5 {
		data = append(data, appendRecord(nil, 0, 0, record{number: 13, stored: 12, logs: entries(777, 6)})...)
	}
	want = append(want, &raft.Log{Index: 1, Term: 1, Data: data, AppendedAt: time.Unix(1, 5)})
	store(t, opened(t, config(dir, d)), want)
	for i := uint64(2); i < 30; i++ {
		want = append(want, entries(i, 10)...)
		s := opened(t, config(dir, d))
		store(t, s, want[i-1:])
		if diff := cmp.Diff(lines(want), contents(t, s)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestTheJournalOfAnotherLogIsRefused(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	store(t, opened(t, config(dir, d)), entries(1, 10, 20, 30))
	other := entries(2, 10)
	other[0].Term = 99
	if err := d.StoreLogs(other); err != nil {
		t.Fatal(err)
	}
	if _, err := open(config(dir, d)); err == nil || !strings.Contains(err.Error(), "it is not this log's: entry 2 is of term 1 in it, and of term 99 in the log") {
		t.Error(err)
	}
}

func TestAJournalThatIsNotWholeIsRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(path string) error
		want   string
	}{
		{"missing", os.Remove, "journal-1 is missing; the node's state cannot be read without it"},
		{"short", func(path string) error { return os.Truncate(path, 100) }, "journal-1 is truncated: it has 100 bytes instead of 32768"},
		{"long", func(path string) error { return os.Truncate(path, 1<<20) }, "journal-1 is not a journal: it has 1048576 bytes instead of 32768"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, d := t.TempDir(), newDisk()
			s := opened(t, config(dir, d))
			store(t, s, entries(1, 10))
			s.Close()
			if err := test.damage(paths(dir)[1]); err != nil {
				t.Fatal(err)
			}
			if _, err := open(config(dir, d)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want: %s", err, test.want)
			}
		})
	}
}
