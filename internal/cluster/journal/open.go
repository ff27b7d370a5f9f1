package journal

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// made is the key under which the stable store remembers that there is a journal.
var made = []byte("journal")

// Open opens the journal of the directory, or makes it, and puts into the store
// what only the journal has.
func Open(dir string, store raft.LogStore, stable raft.StableStore) (*Store, error) {
	return open(dir, store, stable, segmentSize)
}

func open(dir string, store raft.LogStore, stable raft.StableStore, size int) (_ *Store, err error) {
	if err := ensure(dir, stable, size); err != nil {
		return nil, err
	}
	s := &Store{store: store, size: size}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	var in [2]found
	for i, path := range paths(dir) {
		f, has, err := openSegment(path, size)
		if err != nil {
			return nil, err
		}
		s.segments[i], in[i] = &segment{file: f}, has
	}
	records, last, err := replay(in[0], in[1])
	if err != nil {
		return nil, err
	}
	var logs []*raft.Log
	for _, r := range records {
		logs = append(logs, r.logs...)
	}
	if len(logs) > 0 {
		if err := store.StoreLogs(logs); err != nil {
			return nil, fmt.Errorf("take over the journal: %w", err)
		}
	}
	s.number, s.moved = last, last
	if in[1].last() > in[0].last() {
		s.active = 1
	}
	g := s.segments[s.active]
	g.offset = in[s.active].end
	if len(logs) > 0 {
		g.lowest = logs[0].Index
	}
	return s, s.wipe(in[1-s.active])
}

// wipe clears what may be half of a record that nobody was told of, lest another
// half makes it whole some day: behind the newest record, and at the beginning
// of the other segment.
func (s *Store) wipe(other found) error {
	var errs []error
	zeros := make([]byte, blockSize)
	if g := s.segments[s.active]; g.offset < int64(s.size) {
		_, err := g.file.WriteAt(zeros, g.offset)
		errs = append(errs, err)
	}
	if len(other.records) == 0 {
		_, err := s.segments[1-s.active].file.WriteAt(zeros, 0)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// ensure makes the journal of a directory that never had one.
func ensure(dir string, stable raft.StableStore, size int) error {
	v, err := stable.Get(made)
	switch {
	case err == nil && len(v) > 0:
		return nil
	case err != nil && err.Error() != "not found": // Raft, too, knows it by its text
		return fmt.Errorf("journal: %w", err)
	}
	if err := create(dir, size); err != nil {
		return err
	}
	if err := stable.Set(made, []byte{1}); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Close waits for what moves. The entries in the journal stay there.
func (s *Store) Close() error {
	s.change.Lock()
	defer s.change.Unlock()
	if s.failed == nil {
		s.failed = errors.New("journal: it is closed")
	}
	if s.moves != nil {
		<-s.moves
		s.moves = nil
	}
	var errs []error
	for _, g := range s.segments {
		if g != nil {
			errs = append(errs, g.file.Close())
		}
	}
	return errors.Join(errs...)
}
