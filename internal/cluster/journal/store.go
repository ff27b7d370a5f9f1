package journal

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// Store is a log store that is a journal before another one.
type Store struct {
	cfg     Config
	store   raft.LogStore
	attempt uint32 // which run of the journal writes its sectors

	// writing is held by who writes the journal, over the write: writes have an
	// order, and there is one disk. It guards what follows.
	writing  sync.Mutex
	segments [2]*segment
	active   int    // the segment that is written
	number   uint64 // of the newest record
	buffer   []byte
	wait     func() // for the move that was begun; nil: nobody has to
	failed   error  // nothing is written any more
	note     note

	// mu guards where entries are to be found.
	mu         sync.RWMutex
	tail       []*raft.Log // entries that only the journal has, and
	moving     []*raft.Log // those before them, which are on their way to the store
	movingUpTo uint64      // the number of the last record with entries in moving
	stored     uint64      // records up to this number are in the store
}

// Close puts into the store what only the journal has: an earlier version of the
// service does not read it.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.settle(); err != nil {
		s.cfg.Logger.Warn("entries stay in the journal", "error", err)
	} else if err := s.writeNote(); err != nil {
		s.cfg.Logger.Warn("the journal's note stays as it was", "error", err)
	}
	if s.wait != nil {
		s.wait()
		s.wait = nil
	}
	if s.failed == nil {
		s.failed = errors.New("the journal is closed")
	}
	return s.closeFiles()
}

// writeNote notes how far the journal and the log have come. The caller holds
// writing, or nothing is written any more.
func (s *Store) writeNote() error {
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	n := note{seed: s.note.seed, newest: s.number, last: last}
	if n == s.note {
		return nil
	}
	if err := s.cfg.Stable.Set(noteKey, n.encode()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.note = n
	return nil
}

// allowEnd notes that the log may end before the index. Nothing is noted of where
// it ends then: behind a snapshot Raft leaves a gap, and before it any entry may be
// the last.
func (s *Store) allowEnd(before uint64) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if before > s.note.last {
		return nil
	}
	n := s.note
	n.last = 0
	if err := s.cfg.Stable.Set(noteKey, n.encode()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.note = n
	return nil
}

func (s *Store) closeFiles() error {
	var errs []error
	for _, g := range s.segments {
		if g != nil {
			errs = append(errs, g.file.Close())
		}
	}
	return errors.Join(errs...)
}

// StoreLog stores one entry.
func (s *Store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs stores entries; they are on the disk when it returns. What is larger
// than a segment goes to the store at once.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	tooLarge := !s.fits(0, recordSize(logs))
	if tooLarge || !s.continues(logs[0].Index) {
		if err := s.settle(); err != nil {
			return err
		}
	}
	if tooLarge {
		return s.store.StoreLogs(logs)
	}
	if err := s.write(logs); err != nil {
		return err
	}
	s.mu.Lock()
	s.tail = append(s.tail, logs...)
	s.mu.Unlock()
	return nil
}

// continues says whether the index follows what the journal alone has. After a
// snapshot Raft goes on behind a gap.
func (s *Store) continues(index uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	last := s.newest()
	return last == nil || index == last.Index+1
}

// fits says whether a record of so many bytes has room in a segment from the
// offset on. The last block is kept for the record that closes the segment.
func (s *Store) fits(offset int64, size int) bool {
	return offset+int64(size) <= int64(s.cfg.size-blockSize)
}

// write writes one record, into the other segment when this one is full.
func (s *Store) write(logs []*raft.Log) error {
	if s.failed != nil {
		return s.failed
	}
	if !s.fits(s.segments[s.active].offset, recordSize(logs)) {
		if err := s.rotate(); err != nil {
			return err
		}
	}
	return s.put(logs)
}

// put writes a record where there is room for it.
func (s *Store) put(logs []*raft.Log) error {
	s.mu.RLock()
	stored := s.stored
	s.mu.RUnlock()
	g := s.segments[s.active]
	s.buffer = appendRecord(s.buffer[:0], s.note.seed, s.attempt, record{number: s.number + 1, stored: stored, logs: logs})
	if _, err := g.file.WriteAt(s.buffer, g.offset); err != nil {
		s.failed = fmt.Errorf("write the journal: %w", err)
		s.cfg.Failed(s.failed)
		return s.failed
	}
	s.number++
	g.offset += int64(len(s.buffer))
	if g.lowest == 0 && len(logs) > 0 {
		g.lowest = logs[0].Index
	}
	return nil
}

// rotate goes on in the other segment, once its entries are in the store and
// this one says so, and begins to move those of this one.
func (s *Store) rotate() error {
	if err := s.finishMove(); err != nil {
		return err
	}
	if s.segments[s.active].offset < int64(s.cfg.size) { // else it was closed before a restart
		if err := s.put(nil); err != nil {
			return err
		}
	}
	s.takeTail()
	s.wait = s.cfg.begin(func() {
		if err := s.move(); err != nil {
			s.cfg.Logger.Warn("entries stay in the journal, will retry", "error", err)
		}
	})
	s.active = 1 - s.active
	*s.segments[s.active] = segment{file: s.segments[s.active].file}
	return nil
}

// takeTail has the tail moved next. Nothing is moving.
func (s *Store) takeTail() {
	s.mu.Lock()
	s.moving, s.tail, s.movingUpTo = s.tail, nil, s.number
	s.mu.Unlock()
}

// finishMove waits until nothing moves. What failed, as on a full disk, is tried
// once more: the change that waits for it fails with it, and the next one tries
// again.
func (s *Store) finishMove() error {
	if s.wait != nil {
		s.wait()
		s.wait = nil
	}
	return s.move()
}

// move puts what is moving into the store.
func (s *Store) move() error {
	s.mu.RLock()
	logs := s.moving
	s.mu.RUnlock()
	if len(logs) > 0 {
		if err := s.store.StoreLogs(logs); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.moving, s.stored = nil, max(s.stored, s.movingUpTo)
	s.mu.Unlock()
	return nil
}

// settle moves everything into the store and has the journal say so, so that
// nothing of it is replayed.
func (s *Store) settle() error {
	if s.failed != nil || s.lowest() == 0 {
		return s.failed
	}
	if err := s.finishMove(); err != nil {
		return err
	}
	s.takeTail()
	if err := s.move(); err != nil {
		return err
	}
	if err := s.write(nil); err != nil {
		return err
	}
	for _, g := range s.segments {
		g.lowest = 0
	}
	return nil
}

// lowest is the lowest index that would be replayed; 0: nothing would be.
func (s *Store) lowest() uint64 {
	a, b := s.segments[0].lowest, s.segments[1].lowest
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// DeleteRange deletes entries from either end of the log. The journal is not
// held meanwhile: Raft stores nothing at or below an end that it deletes.
func (s *Store) DeleteRange(from, to uint64) error {
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	if to >= last {
		if err := s.allowEnd(from); err != nil {
			return err
		}
	}
	if err := s.release(to); err != nil {
		return err
	}
	return s.store.DeleteRange(from, to)
}

// release makes sure that no entry up to the index comes back when the journal
// is replayed.
func (s *Store) release(to uint64) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if lowest := s.lowest(); lowest == 0 || to < lowest {
		return nil
	}
	return s.settle()
}
