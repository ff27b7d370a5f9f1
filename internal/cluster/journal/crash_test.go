package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// What raft does to a log, with crashes in between: kill -9, or a failing power,
// after which of the write that was not acknowledged any sectors may be there,
// and the store has what moved, or not yet.
func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer m.end()
		t.Repeat(map[string]func(*rapid.T){
			"":                     m.check,
			"store":                m.store,
			"store more":           m.store,
			"delete the beginning": m.deleteBeginning,
			"delete the end":       m.deleteEnd,
			"go on behind a gap":   m.gap,
			"fill the disk":        m.fill,
			"restart":              m.restart,
			"crash":                m.crash,
		})
	})
}

// machine is a node's log and what it must be.
type machine struct {
	root    string
	opens   int
	disk    *disk
	journal *Store
	model   *raft.InmemStore
	next    uint64
	term    uint64
	last    write
}

func newMachine(t *rapid.T) *machine {
	root, err := os.MkdirTemp("", "journal")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{root: root, disk: newDisk(), model: raft.NewInmemStore(), next: 1}
	m.open(t)
	return m
}

func (m *machine) end() {
	if m.journal != nil {
		m.journal.Close()
	}
	os.RemoveAll(m.root)
}

func (m *machine) dir() string { return filepath.Join(m.root, fmt.Sprint(m.opens)) }

