package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/asctl/as/internal/cluster/peer"
)

func newUUID() string { return uuid.NewString() }

// tryFounding founds a cluster when this node is the one to do it and all others
// are there and have no data; else it tells what is missing.
func (n *Node) tryFounding(ctx context.Context, own *identity, peers []peer.Peer) error {
	members := n.cfg.members()
	without := foundWithout(n.without(), peers)
	directories := map[string]string{n.cfg.NodeID: own.Directory}
	var missing []string
	for _, p := range peers {
		if _, member := members[p.ID]; !member || slices.Contains(without, p.ID) {
			continue
		}
		switch {
		case !p.Up:
			missing = append(missing, p.ID)
			continue
		case p.Claim.Phase == peer.Waiting:
			n.tell(fmt.Sprintf("node %q lost its data and waits for a leader of its cluster: no cluster is founded. "+
				"Start the nodes that have data", p.ID))
			return nil
		case !maps.Equal(p.Claim.Members, members):
			n.tell(fmt.Sprintf("initial-cluster differs between nodes %q and %q: make it equal on all nodes", n.cfg.NodeID, p.ID))
			return nil
		}
		directories[p.ID] = p.Identity.Directory
	}
	if len(missing) > 0 {
		n.tell(fmt.Sprintf("no cluster is founded while %s of initial-cluster cannot be reached: start %s, or, if it will not come and has no data, "+
			"run \"asserver bootstrap --without %s\" on one of the others", strings.Join(missing, ", "), strings.Join(missing, ", "), missing[0]))
		return nil
	}
	if founder := slices.Min(slices.Collect(maps.Keys(directories))); founder != n.cfg.NodeID {
		n.tell(fmt.Sprintf("waiting for node %q to found the cluster", founder))
		return nil
	}
	f := newFounding(members, directories, without)
	if again := own.Founding; again != nil { // this node, or all, stopped half-way
		f.Cluster, f.Lineage = again.Cluster, again.Lineage
		if !f.Same(again) {
			f = newFounding(members, directories, without)
		}
	}
	if err := n.propose(ctx, f); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n.tell(fmt.Sprintf("the cluster is not founded yet: %v", err))
		return nil
	}
	return n.found(f)
}

// foundWithout are the nodes that a person allows to be missing and that are.
func foundWithout(own []string, peers []peer.Peer) []string {
	all := map[string]bool{}
	for _, id := range own {
		all[id] = true
	}
	for _, p := range peers {
		if p.Up {
			for _, id := range p.Claim.Without {
				all[id] = true
			}
		}
	}
	for _, p := range peers {
		if p.Up {
			delete(all, p.ID)
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// propose has every member store the founding, this node first. Nothing is
// founded unless all have.
func (n *Node) propose(ctx context.Context, f *peer.Founding) error {
	if err := n.agree(n.cfg.NodeID, f); err != nil {
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for id := range f.Directories {
		if id == n.cfg.NodeID {
			continue
		}
		wg.Go(func() {
			if err := n.peers.AskToFound(ctx, id, f); err != nil {
				mu.Lock()
				errs = append(errs, fmt.Errorf("node %q: %w", id, err))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// agree stores a founding, unless something speaks against it.
func (n *Node) agree(from string, f *peer.Founding) error {
	own := n.self.get()
	if own == nil {
		return errNoIdentity
	}
	if err := f.Check(own.public(), n.cfg.members()); err != nil {
		return err
	}
	for _, id := range f.Without {
		if p, ok := n.peers.Peer(id); ok && p.Up {
			return fmt.Errorf("node %q is to be left out of the founding, but node %q reaches it", id, n.cfg.NodeID)
		}
	}
	if member, ok := knownCluster(n.peers.Peers()); ok && member.Identity.Cluster != f.Cluster {
		return fmt.Errorf("node %q has data of cluster %s", member.ID, member.Identity.Cluster)
	}
	if own.Phase == peer.Founds && own.Founding.Same(f) {
		return nil
	}
	err := n.self.change(func(id *identity) error {
		switch {
		case id.Phase.HasData() || id.Phase == peer.Waiting:
			return fmt.Errorf("node %q had data of a cluster already", id.Node)
		case id.Phase == peer.Founds && !id.Founding.Same(f) && len(f.Without) > 0:
			return fmt.Errorf("node %q agreed to a founding with all nodes, which a node that is missing may have begun; "+
				"if it did not, remove the data directory of node %q", id.Node, id.Node)
		}
		id.Phase, id.Founding = peer.Founds, f
		return nil
	})
	if err == nil {
		n.log.Info("agreed to found a cluster", "founder", from, "cluster", f.Cluster)
	}
	return err
}
