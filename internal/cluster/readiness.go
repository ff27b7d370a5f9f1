package cluster

import (
	"fmt"
	"strings"
	"sync"
	"time"
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

// Check is one part of what a node needs to serve.
type Check struct {
	Name    string
	Problem string // empty: it is well
}

// Ready says whether the node can serve: its disk works, it knows a leader that
// accepts writes and reaches it, it has applied what was committed when it
// started, and it keeps up. The reasons say what is missing.
func (n *Node) Ready() (bool, []string) {
	var reasons []string
	for _, c := range n.Checks() {
		if c.Problem != "" {
			reasons = append(reasons, c.Problem)
		}
	}
	return len(reasons) == 0, reasons
}

// Checks are the parts of Ready, each looked at now.
func (n *Node) Checks() []Check {
	return []Check{{"vote", strings.Join(n.place(), "; ")}, {"leader", n.leaderProblem()}, {"lag", n.lagProblem()}, {"disk", n.diskProblem()}}
}

func (n *Node) leaderProblem() string {
	if n.raft.Load() == nil && !n.muted() {
		if len(n.place()) > 0 {
			return "" // which says why
		}
		return "the node is starting"
	}
	l, known := n.Leader()
	switch {
	case n.muted():
		return "this node takes no part in the cluster"
	case !known:
		return n.noLeader(len(n.place()) == 0)
	case l.ID == n.cfg.NodeID && !n.leads():
		return "this node leads but does not accept writes yet"
	case l.ID != n.cfg.NodeID:
		p, _ := n.peers.Peer(l.ID)
		switch {
		case !p.Up:
			return fmt.Sprintf("the leader %s cannot be reached", l.ID)
		case !p.State.Leads:
			return fmt.Sprintf("the leader %s does not accept writes yet", l.ID)
		}
	}
	return ""
}

// lagProblem is about what was committed when the node started, until that is
// applied, and from then on about what is committed now.
func (n *Node) lagProblem() string {
	if r := n.raft.Load(); r == nil {
		return ""
	}
	n.readiness.look(n)
	r := &n.readiness
	r.mu.Lock()
	known, done, target := r.known, r.done, r.target
	r.mu.Unlock()
	switch {
	case known && !done:
		return fmt.Sprintf("catching up: %d of %d entries are applied", n.AppliedIndex(), target)
	case !done && n.leaderProblem() == "":
		return "how much there is to catch up with is not known yet"
	case !done:
		return ""
	}
	if commit, known := n.committed(); known {
		if ok, how := n.follows(n.AppliedIndex(), commit); !ok {
			return "this node does not keep up: " + how
		}
	}
	return ""
}

func (n *Node) diskProblem() string {
	if reason, _ := n.mute.why(); reason != "" {
		return reason
	}
	if what, since := n.disk.hanging(); since >= n.paced(n.cfg.DiskTimeout) {
		return fmt.Sprintf("the disk does not answer: %q has taken %s so far", what, since.Round(time.Second))
	}
	return ""
}
