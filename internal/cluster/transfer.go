package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
)

const (
	// resignTimeout bounds how long a node that stops tries to hand over.
	resignTimeout = 2 * time.Second
	catchUp       = time.Second
)

// transfer is a wish to hand leadership over.
type transfer struct {
	ctx  context.Context
	to   string // empty: the best prepared
	done chan error
}

func newTransfer(ctx context.Context, to string) *transfer {
	return &transfer{ctx: ctx, to: to, done: make(chan error, 1)}
}

func (t *transfer) answer(err error) { t.done <- err }

// TransferLeadership makes another node the leader: the given one, or the best
// prepared when nodeID is empty. Writes that come while it happens are held,
// and refused with NO_LEADER when it has happened.
func (n *Node) TransferLeadership(ctx context.Context, nodeID string) error {
	r := n.raft.Load()
	if r == nil {
		return notLeading()
	}
	if nodeID != "" && nodeID != n.cfg.NodeID && n.others(servers(r))[nodeID] == "" {
		return noNode(nodeID)
	}
	if nodeID == n.cfg.NodeID {
		_, err := n.accepting(ctx)
		return err // it leads already, or cannot hand anything over
	}
	s, err := n.accepting(ctx)
	if err != nil {
		return err
	}
	t := newTransfer(ctx, nodeID)
	select {
	case n.transfers <- t:
	case <-s.over:
		return notLeading()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-t.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func noNode(id string) error {
	return autoscaling.Errorf(autoscaling.NotFound, "there is no node %q in the cluster", id)
}

// resign hands leadership over before this node stops, when it leads and there
// is somebody to lead.
func (n *Node) resign() {
	if n.session.Load() == nil || len(n.peers.Peers()) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), resignTimeout)
	defer cancel()
	if err := n.TransferLeadership(ctx, ""); err != nil {
		n.log.Warn("stopping without a successor", "error", err)
	}
}

// handOver is called while the writer stands still, so that the successor can
// have the whole log.
func (n *Node) handOver(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	target, err := n.successor(ctx, to)
	if err != nil {
		return err
	}
	n.log.Info("handing leadership over", "to", target.ID)
	f := n.raft.Load().LeadershipTransferToServer(raft.ServerID(target.ID), raft.ServerAddress(target.Address))
	if err := await(f, n.mute.begins()); err != nil {
		return autoscaling.Errorf(autoscaling.WrongState, "node %q did not take over: %v", target.ID, err)
	}
	return nil
}

// successor waits for a node that has the whole log. Raft must not be asked
// before: a transfer that waits for a follower and loses its leadership
// meanwhile never ends, and blocks the node's next term (hashicorp/raft#696).
func (n *Node) successor(ctx context.Context, to string) (peer.Peer, error) {
	changed, stop := n.peers.Watch()
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		n.peers.Ping()
		last := n.raft.Load().LastIndex()
		voters := n.voters()
		for _, p := range n.peers.Peers() {
			if (to == "" || p.ID == to) && voters[p.ID] && p.Claim.Open && p.Up && p.State.Last >= last {
				return p, nil
			}
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return peer.Peer{}, n.noSuccessor(to)
		}
	}
}

func (n *Node) noSuccessor(to string) error {
	if p, ok := n.peers.Peer(to); ok && !p.Up {
		return autoscaling.Errorf(autoscaling.WrongState, "node %q does not answer", to)
	}
	if to == "" && len(n.voters()) < 2 {
		return autoscaling.Errorf(autoscaling.WrongState, "there is no other node that votes: nothing can take over")
	}
	if to == "" {
		return autoscaling.Errorf(autoscaling.WrongState, "no other node answers and has the whole log")
	}
	if !n.voters()[to] {
		return autoscaling.Errorf(autoscaling.WrongState, "node %q does not vote", to)
	}
	return &autoscaling.Error{Reason: autoscaling.WrongState, Message: fmt.Sprintf("node %q is too far behind", to)}
}
