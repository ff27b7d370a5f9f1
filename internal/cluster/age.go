package cluster

import "time"

// Age is how long ago the applied state of this node was known to be current:
// 0 on the leader, else the time since it heard from one. A node that takes no
// part knows nothing new since before it found out.
func (n *Node) Age() time.Duration {
	if reason, since := n.mute.why(); reason != "" {
		return max(n.silence(), time.Since(since)+n.paced(n.cfg.DiskTimeout))
	}
	return n.silence()
}
