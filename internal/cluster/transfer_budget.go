package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

const (
	// transferBurst transfers on request are possible at once, one more each
	// transferRefill from then on. Each one costs the cluster's callers a pause.
	transferBurst  = 5
	transferRefill = 5 * time.Second
)

// TransferOnRequest is TransferLeadership for a caller of the API. It is refused
// before writes are held when no other node could lead, and when leadership has
// changed too often of late. This node's own hand-overs are not limited.
func (n *Node) TransferOnRequest(ctx context.Context, nodeID string) error {
	if nodeID == n.cfg.NodeID {
		return n.TransferLeadership(ctx, nodeID)
	}
	if _, err := n.accepting(ctx); err != nil {
		return err
	}
	r := n.raft.Load()
	if r == nil {
		return notLeading()
	}
	if nodeID != "" && n.others(servers(r))[nodeID] == "" {
		return noNode(nodeID)
	}
	if !n.maySucceed(nodeID) {
		return n.noSuccessor(nodeID)
	}
	if wait := n.budget.take(time.Now(), r.CurrentTerm(), n.paced(transferRefill)); wait > 0 {
		err := autoscaling.Errorf(autoscaling.LimitExceeded,
			"leadership changed too often: %d transfers are possible at once, and one more each %s; try again in %s",
			transferBurst, n.paced(transferRefill), wait.Round(100*time.Millisecond))
		err.RetryAfter = wait
		return err
	}
	return n.TransferLeadership(ctx, nodeID)
}

// maySucceed reports whether a node that votes, the given one if any, is there to
// lead.
func (n *Node) maySucceed(to string) bool {
	voters := n.voters()
	for _, p := range n.peers.Peers() {
		if (to == "" || p.ID == to) && voters[p.ID] && p.Claim.Open && p.Up {
			return true
		}
	}
	return false
}

// transferBudget counts the transfers that are still possible. Terms count, too:
// leadership that goes round among the nodes costs each of them its budget.
type transferBudget struct {
	mu     sync.Mutex
	looked time.Time // zero: the budget is whole
	term   uint64    // the newest that was counted
	left   float64
}

// take takes one transfer out of the budget in the given term; if there is none,
// it returns how long that will take.
func (b *transferBudget) take(now time.Time, term uint64, refill time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.looked.IsZero() {
		b.left = transferBurst
	} else {
		b.left += float64(now.Sub(b.looked)) / float64(refill)
		if term > b.term {
			b.left -= float64(term - b.term)
		}
		b.left = min(max(b.left, 0), transferBurst)
	}
	b.looked, b.term = now, max(term, b.term)
	if b.left < 1 {
		return time.Duration((1 - b.left) * float64(refill))
	}
	b.left--
	b.term++ // of the next leader
	return 0
}
