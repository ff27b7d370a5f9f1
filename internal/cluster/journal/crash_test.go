package journal

import (
	"errors"
	"maps"
	"math/rand"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// What Raft does to a log, on a machine whose power fails: at any write to the
// journal, of which any sectors may be there then, and at any transaction of the
// store, which is there or not; also while the journal is opened. What was
// acknowledged is there afterwards, and the change in whose middle it happened,
// or that it was not told of, as a whole or not at all.
func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer os.RemoveAll(m.dir)
		for range rapid.IntRange(1, 8).Draw(t, "boots") {
			m.boot(t)
			for range rapid.IntRange(0, 40).Draw(t, "changes") {
				if !m.change(t) {
					break
				}
			}
			if !rapid.Bool().Draw(t, "clean") {
				m.power.off = true
			}
			m.journal.Close()
		}
		m.boot(t)
		m.journal.Close()
	})
}

var errPower = errors.New("the power failed")

// power fails after so many steps.
type power struct {
	left int // 0: not at all
	off  bool
	dice *rand.Rand // for what of the last step is done
}

// step says whether this step is done, and whether it is the last one, of which
// any part may be.
func (p *power) step() (done, last bool) {
	if p.off {
		return false, false
	}
	if p.left > 0 {
		p.left--
		p.off = p.left == 0
	}
	return !p.off, p.off
}

// poweredFile is a segment on the machine.
type poweredFile struct {
	*os.File
	power *power
}

func (f poweredFile) WriteAt(b []byte, at int64) (int, error) {
	const sector = 512
	done, last := f.power.step()
	if last {
		kept := f.power.dice.Intn(4) // of four: none to three
		for i := 0; i < len(b); i += sector {
			if f.power.dice.Intn(4) < kept {
				if _, err := f.File.WriteAt(b[i:i+sector], at+int64(i)); err != nil {
					return 0, err
				}
			}
		}
	}
	if !done {
		return 0, errPower
	}
	return f.File.WriteAt(b, at)
}

// poweredStore is the store on the machine: by index what it has.
type poweredStore struct {
	power *power
	logs  map[uint64]*raft.Log
}

func (s poweredStore) transaction(f func()) error {
	done, last := s.power.step()
	if done || last && s.power.dice.Intn(2) == 0 {
		f()
	}
	if !done {
		return errPower
	}
	return nil
}

func (s poweredStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

func (s poweredStore) StoreLogs(logs []*raft.Log) error {
	return s.transaction(func() {
		for _, l := range logs {
			s.logs[l.Index] = l
		}
	})
}

func (s poweredStore) DeleteRange(from, to uint64) error {
	return s.transaction(func() { maps.DeleteFunc(s.logs, func(i uint64, _ *raft.Log) bool { return i >= from && i <= to }) })
}

func (s poweredStore) GetLog(i uint64, l *raft.Log) error {
	if s.logs[i] == nil {
		return raft.ErrLogNotFound
	}
	*l = *s.logs[i]
	return nil
}

func (s poweredStore) FirstIndex() (uint64, error) {
	if len(s.logs) == 0 {
		return 0, nil
	}
	return slices.Min(slices.Collect(maps.Keys(s.logs))), nil
}

func (s poweredStore) LastIndex() (uint64, error) {
	if len(s.logs) == 0 {
		return 0, nil
	}
	return slices.Max(slices.Collect(maps.Keys(s.logs))), nil
}

// machine is a node's log, and what it may be.
type machine struct {
	dir     string
	power   *power
	store   poweredStore
	stable  *raft.InmemStore
	journal *Store
	term    uint64
	is      map[uint64]*raft.Log
	or      map[uint64]*raft.Log // what the change was to make that the power failed in
}

func newMachine(t *rapid.T) *machine {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		t.Fatal(err)
	}
	p := &power{dice: rand.New(rand.NewSource(rapid.Int64().Draw(t, "dice")))}
	return &machine{dir: dir, power: p, store: poweredStore{p, map[uint64]*raft.Log{}}, stable: raft.NewInmemStore(), is: map[uint64]*raft.Log{}}
}

