package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Config is what a journal is made of.
type Config struct {
	Dir    string
	Store  raft.LogStore    // where entries move to
	Stable raft.StableStore // of the same node
	// Failed is told, once, why nothing is stored any more: after a write that
	// failed nobody knows what the disk has before it is read again.
	Failed func(error)
	Logger hclog.Logger

	size int // of a segment
	open func(path string) (file, error)
	// begin begins a function and answers how to wait for its end.
	begin func(func()) (wait func())
}

// Open opens the journal of the directory, or makes it, and puts into the store
// what only the journal has.
func Open(c Config) (*Store, error) {
	c.size, c.open, c.begin = segmentSize, openFile, inBackground
	return open(c)
}

func inBackground(f func()) (wait func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return func() { <-done }
}

func open(c Config) (_ *Store, err error) {
	seed, err := ensure(c)
	if err != nil {
		return nil, err
	}
	var segments [2][]byte
	for i, path := range paths(c.Dir) {
		if segments[i], err = read(path, c.size); err != nil {
			return nil, err
		}
	}
	found := scan(segments, seed)
	logs, err := found.entries()
	if err == nil {
		err = check(logs, c.Store)
	}
	if err != nil {
		return nil, fmt.Errorf("journal in %s: %w", c.Dir, err)
	}
	if len(logs) > 0 {
		if err := c.Store.StoreLogs(logs); err != nil {
			return nil, fmt.Errorf("put the entries of the journal in %s into the log: %w", c.Dir, err)
		}
	}
	s := &Store{cfg: c, store: c.Store, seed: seed, number: found.newest, stored: found.newest}
	defer func() {
		if err != nil {
			_ = s.closeFiles()
		}
	}()
	for i, path := range paths(c.Dir) {
		f, err := c.open(path)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		s.segments[i] = &segment{file: f}
	}
	newest := found.records[found.newest]
	s.active = newest.segment
	g := s.segments[s.active]
	g.offset = newest.end
	if len(logs) > 0 {
		// For those of the other segment, too: it counts until this one is left,
		// and that is not before the other one was.
		g.lowest = logs[0].Index
	}
	if err := s.wipe(!found.begins[1-s.active]); err != nil {
		return nil, err
	}
	return s, nil
}

// ensure makes the journal of a node that never had one. It answers where
// checksums start.
func ensure(c Config) (seed uint32, err error) {
	key := []byte("journal")
	v, err := c.Stable.Get(key)
	switch {
	case err == nil && len(v) == 4:
		return binary.LittleEndian.Uint32(v), nil
	case err != nil && err.Error() != "not found": // Raft, too, knows it by its text
		return 0, fmt.Errorf("journal: %w", err)
	}
	if err := create(c.Dir, c.size); err != nil {
		return 0, err
	}
	v = make([]byte, 4)
	_, _ = rand.Read(v) // never fails
	if err := c.Stable.Set(key, v); err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	return binary.LittleEndian.Uint32(v), nil
}

// wipe clears what may be half of a record that nobody was told of, lest half of
// another attempt at it makes it whole: behind the newest record, and at the
// beginning of the other segment when no record is there.
func (s *Store) wipe(other bool) error {
	var errs []error
	zeros := make([]byte, blockSize)
	if g := s.segments[s.active]; g.offset < int64(s.cfg.size) {
		_, err := g.file.WriteAt(zeros, g.offset)
		errs = append(errs, err)
	}
	if other {
		_, err := s.segments[1-s.active].file.WriteAt(zeros, 0)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}
