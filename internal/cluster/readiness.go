package cluster

import (
	"fmt"
	"sync"
)

// readiness remembers how far the cluster was when this node started.
type readiness struct {
	mu     sync.Mutex
	known  bool   // a leader has told what was committed
	target uint64 // index
	done   bool   // it has been applied
}

// reset forgets it, for another start.
func (r *readiness) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known, r.target, r.done = false, 0, false
}

// look takes notice of what is known now.
func (r *readiness) look(n *Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return
	}
	if !r.known {
		r.target, r.known = n.committed()
	}
	r.done = r.known && n.AppliedIndex() >= r.target
}

// caughtUp reports whether what was committed when the node started is applied.
func (r *readiness) caughtUp() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// committed is the leader's commit index.
func (n *Node) committed() (uint64, bool) {
	if r := n.raft.Load(); r != nil && n.leads() {
		return r.CommitIndex(), true
	}
	if l, ok := n.Leader(); ok {
		if p, ok := n.peers.Peer(l.ID); ok && p.Up && p.State.Leads {
			return p.State.Commit, true
		}
	}
	return 0, false
}

// Ready says whether the node can serve: it knows a leader that accepts writes,
// reaches it, and has applied what was committed when it started. The reasons
// say what is missing.
func (n *Node) Ready() (bool, []string) {
	if reason, _ := n.mute.why(); reason != "" {
		return false, []string{reason}
	}
	place := n.place()
	if n.raft.Load() == nil {
		if len(place) == 0 {
			place = []string{"the node is starting"}
		}
		return false, place
	}
	n.readiness.look(n)
	reasons := place
	l, known := n.Leader()
	switch {
	case !known:
		reasons = append(reasons, n.noLeader(len(place) == 0))
	case l.ID == n.cfg.NodeID && !n.leads():
		reasons = append(reasons, "this node leads but does not accept writes yet")
	case l.ID != n.cfg.NodeID:
		p, _ := n.peers.Peer(l.ID)
		switch {
		case !p.Up:
			reasons = append(reasons, fmt.Sprintf("the leader %s cannot be reached", l.ID))
		case !p.State.Leads:
			reasons = append(reasons, fmt.Sprintf("the leader %s does not accept writes yet", l.ID))
		}
	}
	r := &n.readiness
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known && !r.done {
		reasons = append(reasons, fmt.Sprintf("catching up: %d of %d entries are applied", n.AppliedIndex(), r.target))
	} else if !r.done && len(reasons) == 0 {
		reasons = append(reasons, "how much there is to catch up with is not known yet")
	}
	return len(reasons) == 0, reasons
}
