package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
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
	n, err := ensure(c)
	if err != nil {
		return nil, err
	}
	var segments [2][]byte
	for i, path := range paths(c.Dir) {
		if segments[i], err = read(path, c.size); err != nil {
			return nil, err
		}
	}
	found := scan(segments, n.seed)
	if found.newest < max(n.newest, 1) {
		return nil, integrity.Damaged("journal in %s: its newest readable record is %d, and record %d was written", c.Dir, found.newest, max(n.newest, 1))
	}
	if err := found.checkEnd(c.Dir); err != nil {
		return nil, err
	}
	logs, err := found.replay(c)
	if err != nil {
		return nil, err
	}
	if last, err := c.Store.LastIndex(); err != nil || last < n.last {
		return nil, errors.Join(err, integrity.Damaged("the log ends at entry %d, and entry %d was written", last, n.last))
	}
	s := &Store{cfg: c, store: c.Store, note: n, attempt: rand.Uint32(), number: found.newest, stored: found.newest}
	if err := s.openFiles(); err != nil {
		return nil, err
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
	if err := s.scrub(found); err != nil {
		_ = s.closeFiles()
		return nil, err
	}
	return s, nil
}

func (s *Store) openFiles() error {
	for i, path := range paths(s.cfg.Dir) {
		f, err := s.cfg.open(path)
		if err != nil {
			_ = s.closeFiles()
			return fmt.Errorf("journal: %w", err)
		}
		s.segments[i] = &segment{file: f}
	}
	return nil
}

// scrub blanks damaged sectors. No record that is needed has any; where the next
// records come, they would pass for damage to those.
func (s *Store) scrub(c scanned) error {
	for i, all := range c.sectors {
		for k, sector := range all {
			if !sector.damaged {
				continue
			}
			if _, err := s.segments[i].file.WriteAt(zeros[:sectorSize], int64(k*sectorSize)); err != nil {
				return fmt.Errorf("journal: %w", err)
			}
		}
	}
	return nil
}
