package integrity

import (
	"errors"

	"github.com/hashicorp/raft"
)

// Log is a log store whose entries carry checksums: they are put on when a
// leader stores an entry, checked before a follower stores one, and checked
// whenever an entry is read. It stands before caches, so that they are covered.
type Log struct {
	raft.LogStore
	// Unsealed is the last index whose entry may be without a checksum: the end of
	// the log when entries got checksums.
	Unsealed uint64
	// Damaged, when set, is called with the damage that GetLog found before GetLog
	// returns. In a running node it ends the process: Raft would go on without the
	// entry, or panic.
	Damaged func(error)
}

// Refused is the error for entries that arrived damaged: nothing is wrong with
// this node's data.
type Refused struct{ Cause error }

func (r *Refused) Error() string { return "refuse to store what was received: " + r.Cause.Error() }

// StoreLogs stores the entries. Those without a checksum get one: a leader's new
// ones, and old ones that the leader wrote before entries had any. If one does
// not match its checksum, nothing is stored and Raft is sent the entries again.
func (s *Log) StoreLogs(logs []*raft.Log) error {
	fresh := 0
	for _, l := range logs {
		if !sealed(l) {
			fresh++
			continue
		}
		if err := Check(l, 0); err != nil {
			return &Refused{err}
		}
	}
	room := make([]byte, fresh*sumSize)
	for _, l := range logs {
		if !sealed(l) {
			seal(l, room[:sumSize:sumSize])
			room = room[sumSize:]
		}
	}
	return s.LogStore.StoreLogs(logs)
}

// StoreLog stores one entry like StoreLogs.
func (s *Log) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// GetLog reads an entry and checks it.
func (s *Log) GetLog(index uint64, l *raft.Log) error {
	err := s.LogStore.GetLog(index, l)
	if err == nil {
		err = s.check(index, l)
	}
	if IsDamage(err) && s.Damaged != nil {
		s.Damaged(err)
	}
	return err
}

func (s *Log) check(index uint64, l *raft.Log) error {
	if l.Index != index {
		return Damaged("log entry %d is in the place of entry %d", l.Index, index)
	}
	return Check(l, s.Unsealed)
}

// Verify reads the log from an index on and returns the first damage and where
// it is: an entry that does not match its checksum, or one that is missing above
// the snapshot's index. Entries up to that index are in the snapshot; there, and
// only there, Raft leaves gaps.
func (s *Log) Verify(from, snapshot uint64) (index uint64, err error) {
	first, err := s.FirstIndex()
	if err != nil {
		return 0, err
	}
	last, err := s.LastIndex()
	if err != nil {
		return 0, err
	}
	for i := max(first, from, 1); i <= last; i++ {
		var l raft.Log
		err := s.LogStore.GetLog(i, &l)
		switch {
		case errors.Is(err, raft.ErrLogNotFound) && i <= snapshot:
			continue
		case errors.Is(err, raft.ErrLogNotFound):
			return i, Damaged("log entry %d is missing, and the log goes on to entry %d", i, last)
		case err == nil:
			err = s.check(i, &l)
		}
		if err != nil {
			return i, err
		}
	}
	return 0, nil
}