func (m *machine) open(t *rapid.T) {
	if err := os.MkdirAll(m.dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.journal, err = open(m.dir(), m.disk, m.disk, small); err != nil {
		t.Fatal(err)
	}
	for i, g := range m.journal.segments {
		g.file = noted{g.file.(*os.File), i, &m.last}
	}
}

func (m *machine) draw(t *rapid.T) []*raft.Log {
	var sizes []int
	for range rapid.IntRange(1, 4).Draw(t, "n") {
		sizes = append(sizes, rapid.SampledFrom([]int{0, 30, 3000, 4050, 9000, 9000, small + 1}).Draw(t, "size"))
	}
	logs := entries(m.next, sizes...)
	for _, l := range logs {
		l.Term = m.term
	}
	return logs
}

func (m *machine) store(t *rapid.T) {
	m.storeAll(t, m.draw(t))
}

func (m *machine) storeAll(t *rapid.T, logs []*raft.Log) {
	if m.accepts(t, m.journal.StoreLogs(logs)) {
		_ = m.model.StoreLogs(logs)
		m.next = logs[len(logs)-1].Index + 1
	}
}

func (m *machine) delete(t *rapid.T, from, to uint64) bool {
	ok := m.accepts(t, m.journal.DeleteRange(from, to))
	if ok {
		_ = m.model.DeleteRange(from, to)
	}
	return ok
}

// accepts says whether a change was made, when all that it began has ended. It
// may be refused while the disk is full.
func (m *machine) accepts(t *rapid.T, err error) bool {
	for m.journal.moves != nil && len(m.journal.moves) == 0 {
		time.Sleep(10 * time.Microsecond)
	}
	if err != nil && (m.disk.full == nil || !errors.Is(err, m.disk.full)) {
		t.Fatal(err)
	}
	return err == nil
}

// fill fills the disk, and makes room again.
func (m *machine) fill(*rapid.T) {
	if m.disk.full == nil {
		m.disk.set(errors.New("the disk is full"), nil)
	} else {
		m.disk.set(nil, nil)
	}
}

func (m *machine) deleteBeginning(t *rapid.T) {
	first, _ := m.model.FirstIndex()
	if first == 0 || first+1 >= m.next {
		t.Skip("too short")
	}
	m.delete(t, first, rapid.Uint64Range(first, m.next-2).Draw(t, "to"))
}

func (m *machine) deleteEnd(t *rapid.T) {
	first, _ := m.model.FirstIndex()
	if first == 0 || first+1 >= m.next {
		t.Skip("too short")
	}
	from := rapid.Uint64Range(first+1, m.next-1).Draw(t, "from")
	if m.delete(t, from, m.next-1) {
		m.next = from
		m.term++
	}
}

// gap is what a snapshot of the leader makes.
func (m *machine) gap(t *rapid.T) {
	logs := m.draw(t)
	for _, l := range logs {
		l.Index += 10
	}
	m.storeAll(t, logs)
}

func (m *machine) restart(t *rapid.T) {
	if err := m.journal.Close(); err != nil {
		t.Fatal(err)
	}
	m.disk.set(nil, nil)
	m.open(t)
}

func (m *machine) crash(t *rapid.T) {
	before := clone(m.disk.InmemStore)
	logs := m.draw(t)
	moved := rapid.Bool().Draw(t, "moved")
	if !moved {
		m.disk.set(errors.New("the power failed"), nil)
	}
	stored := m.journal.StoreLogs(logs) == nil
	m.journal.Close()
	is := m.segments(t)
	if stored && m.journal.fits(0, recordSize(logs)) && rapid.Bool().Draw(t, "torn") {
		m.last.tear(t, is[m.last.segment])
	}
	if moved {
		before = clone(m.disk.InmemStore)
	}
	m.disk = &disk{InmemStore: before}
	m.opens++
	if err := os.MkdirAll(m.dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, path := range paths(m.dir()) {
		if err := os.WriteFile(path, is[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.open(t)
	// All of the last write is there, or nothing.
	if last, _ := m.journal.LastIndex(); stored && last >= logs[0].Index {
		_ = m.model.StoreLogs(logs)
		m.next = logs[len(logs)-1].Index + 1
	}
}

func (m *machine) segments(t *rapid.T) [2][]byte {
	var all [2][]byte
	for i, path := range paths(m.dir()) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = b
	}
	return all
}

// write is one write to a segment, and what was there before.
type write struct {
	segment int
	at      int64
	was     []byte
}

// tear takes back some sectors of the write.
func (w write) tear(t *rapid.T, is []byte) {
	const sector = 512
	for i := 0; i < len(w.was); i += sector {
		if rapid.Bool().Draw(t, "lost") {
			copy(is[w.at+int64(i):][:sector], w.was[i:])
		}
	}
}

// noted remembers the last write to a segment.
type noted struct {
	*os.File
	segment int
	last    *write
}

func (f noted) WriteAt(b []byte, at int64) (int, error) {
	was := make([]byte, len(b))
	if _, err := f.ReadAt(was, at); err != nil {
		return 0, err
	}
	*f.last = write{f.segment, at, was}
	return f.File.WriteAt(b, at)
}

func clone(s *raft.InmemStore) *raft.InmemStore {
	c := raft.NewInmemStore()
	_ = c.Set(made, []byte{1})
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	for i := first; i != 0 && i <= last; i++ {
		var l raft.Log
		if s.GetLog(i, &l) == nil {
			_ = c.StoreLogs([]*raft.Log{&l})
		}
	}
	return c
}

func (m *machine) check(t *rapid.T) {
	if diff := cmp.Diff(contents(t, m.model), contents(t, m.journal)); diff != "" {
		t.Fatal(diff)
	}
}

// Damage is refused, or did not matter since the store has what it hit. Only that
// of the last record passes for a write that the power failed in.
func TestDamageIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer m.end()
		beforeLast := contents(t, m.model)
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			beforeLast = contents(t, m.model)
			m.store(t)
		}
		m.journal.Close()
		all := m.segments(t)
		i := rapid.IntRange(0, 1).Draw(t, "segment")
		at := rapid.IntRange(0, small-1).Draw(t, "at")
		all[i][at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if err := os.WriteFile(paths(m.dir())[i], all[i], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := open(m.dir(), m.disk, m.disk, small)
		if err != nil {
			if !strings.Contains(err.Error(), "is unreadable, and record") {
				t.Fatal("unclear: ", err)
			}
			return
		}
		defer s.Close()
		got := contents(t, s)
		if !cmp.Equal(got, contents(t, m.model)) && !cmp.Equal(got, beforeLast) {
			t.Fatal(cmp.Diff(contents(t, m.model), got))
		}
	})
}
