package cluster

import (
	"context"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// View is the newest applied state of this node.
func (n *Node) View() fsm.View { return n.machine.View() }

// Machine is the replicated state, for subscriptions.
func (n *Node) Machine() *fsm.Machine { return n.machine }

// Now is replicated time: the stamp that a batch would get now. It never goes
// back, not from one leader to the next either, unless it is set.
func (n *Node) Now() autoscaling.Time {
	v := n.machine.View()
	return n.clock.now(v.Stamp(), v.TimeSets())
}

// LinearizableView is a state that includes everything acknowledged before the
// call. Only the leader answers it; elsewhere it is NO_LEADER.
func (n *Node) LinearizableView(ctx context.Context) (fsm.View, error) {
	s, err := n.accepting(ctx)
	if err != nil {
		return fsm.View{}, err
	}
	if err := n.verifier.join().wait(ctx, s.over); err != nil {
		if ctx.Err() != nil {
			return fsm.View{}, ctx.Err()
		}
		return fsm.View{}, notLeading()
	}
	// The round proves that this node led when it ended; the term, that this was
	// after the barrier of the session.
	if r := n.raft.Load(); r == nil || r.CurrentTerm() != s.term {
		return fsm.View{}, notLeading()
	}
	return n.machine.View(), nil
}

// AppliedIndex is Raft's index of the last entry applied here.
func (n *Node) AppliedIndex() uint64 {
	r := n.raft.Load()
	if r == nil {
		return n.guard.index.Load()
	}
	// Raft's index is of what was handed to the state machine. It is ahead of
	// the machine's while that works, and counts entries that are not for it.
	handed := r.AppliedIndex()
	if statistic(r.Stats(), "fsm_pending") == 0 && !n.guard.busy.Load() {
		return max(handed, n.guard.index.Load()) // after the storage was opened anew Raft is behind the machine
	}
	return n.guard.index.Load()
}

// Leader answers who leads, as far as this node knows. What Raft says is old
// while this node takes no part; then the one counts that says it of itself.
func (n *Node) Leader() (Leader, bool) {
	if n.muted() {
		for _, p := range n.peers.Peers() {
			if p.Up && p.State.Leads {
				return Leader{ID: p.ID, GRPCAddress: p.Record.GRPCAddress, Term: p.State.Term}, true
			}
		}
		return Leader{}, false
	}
	r := n.raft.Load()
	if r == nil {
		return Leader{}, false
	}
	_, id := r.LeaderWithID()
	if id == "" {
		return Leader{}, false
	}
	return Leader{ID: string(id), GRPCAddress: n.record(string(id)).GRPCAddress, Term: r.CurrentTerm()}, true
}

// record is what a node tells of itself: directly, else by the state.
func (n *Node) record(id string) autoscaling.Node {
	if id == n.cfg.NodeID {
		return n.cfg.Record
	}
	if p, ok := n.peers.Peer(id); ok && p.Known {
		return p.Record
	}
	if r := n.machine.View().Node(id); r != nil {
		return *r
	}
	return autoscaling.Node{ID: id}
}

// Reports are the reports of all nodes that serve, or may serve, a pool. Only
// the leader gets them all.
func (n *Node) Reports(pool string) []peer.NodeReport { return n.peers.PoolReports(pool) }

// WatchReports is signalled (capacity 1) after the reports changed, or a node
// came or went, until stop is called.
func (n *Node) WatchReports() (changed <-chan struct{}, stop func()) { return n.peers.Watch() }
