package cluster

import (
	"time"

	"github.com/hashicorp/raft"
)

// Age is how long ago the applied state of this node was known to be current:
// 0 on the leader, else the time since it heard of the leader.
func (n *Node) Age() time.Duration {
	r := n.raft.Load()
	if r == nil || r.State() == raft.Leader {
		return 0
	}
	return n.cfg.Clock().Sub(r.LastContact())
}
