package cluster

import "github.com/asctl/as/internal/cluster/peer"

// Digest is the newest digest of the node's state, nil before the first.
func (n *Node) Digest() *peer.Digest { return n.digests.newest() }
