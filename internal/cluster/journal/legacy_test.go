package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// appendLegacy appends a record of the first format.
func appendLegacy(b []byte, seed uint32, r record) []byte {
	begin := len(b)
	b = append(b, make([]byte, legacyHeader)...)
	for _, l := range r.logs {
		b = binary.LittleEndian.AppendUint64(b, l.Index)
		b = binary.LittleEndian.AppendUint64(b, l.Term)
		b = binary.LittleEndian.AppendUint64(b, uint64(nanoseconds(l.AppendedAt)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(l.Data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(l.Extensions)))
		b = append(b, byte(l.Type))
		b = append(b, l.Data...)
		b = append(b, l.Extensions...)
	}
	head := b[begin:]
	binary.LittleEndian.PutUint32(head[4:], uint32(len(head)-legacyHeader))
	binary.LittleEndian.PutUint64(head[8:], r.number)
	binary.LittleEndian.PutUint64(head[16:], r.stored)
	binary.LittleEndian.PutUint32(head, crc32.Update(seed, castagnoli, head[4:]))
	return append(b, make([]byte, wholeBlocks(len(b))-len(b))...)
}

// legacyJournal is a journal of the first format as after a crash, with its log.
func legacyJournal(t *testing.T) (dir string, d *disk, logs []*raft.Log) {
	t.Helper()
	dir, d = t.TempDir(), newDisk()
	const seed = 77
	logs = entries(1, 10, 5000, 20, 30)
	first := appendLegacy(nil, seed, record{number: 1, logs: logs[:1]})
	first = appendLegacy(first, seed, record{number: 2, logs: logs[1:3]})
	first = appendLegacy(first, seed, record{number: 3, stored: 0})
	second := appendLegacy(nil, seed, record{number: 4, logs: logs[3:]})
	for i, b := range [][]byte{first, second} {
		if err := os.WriteFile(paths(dir)[i], append(b, make([]byte, small-len(b))...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Set(noteKey, binary.LittleEndian.AppendUint32(nil, seed)); err != nil {
		t.Fatal(err)
	}
	return dir, d, logs
}

func TestAJournalOfTheFirstFormatIsTakenOver(t *testing.T) {
	dir, d, logs := legacyJournal(t)
	s := opened(t, config(dir, d))
	more := entries(5, 40)
	store(t, s, more)
	want := lines(append(logs, more...))
	if diff := cmp.Diff(want, contents(t, s)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, contents(t, opened(t, config(dir, d)))); diff != "" { // as after a crash
		t.Error(diff)
	}
}

// dying is a stable store whose machine dies before or after the note is written.
type dying struct {
	*disk
	after bool
}

func (s dying) Set(key, value []byte) error {
	if s.after {
		if err := s.disk.Set(key, value); err != nil {
			return err
		}
	}
	return errPower
}

func TestTakingOverMayBeginAgain(t *testing.T) {
	for _, after := range []bool{false, true} {
		dir, d, logs := legacyJournal(t)
		c := config(dir, d)
		c.Stable = dying{d, after}
		if _, err := open(c); !errors.Is(err, errPower) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines(logs), contents(t, opened(t, config(dir, d)))); diff != "" {
			t.Errorf("after the note %v: %s", after, diff)
		}
	}
}