// boot opens the journal, at the first attempt or a later one, and looks at what
// it has.
func (m *machine) boot(t *rapid.T) {
	for crashes := rapid.IntRange(0, 2).Draw(t, "crashes while it opens"); ; crashes-- {
		m.power.off, m.power.left = false, 0
		if crashes > 0 {
			m.power.left = rapid.IntRange(1, 3).Draw(t, "steps")
		}
		err := m.open(rapid.Bool().Draw(t, "moves at once"))
		if err == nil {
			break
		}
		if !errors.Is(err, errPower) {
			t.Fatal(err)
		}
	}
	has := contents(t, m.journal)
	if m.or != nil && slices.Equal(has, sorted(m.or)) {
		m.is = m.or
	}
	m.or = nil
	if diff := cmp.Diff(sorted(m.is), has); diff != "" {
		t.Fatal(diff)
	}
	if m.power.left == 0 {
		m.power.left = rapid.IntRange(0, 40).Draw(t, "steps")
	}
}

// open has what moves moved at once, or when it is waited for.
func (m *machine) open(atOnce bool) (err error) {
	m.journal, err = open(Config{
		Dir: m.dir, Store: m.store, Stable: m.stable, Failed: func(error) {}, Logger: hclog.NewNullLogger(), size: small,
		open: func(path string) (file, error) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			return poweredFile{f, m.power}, err
		},
		begin: func(move func()) (wait func()) {
			if atOnce {
				move()
				return func() {}
			}
			return move
		},
	})
	return err
}

// change makes one change; it says whether there was power for it.
func (m *machine) change(t *rapid.T) bool {
	first, last := ends(m.is)
	next := maps.Clone(m.is)
	var err error
	switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
	case what == 0 && last > first+1: // the beginning, behind a snapshot
		to := rapid.Uint64Range(first, last-1).Draw(t, "to")
		maps.DeleteFunc(next, func(i uint64, _ *raft.Log) bool { return i <= to })
		err = m.journal.DeleteRange(first, to)
	case what == 1 && last > first+1: // the end, as another leader wants it
		from := rapid.Uint64Range(max(first+1, last-min(last, 5)), last).Draw(t, "from")
		maps.DeleteFunc(next, func(i uint64, _ *raft.Log) bool { return i >= from })
		m.term++
		err = m.journal.DeleteRange(from, last)
	default:
		if what == 2 {
			last += 10 // behind the leader's snapshot
		}
		logs := m.draw(t, last+1)
		for _, l := range logs {
			next[l.Index] = l
		}
		err = m.journal.StoreLogs(logs)
	}
	switch {
	case err == nil:
		m.is = next
	case errors.Is(err, errPower):
		m.or = next
		return false
	default:
		t.Fatal(err)
	}
	if diff := cmp.Diff(sorted(m.is), contents(t, m.journal)); diff != "" {
		t.Fatal(diff)
	}
	return true
}

func (m *machine) draw(t *rapid.T, from uint64) []*raft.Log {
	sizes := rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 30, 30, 3000, 4050, 9000, small + 1}), 1, 4).Draw(t, "sizes")
	logs := entries(from, sizes...)
	for _, l := range logs {
		l.Term = m.term
	}
	return logs
}

func ends(logs map[uint64]*raft.Log) (first, last uint64) {
	if len(logs) == 0 {
		return 0, 0
	}
	indexes := slices.Collect(maps.Keys(logs))
	return slices.Min(indexes), slices.Max(indexes)
}

func sorted(logs map[uint64]*raft.Log) []string {
	var all []string
	for _, i := range slices.Sorted(maps.Keys(logs)) {
		all = append(all, line(logs[i]))
	}
	return all
}
