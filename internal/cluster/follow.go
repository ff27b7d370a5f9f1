package cluster

import (
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/peer"
)

// watchFollowers starts replication anew to each follower that acknowledges
// nothing although there is something to acknowledge: what waits on one of its
// connections waits no longer when that is closed. It is called once a second.
func (n *Node) watchFollowers() {
	commit, known := n.committed()
	if !known {
		commit = n.raft.Load().CommitIndex()
	}
	n.lag.note(time.Now(), commit)
	for _, s := range n.stuckFollowers() {
		if s.closedAt.IsZero() || time.Since(s.closedAt) >= n.paced(stuckAfter) {
			n.log.Warn("a follower acknowledges nothing, closing the connections to it",
				"node", s.id, "for", s.since.Round(time.Second), "match", s.match, "last", s.last)
			n.metrics.stuck.Inc()
			n.transport.Load().progress.closed(raft.ServerID(s.id))
			n.stream.Load().closeTo(s.address)
		}
	}
}

// stuckFollower is a follower that answers and acknowledges nothing.
type stuckFollower struct {
	id, address string
	since       time.Duration
	match, last uint64
	closedAt    time.Time
}

func (n *Node) stuckFollowers() []stuckFollower {
	r := n.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return nil
	}
	term, last := r.CurrentTerm(), r.LastIndex()
	var stuck []stuckFollower
	for _, p := range n.peers.Peers() {
		since, match, closedAt := n.transport.Load().progress.stuck(raft.ServerID(p.ID), term, last)
		if p.Up && since >= n.paced(stuckAfter) {
			stuck = append(stuck, stuckFollower{p.ID, p.Address, since, match, last, closedAt})
		}
	}
	return stuck
}

// follows reports whether a node that has applied so much keeps up with what is
// committed, and if it does not, in which way.
func (n *Node) follows(applied, commit uint64) (bool, string) {
	if applied+farBehind < commit {
		return false, fmt.Sprintf("%d of %d committed entries are applied", applied, commit)
	}
	if late := n.lag.behind(time.Now(), applied); late >= n.paced(tooLate) {
		return false, fmt.Sprintf("%d of %d committed entries are applied, which is what was committed %s ago",
			applied, commit, late.Round(time.Second))
	}
	return true, ""
}

// peerFollows is follows for another node. One that has just begun to answer is
// not late yet.
func (n *Node) peerFollows(p peer.Peer, commit uint64) (bool, string) {
	if time.Since(p.UpSince) < n.paced(tooLate) && p.State.Applied+farBehind >= commit {
		return true, ""
	}
	return n.follows(p.State.Applied, commit)
}

func (n *Node) paced(d time.Duration) time.Duration { return d * time.Duration(n.cfg.Pace) }
