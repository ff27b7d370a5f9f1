package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"golang.org/x/sys/unix"
)

// small is a segment of eight blocks.
const small = 8 * blockSize

// disk is a store behind a journal, with what the disk of it would have.
type disk struct {
	*raft.InmemStore
	mu   sync.Mutex
	full error         // every write fails with it
	hold chan struct{} // a write waits until it is closed
}

func newDisk() *disk { return &disk{InmemStore: raft.NewInmemStore()} }

func (d *disk) StoreLogs(logs []*raft.Log) error {
	d.mu.Lock()
	full, hold := d.full, d.hold
	d.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if full != nil {
		return full
	}
	return d.InmemStore.StoreLogs(logs)
}

func (d *disk) set(full error, hold chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full, d.hold = full, hold
}

// line is all there is to say of an entry.
func line(l *raft.Log) string {
	data := crc32.ChecksumIEEE(l.Data)
	return fmt.Sprintf("%d term %d %s %d bytes %x %q %s", l.Index, l.Term, l.Type, len(l.Data), data, l.Extensions, l.AppendedAt.UTC())
}

func lines(logs []*raft.Log) []string {
	var all []string
	for _, l := range logs {
		all = append(all, line(l))
	}
	return all
}

// contents are the entries of a log, from the first to the last.
func contents(t interface{ Fatal(...any) }, store raft.LogStore) []string {
	first, err1 := store.FirstIndex()
	last, err2 := store.LastIndex()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := first; i != 0 && i <= last; i++ {
		var l raft.Log
		switch err := store.GetLog(i, &l); {
		case errors.Is(err, raft.ErrLogNotFound): // behind a snapshot there may be a gap
		case err != nil:
			t.Fatal(err)
		default:
			all = append(all, line(&l))
		}
	}
	return all
}

func entries(from uint64, sizes ...int) []*raft.Log {
	var logs []*raft.Log
	for i, size := range sizes {
		index := from + uint64(i)
		logs = append(logs, &raft.Log{
			Index: index, Term: 1 + index/10, Type: raft.LogType(index % 3), Data: []byte(strings.Repeat("x", size)),
			AppendedAt: time.Unix(int64(index), 5),
		})
	}
	return logs
}

func config(dir string, d *disk) Config {
	return Config{
		Dir: dir, Store: d, Stable: d, Failed: func(error) {}, Logger: hclog.NewNullLogger(),
		size: small, open: openFile, begin: inBackground,
	}
}

func opened(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func store(t *testing.T, s *Store, logs []*raft.Log) {
	t.Helper()
	if err := s.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
}

func TestEntriesAreReadFromWhereTheyAre(t *testing.T) {
	d := newDisk()
	s := opened(t, config(t.TempDir(), d))
	hold := make(chan struct{})
	d.set(nil, hold)
	var want []*raft.Log
	for i := uint64(1); i <= 12; i++ { // the second segment is written while the first cannot move
		want = append(want, entries(i, 100)...)
		store(t, s, want[i-1:])
	}
	if diff := cmp.Diff(lines(want), contents(t, s)); diff != "" {
		t.Error("while they move:", diff)
	}
	if last, _ := d.LastIndex(); last != 0 {
		t.Errorf("the store has entry %d already", last)
	}
	close(hold)
	d.set(nil, nil)
	for i := uint64(13); i <= 40; i++ {
		want = append(want, entries(i, 100)...)
		store(t, s, want[i-1:])
	}
	if diff := cmp.Diff(lines(want), contents(t, s)); diff != "" {
		t.Error("after they moved:", diff)
	}
	if last, _ := d.LastIndex(); last < 24 {
		t.Errorf("the store has entries up to %d only", last)
	}
}

// Raft reads what it replicates while it stores what follows.
func TestEntriesAreReadWhileTheyMove(t *testing.T) {
	s := opened(t, config(t.TempDir(), newDisk()))
	const n = 500
	var stored atomic.Uint64
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for i := uint64(1); i <= n; {
				if i > stored.Load() {
					runtime.Gosched()
					continue
				}
				var l raft.Log
				if err := s.GetLog(i, &l); err != nil || l.Index != i {
					t.Errorf("entry %d: %d, %v", i, l.Index, err)
				}
				if first, err := s.FirstIndex(); first != 1 || err != nil {
					t.Errorf("first entry: %d, %v", first, err)
				}
				if last, err := s.LastIndex(); last < i || err != nil {
					t.Errorf("last entry: %d, %v; %d is stored", last, err, i)
				}
				i++
			}
		})
	}
	for i := uint64(1); i <= n; i++ {
		store(t, s, entries(i, 100))
		stored.Store(i)
	}
	wait.Wait()
}

