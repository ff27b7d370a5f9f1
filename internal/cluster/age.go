package cluster

import "time"

// Age is how long ago the applied state of this node was known to be current:
// 0 on the leader, else the time since it heard from one.
func (n *Node) Age() time.Duration { return n.silence() }
