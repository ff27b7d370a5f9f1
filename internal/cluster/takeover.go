package cluster

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// clusterOf reads from snapshot and log which cluster a directory belongs to
// that has no identity, because an earlier version wrote it. All nodes must be
// stopped for that upgrade: earlier versions tell no identity and are refused.
func clusterOf(s *Storage) (autoscaling.UID, error) {
	m := fsm.NewMachine()
	snapshots, err := s.Snapshots.List()
	if err != nil {
		return "", fmt.Errorf("open snapshots: %w", err)
	}
	from := uint64(0)
	if len(snapshots) > 0 {
		_, r, err := s.Snapshots.Open(snapshots[0].ID)
		if err != nil {
			return "", fmt.Errorf("open snapshot %s: %w", snapshots[0].ID, err)
		}
		if err := m.Restore(r); err != nil {
			return "", err
		}
		from = snapshots[0].Index
	}
	last, err := s.Logs.LastIndex()
	if err != nil {
		return "", fmt.Errorf("read the log: %w", err)
	}
	for index := from + 1; index <= last && m.View().Cluster() == nil; index++ {
		var l raft.Log
		if err := s.Logs.GetLog(index, &l); err != nil {
			return "", fmt.Errorf("read log entry %d: %w", index, err)
		}
		if l.Type != raft.LogCommand {
			continue
		}
		if m.Apply(&l); m.Err() != nil {
			return "", m.Err()
		}
	}
	c := m.View().Cluster()
	if c == nil {
		return "", errors.New("an earlier version wrote it, and neither snapshot nor log says which cluster it belongs to: " +
			"no change was ever acknowledged in it; remove it")
	}
	return c.ID, nil
}

// lastIndex is that of the last entry in log or snapshot.
func (s *Storage) lastIndex() (uint64, error) {
	last, err := s.Logs.LastIndex()
	if err != nil {
		return 0, fmt.Errorf("read the log: %w", err)
	}
	snapshots, err := s.Snapshots.List()
	if err != nil {
		return 0, fmt.Errorf("open snapshots: %w", err)
	}
	if len(snapshots) > 0 {
		last = max(last, snapshots[0].Index)
	}
	return last, nil
}
