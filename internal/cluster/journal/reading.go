package journal

import "github.com/hashicorp/raft"

// FirstIndex is the index of the first entry, 0 when there is none.
func (s *Store) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	first, err := s.store.FirstIndex()
	if err != nil || first != 0 {
		return first, err
	}
	for _, logs := range [][]*raft.Log{s.moving, s.tail} {
		if len(logs) > 0 {
			return logs[0].Index, nil
		}
	}
	return 0, nil
}

// LastIndex is the index of the last entry, 0 when there is none.
func (s *Store) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if last := s.newest(); last != nil {
		return last.Index, nil
	}
	return s.store.LastIndex()
}

// newest is the last entry that the store may not have. The caller holds mu.
func (s *Store) newest() *raft.Log {
	for _, logs := range [][]*raft.Log{s.tail, s.moving} {
		if len(logs) > 0 {
			return logs[len(logs)-1]
		}
	}
	return nil
}

// GetLog reads an entry.
func (s *Store) GetLog(index uint64, log *raft.Log) error {
	if l := s.recent(index); l != nil {
		*log = *l
		return nil
	}
	return s.store.GetLog(index, log)
}

// recent is an entry that the store may not have.
func (s *Store) recent(index uint64) *raft.Log {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, logs := range [][]*raft.Log{s.tail, s.moving} {
		if len(logs) > 0 && index >= logs[0].Index && index-logs[0].Index < uint64(len(logs)) {
			return logs[index-logs[0].Index]
		}
	}
	return nil
}
