package cluster

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// errSkipped: an entry was committed but its predecessor was not the last one
// applied, so that it changed nothing.
var errSkipped = errors.New("the entry was skipped")

// errStopped: this node stops or no longer leads.
var errStopped = errors.New("no longer the leader")

// errMuted: this node muted while an entry was in flight. What becomes of the
// entry is known only to Raft, which waits for the disk.
var errMuted = errors.New("this node stopped taking part while the entry was being written")

const retrySoon = 50 * time.Millisecond

// noLeader says that nothing was written and that it may be tried again.
func noLeader(format string, args ...any) error {
	err := autoscaling.Errorf(autoscaling.NoLeader, format, args...)
	err.RetryAfter = retrySoon
	return err
}

func notLeading() error { return noLeader("this node does not lead; nothing was written") }

func outcomeUnknown() error {
	return autoscaling.Errorf(autoscaling.OutcomeUnknown,
		"the leader changed while the change was being written: it may or may not have happened; repeat it with the same request id")
}

// nothingWritten says whether a failed proposal cannot have reached the log, or
// reached it without effect.
func nothingWritten(err error) bool {
	return errors.Is(err, errSkipped) || errors.Is(err, errStopped) || errors.Is(err, fsm.ErrDropped) ||
		errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress)
}
