package cluster

import (
	"context"
	"time"
)

// Others are the ids of the other nodes of the configuration, in order.
func (n *Node) Others() []string { return n.peers.Others() }

// SendParcel hands bytes to another node's Config.Parcel and returns its reply,
// which is empty if that node takes no parcels. The parcel may have arrived
// although an error is returned.
func (n *Node) SendParcel(ctx context.Context, id string, parcel []byte, timeout time.Duration) ([]byte, error) {
	return n.peers.SendParcel(ctx, id, parcel, timeout)
}

// Term is Raft's current term as this node knows it; 0 before Raft runs.
func (n *Node) Term() uint64 {
	r := n.raft.Load()
	if r == nil {
		return 0
	}
	return r.CurrentTerm()
}
