package cluster

import (
	"context"
	"fmt"
	"net"

	"github.com/asctl/as/internal/cluster/peer"
)

// accept returns nil when a connection of the kind may be made with the node. For
// Raft it must come from the data directory that the node was last met with.
func (n *Node) accept(kind peer.Kind, other peer.Identity) error {
	if kind != peer.KindRaft {
		return n.identity().Accepts(other)
	}
	if err := n.identity().AcceptsRaft(other); err != nil {
		return err
	}
	if known, ok := n.self.peer(other.Node); ok && known.Directory != other.Directory {
		return fmt.Errorf("data directory %s of node %q is not the one that takes part, %s", other.Directory, other.Node, known.Directory)
	}
	return nil
}

func (n *Node) dialPeer(ctx context.Context, id, address string) (net.Conn, error) {
	return n.dial(ctx, peer.KindPeer, id, address)
}

// dialRaft connects to whatever node the peer service knows at the address.
func (n *Node) dialRaft(ctx context.Context, address string) (net.Conn, error) {
	return n.dial(ctx, peer.KindRaft, n.peers.At(address), address)
}

func (n *Node) dial(ctx context.Context, kind peer.Kind, id, address string) (net.Conn, error) {
	raw, err := n.cfg.Network.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	conn, err := n.channel.Dial(ctx, raw, kind, id)
	if err != nil {
		return nil, err // and not a *peer.Conn that is nil
	}
	return conn, nil
}