// A full disk behind the journal: what does not fit any more is refused, nothing
// is lost, and it goes on when there is room.
func TestAStoreThatFailsIsTriedAgain(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	s := opened(t, config(dir, d))
	full := errors.New("no space left on device")
	d.set(full, nil)
	var acknowledged []*raft.Log
	for i := uint64(1); i <= 20; i++ {
		next := entries(i, 100)
		switch err := s.StoreLogs(next); {
		case err == nil:
			acknowledged = append(acknowledged, next...)
		case !errors.Is(err, full):
			t.Fatal(err)
		default:
			i = 20
		}
	}
	if len(acknowledged) != 13 {
		t.Errorf("%d entries were taken, two segments have room for 13", len(acknowledged))
	}
	if err := s.DeleteRange(10, 13); !errors.Is(err, full) {
		t.Errorf("entries that cannot leave the journal were deleted: %v", err)
	}
	if diff := cmp.Diff(lines(acknowledged), contents(t, s)); diff != "" {
		t.Error(diff)
	}
	d.set(nil, nil)
	for i := uint64(14); i <= 30; i++ {
		acknowledged = append(acknowledged, entries(i, 100)...)
		store(t, s, acknowledged[i-1:])
	}
	if diff := cmp.Diff(lines(acknowledged), contents(t, s)); diff != "" {
		t.Error("with room again:", diff)
	}
	s.Close()
	if diff := cmp.Diff(lines(acknowledged), contents(t, opened(t, config(dir, d)))); diff != "" {
		t.Error("opened again:", diff)
	}
}

// After a snapshot Raft goes on behind a gap.
func TestEntriesBehindAGap(t *testing.T) {
	s := opened(t, config(t.TempDir(), newDisk()))
	store(t, s, entries(1, 10, 20))
	store(t, s, entries(13, 30, 40))
	for index, want := range map[uint64]error{1: nil, 2: nil, 3: raft.ErrLogNotFound, 12: raft.ErrLogNotFound, 13: nil, 14: nil, 15: raft.ErrLogNotFound} {
		var l raft.Log
		if err := s.GetLog(index, &l); !errors.Is(err, want) || (want == nil && l.Index != index) {
			t.Errorf("entry %d: %d, %v; want %v", index, l.Index, err, want)
		}
	}
}

// An earlier version knows nothing of a journal: what it needs is in the store
// when the node has ended.
func TestAClosedJournalHasNothingForItself(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	s := opened(t, config(dir, d))
	logs := entries(1, 10, 20, 30)
	store(t, s, logs)
	s.Close()
	if diff := cmp.Diff(lines(logs), contents(t, d)); diff != "" {
		t.Error(diff)
	}
}

func TestAWriteIsOnTheDiskWhenItReturns(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	s := opened(t, config(dir, d))
	for _, g := range s.segments {
		flags, err := unix.FcntlInt(g.file.(*os.File).Fd(), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_DSYNC == 0 {
			t.Errorf("flags %x, %v", flags, err)
		}
	}
}

// A node of an earlier version has a log and no journal.
func TestAStoreThatHadNoJournalGetsOne(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	logs := entries(1, 10, 20, 30)
	if err := d.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths(dir)[0], []byte("died while it was made"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := opened(t, config(dir, d))
	logs = append(logs, entries(4, 40)...)
	store(t, s, logs[3:])
	if diff := cmp.Diff(lines(logs), contents(t, s)); diff != "" {
		t.Error(diff)
	}
}
