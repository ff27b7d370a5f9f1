package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
)

// members are the nodes of the initial cluster with their addresses.
func (c *Config) members() map[string]string {
	if len(c.InitialCluster) == 0 {
		return map[string]string{c.NodeID: c.AdvertiseRaft}
	}
	return c.InitialCluster
}

// join blocks until this node has data to run Raft on: it always had, it founded
// a cluster with the others, or a leader admitted it. Until then it runs no Raft
// at all: whatever it said would count for a directory that it does not have.
func (n *Node) join(ctx context.Context) error {
	switch own := n.self.get(); {
	case own.Phase.HasData() && own.Differs != "":
		return n.awaitReplacement(ctx, own.Differs)
	case own.Phase.HasData():
		return nil
	}
	if err := n.cfg.checkInitialCluster(); err != nil {
		return err
	}
	changed, stop := n.peers.Watch()
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := n.joinOnce(ctx); err != nil {
			return err
		}
		if n.self.get().Phase.HasData() {
			n.tell("")
			return nil
		}
		select {
		case <-changed:
		case <-n.admitted:
		case <-tick.C:
		case err := <-n.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// joinRefusing closes connections for Raft while the node joins.
func (n *Node) joinRefusing(ctx context.Context, s *stream) error {
	if own := n.self.get(); own.Phase.HasData() && own.Differs == "" {
		return nil
	}
	refuse := newStream(s.mux, n.dialRaft, n.cfg.AdvertiseRaft, func() bool { return false })
	var wg sync.WaitGroup
	defer wg.Wait()
	defer refuse.Close()
	wg.Go(func() { _, _ = refuse.Accept() })
	return n.join(ctx)
}

// joinOnce does what can be done now, and tells what it waits for.
func (n *Node) joinOnce(ctx context.Context) error {
	own := n.self.get()
	peers := n.peers.Peers()
	if member, ok := knownCluster(peers); ok {
		if f := own.Founding; f != nil && own.Phase == peer.Founds &&
			f.Cluster == member.Identity.Cluster && f.Lineage == member.Identity.Lineage {
			return n.found(f) // all had agreed
		}
		n.tell(n.waitsForLeader(member, peers))
		return nil
	}
	if own.Phase == peer.Waiting {
		n.tell(fmt.Sprintf("node %q has no data and waits for a leader of its cluster: %s", n.cfg.NodeID, n.dataNeeded(peers)))
		return nil
	}
	return n.tryFounding(ctx, own, peers)
}

// knownCluster returns a node that has data of a cluster, one that leads first.
func knownCluster(peers []peer.Peer) (peer.Peer, bool) {
	var found peer.Peer
	ok := false
	for _, p := range peers {
		if p.Up && p.Claim.Phase.HasData() && (!ok || p.State.Leads) {
			found, ok = p, true
		}
	}
	return found, ok
}

// waitsForLeader is the sentence of a node that found a cluster and has no data.
func (n *Node) waitsForLeader(member peer.Peer, peers []peer.Peer) string {
	text := fmt.Sprintf("node %q has no data of cluster %s and does not vote until a leader has taken it back", n.cfg.NodeID, member.Identity.Cluster)
	if slices.ContainsFunc(peers, func(p peer.Peer) bool { return p.Up && p.State.Leads }) {
		return text
	}
	return text + ": " + n.dataNeeded(peers)
}

// admit serves a leader: this node's directory is in the committed state, and a
// committed configuration has the node as a non-voter.
func (n *Node) admit(from string, a *peer.Admission) error {
	own := n.self.get()
	if own == nil {
		return errNoIdentity
	}
	to := a.Identity
	if own.Phase == peer.Member && own.public() == to && own.Admitted == a.Index {
		return nil // it was told already
	}
	err := n.self.change(func(id *identity) error {
		switch {
		case id.Phase.HasData():
			return fmt.Errorf("node %q has data of cluster %s", id.Node, id.Cluster)
		case to.Node != id.Node || to.Directory != id.Directory:
			return fmt.Errorf("directory %s of node %q is not the one of node %q here, %s", to.Directory, to.Node, id.Node, id.Directory)
		case to.Cluster == "" || to.Lineage == "" || a.Index == 0:
			return fmt.Errorf("the admission of node %q is incomplete", to.Node)
		case id.Cluster != "" && (id.Cluster != to.Cluster || id.Lineage != to.Lineage):
			return fmt.Errorf("node %q belongs to cluster %s, not to cluster %s", id.Node, id.Cluster, to.Cluster)
		}
		id.Cluster, id.Lineage, id.Phase, id.Admitted, id.Founding = to.Cluster, to.Lineage, peer.Member, a.Index, nil
		n.self.begin(id)
		return nil
	})
	if err != nil {
		return err
	}
	n.self.forgetRecords()
	n.log.Info("a leader takes this node back", "leader", from, "cluster", to.Cluster, "index", a.Index)
	select {
	case n.admitted <- struct{}{}:
	default:
	}
	n.peers.Greet()
	return nil
}

// tell notes why this node takes no part, and logs it when it is news.
func (n *Node) tell(text string) {
	if n.self.tell(text) && text != "" {
		n.log.Warn(text)
	}
}

// dataNeeded says which nodes' data a quorum needs, of the voters as far as this
// node knows them.
func (n *Node) dataNeeded(peers []peer.Peer) string {
	states := map[string]dataState{}
	for id := range n.voters() {
		states[id] = unreachable
	}
	own := n.self.get()
	for _, p := range peers {
		if _, votes := states[p.ID]; !votes || !p.Up {
			continue
		}
		states[p.ID] = withoutData
		if p.Claim.HasData() {
			states[p.ID] = withData
		}
	}
	if _, votes := states[n.cfg.NodeID]; votes && own != nil {
		states[n.cfg.NodeID] = withoutData
		if own.Phase.HasData() && n.self.convicted() == "" {
			states[n.cfg.NodeID] = withData
		}
	}
	return quorumNeeds(states)
}

// dataState is what is known of a voter's data.
type dataState int

const (
	unreachable dataState = iota
	withoutData
	withData
)

// quorumNeeds says what is missing for a leader to be elected, "" when nothing is.
func quorumNeeds(states map[string]dataState) string {
	lists := map[dataState][]string{}
	for id, s := range states {
		lists[s] = append(lists[s], id)
	}
	for _, list := range lists {
		slices.Sort(list)
	}
	quorum := len(states)/2 + 1
	missing := quorum - len(lists[withData])
	if missing <= 0 {
		return ""
	}
	text := fmt.Sprintf("no leader without the data of %d of the %d voters", quorum, len(states))
	if len(lists[withData]) > 0 {
		text += fmt.Sprintf("; %s %s it", strings.Join(lists[withData], ", "), verb(lists[withData], "has", "have"))
	}
	if len(lists[withoutData]) > 0 {
		text += fmt.Sprintf("; %s lost it", strings.Join(lists[withoutData], ", "))
	}
	if len(lists[unreachable]) > 0 {
		text += fmt.Sprintf("; %s cannot be reached", strings.Join(lists[unreachable], ", "))
	}
	if missing <= len(lists[unreachable]) {
		return text + fmt.Sprintf(". Start %s", oneOf(missing, lists[unreachable]))
	}
	needed := append(slices.Clone(lists[unreachable]), lists[withoutData]...)
	slices.Sort(needed)
	return text + fmt.Sprintf(". Nothing is served until the data directory of %s is back as it was when the node stopped", oneOf(missing, needed))
}

func verb(list []string, one, many string) string {
	if len(list) == 1 {
		return one
	}
	return many
}

func oneOf(missing int, ids []string) string {
	if missing >= len(ids) {
		return strings.Join(ids, " and ")
	}
	return fmt.Sprintf("%d of %s", missing, strings.Join(ids, ", "))
}

// found makes the agreed cluster this node's own. Its log is begun next, and
// after that FOUNDED becomes MEMBER, before the first vote.
func (n *Node) found(f *peer.Founding) error {
	err := n.self.change(func(id *identity) error {
		if id.Phase != peer.Founds || !id.Founding.Same(f) {
			return fmt.Errorf("node %q has agreed to another founding meanwhile", id.Node)
		}
		id.Phase, id.Cluster, id.Lineage = peer.Founded, f.Cluster, f.Lineage
		n.self.begin(id)
		return nil
	})
	if err != nil {
		return err
	}
	n.self.forgetRecords()
	n.log.Info("a cluster is founded", "cluster", f.Cluster, "without", strings.Join(f.Without, ","))
	n.peers.Greet()
	return nil
}

// newFounding draws the ids of a cluster.
func newFounding(members, directories map[string]string, without []string) *peer.Founding {
	return &peer.Founding{
		Cluster: autoscaling.UID(newUUID()), Lineage: randomID(),
		Members: members, Directories: directories, Without: without,
	}
}
