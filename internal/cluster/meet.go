package cluster

import (
	"fmt"

	"github.com/asctl/as/internal/cluster/peer"
)

// meet judges another node's data directory, and remembers durably what a later
// start of it is held against.
func (n *Node) meet(other peer.Identity, claim peer.Claim) (forgot string, err error) {
	own := n.self.get()
	if own == nil {
		return "", errNoIdentity
	}
	if err := own.public().Accepts(other); err != nil {
		return "", err
	}
	if !claim.Phase.HasData() || own.Cluster == "" || other.Node == own.Node {
		return "", nil
	}
	if r := n.machine.View().Node(other.Node); r != nil && r.Directory != "" &&
		r.Directory != other.Directory && r.Admitted > claim.Admitted {
		return fmt.Sprintf("data directory %s of node %q was replaced: directory %s was admitted at entry %d",
			other.Directory, other.Node, r.Directory, r.Admitted), nil
	}
	known, ok := n.self.peer(other.Node)
	if ok {
		if forgot := known.against(other, claim); forgot != "" {
			return forgot, nil
		}
	}
	seen := remembered{
		Directory: other.Directory, Admitted: claim.Admitted, Start: claim.Start, Nonce: claim.Nonce, Mark: known.Mark,
	}
	if known.Directory != seen.Directory {
		seen.Mark = 0
	}
	if ok && seen == known {
		return "", nil
	}
	return "", n.self.change(func(id *identity) error {
		if id.Peers == nil {
			id.Peers = map[string]remembered{}
		}
		// Another connection of the same node may have been faster.
		if now := id.Peers[other.Node]; now.Directory == seen.Directory && now.Start > seen.Start {
			return fmt.Errorf("node %q was started again meanwhile", other.Node)
		}
		id.Peers[other.Node] = seen
		return nil
	})
}

// against returns why a node that comes with a directory has less than what it
// once had, as a sentence; "" when nothing speaks against it.
func (r remembered) against(other peer.Identity, claim peer.Claim) string {
	switch {
	case claim.Admitted > r.Admitted:
		return "" // a newer directory than the one that is remembered
	case claim.Admitted < r.Admitted || other.Directory != r.Directory:
		return fmt.Sprintf("data directory %s of node %q is not the one that it had last, %s", other.Directory, other.Node, r.Directory)
	case claim.Start < r.Start:
		return fmt.Sprintf("the data of node %q is an older copy: this is its start %d, and it was started %d times already",
			other.Node, claim.Start, r.Start)
	case claim.Start == r.Start && claim.Nonce != r.Nonce:
		return fmt.Sprintf("the data of node %q is an older copy: its start %d was another one", other.Node, claim.Start)
	case claim.Last < r.Mark:
		return fmt.Sprintf("the data of node %q is an older copy: its log ends at entry %d, and it had entry %d", other.Node, claim.Last, r.Mark)
	}
	return ""
}

// greeted is called when another node has remembered what it was told.
func (n *Node) greeted(id string, told peer.Claim) {
	own := n.self.get()
	if own == nil || !told.Phase.HasData() || told.Start != own.Start || told.Nonce != own.Nonce {
		return
	}
	n.self.record(id)
	n.tryOpen()
}

// forgot is called when another node found that this node's data is too old. The
// node takes no part from then on, and keeps its data until a leader exists that
// does without it.
func (n *Node) forgot(told peer.Claim, why string) {
	own := n.self.get()
	if own == nil || told.Start != own.Start || told.Nonce != own.Nonce || !n.self.convict(why) {
		return
	}
	n.shut()
	n.log.Warn("this node's data is older than what another node saw of it: it does not vote", "node", n.cfg.NodeID, "error", why)
	n.peers.Greet()
}

// tryOpen lets Raft's messages through once a quorum of the voters remembers this
// start: a later start on an older copy of the directory is then found out by
// whichever of them meets it.
func (n *Node) tryOpen() {
	r := n.raft.Load()
	if r == nil || n.open.Load() || n.self.convicted() != "" {
		return
	}
	voters, records := 0, 0
	for id := range n.voters() {
		voters++
		if id == n.cfg.NodeID || n.self.recordedBy(id) {
			records++
		}
	}
	if records <= voters/2 || n.open.Swap(true) {
		return
	}
	if n.self.convicted() != "" { // meanwhile
		n.shut()
		return
	}
	n.log.Info("this node takes part", "node", n.cfg.NodeID)
	n.peers.Greet()
}

// shut lets no more of Raft's messages through, and ends those under way.
func (n *Node) shut() {
	n.open.Store(false)
	if s := n.stream.Load(); s != nil {
		s.drop()
	}
}
