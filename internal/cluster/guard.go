package cluster

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
	"github.com/asctl/as/internal/fsm"
)

// guard stands between Raft and the state machine. An entry that cannot be
// applied stops the node with a sentence instead of killing the process, and
// nothing is applied after it: skipping it would fork the replicas.
type guard struct {
	machine *fsm.Machine
	fatal   func(error)
	// unsealed is the last index whose entry may be without a checksum. It is set
	// before Raft runs.
	unsealed uint64

	// marked is called with the state where the log asks for a digest. Nil: no
	// digests are taken.
	marked func(index uint64, state fsm.View)

	index  atomic.Uint64 // of the last entry applied
	busy   atomic.Bool   // applying
	failed atomic.Bool
	// restoreErr is why the last restore failed, for who reports it.
	restoreErr atomic.Pointer[error]
	// running: a failure to restore is no longer an attempt at the start.
	running atomic.Bool
}

// reset makes the guard ready for another run of Raft.
func (g *guard) reset() {
	g.index.Store(0)
	g.failed.Store(false)
	g.restoreErr.Store(nil)
	g.running.Store(false)
}

var errNotApplied = errors.New("the state machine has stopped")

func (g *guard) Apply(l *raft.Log) any { return g.ApplyBatch([]*raft.Log{l})[0] }

func (g *guard) ApplyBatch(logs []*raft.Log) (answers []any) {
	g.busy.Store(true)
	defer g.busy.Store(false)
	done := g.index.Load()
	if logs[0].Index <= done { // applied before the storage was opened anew
		fresh := slices.IndexFunc(logs, func(l *raft.Log) bool { return l.Index > done })
		if fresh < 0 {
			return make([]any, len(logs))
		}
		return append(make([]any, fresh), g.ApplyBatch(logs[fresh:])...)
	}
	answers = make([]any, len(logs))
	for i := range answers {
		answers[i] = errNotApplied
	}
	if g.failed.Load() {
		return answers
	}
	defer func() {
		if p := recover(); p != nil {
			g.stop(fmt.Errorf("apply log entries %d to %d: %v", logs[0].Index, logs[len(logs)-1].Index, p))
		}
	}()
	commands := make([]*raft.Log, 0, len(logs))
	for _, l := range logs {
		if err := integrity.Check(l, g.unsealed); err != nil {
			g.stop(err)
			return answers
		}
		if l.Type == raft.LogCommand {
			commands = append(commands, l)
		}
	}
	if len(commands) > 0 {
		results := g.applyCommands(commands)
		if err := g.machine.Err(); err != nil {
			g.stop(err)
		}
		for i, l := range logs {
			answers[i] = nil
			if l.Type == raft.LogCommand {
				answers[i], results = results[0], results[1:]
			}
		}
	}
	g.index.Store(logs[len(logs)-1].Index)
	return answers
}

// applyCommands applies the entries in order. Where one asks for a digest the
// state is captured as it is between the entries before and after it.
func (g *guard) applyCommands(commands []*raft.Log) []any {
	mark := slices.IndexFunc(commands, func(l *raft.Log) bool { return fsm.IsDigestMark(l.Data) })
	if mark < 0 {
		return g.machine.ApplyBatch(commands)
	}
	answers := g.machine.ApplyBatch(commands[:mark])
	if g.marked != nil && g.machine.Err() == nil {
		g.marked(commands[mark].Index, g.machine.View())
	}
	return append(append(answers, nil), g.applyCommands(commands[mark+1:])...)
}

// stop says why nothing more is applied.
func (g *guard) stop(err error) {
	g.failed.Store(true)
	var unreadable *fsm.UnreadableError
	if errors.As(err, &unreadable) && unreadable.Older {
		err = fmt.Errorf("this node is older than the log: %w", err)
	}
	g.fatal(err)
}

func (g *guard) Snapshot() (raft.FSMSnapshot, error) {
	if g.failed.Load() {
		return nil, errNotApplied
	}
	return g.machine.Snapshot()
}

func (g *guard) Restore(r io.ReadCloser) (err error) {
	g.busy.Store(true)
	defer g.busy.Store(false)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		if err == nil {
			return
		}
		g.restoreErr.Store(&err)
		if g.running.Load() {
			g.stop(fmt.Errorf("restore a snapshot from the leader: %w", err))
		}
	}()
	return g.machine.Restore(r)
}
