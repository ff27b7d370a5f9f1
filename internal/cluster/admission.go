package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// steady is how long a node that was taken back must have been caught up before it
// votes again. It is longer than any candidate waits for votes: a vote that the
// node gave before it forgot is of no use to any candidate by then.
const steady = 5 * time.Second

// keeper is a leader's work on membership during one term. It is the only one in
// the cluster that changes Raft's configuration, and waits for each change: with
// the barrier at the start of the term, the configuration that it sees is always
// a committed one.
type keeper struct {
	node   *Node
	caught map[string]time.Time // since when a node is caught up
	failed map[string]string    // the last error, logged once
}

// keepMembers takes nodes back that come without the data that they had, and
// makes them voters again when they have caught up.
//
//	voter, other directory → DemoteVoter → directory in the state → told to the node → caught up → AddVoter
//
// What is done stands in Raft's configuration and in the state, so that the next
// leader goes on at the same place.
func (n *Node) keepMembers(ctx context.Context) {
	k := &keeper{node: n, caught: map[string]time.Time{}, failed: map[string]string{}}
	changed, stop := n.peers.Watch()
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		k.pass(ctx)
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (k *keeper) pass(ctx context.Context) {
	n := k.node
	for _, s := range servers(n.raft.Load()) {
		id := string(s.ID)
		if id == n.cfg.NodeID {
			k.report(id, k.recordOwn(ctx))
			continue
		}
		p, ok := n.peers.Peer(id)
		if !ok || !p.Up || p.Identity.Node != id {
			delete(k.caught, id)
			continue
		}
		if ctx.Err() == nil {
			k.report(id, k.settle(ctx, s, p))
		}
	}
}

func (k *keeper) report(id string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if k.failed[id] != text && text != "" {
		k.node.log.Warn("a node's membership was not settled; trying again", "node", id, "error", text)
	}
	k.failed[id] = text
}

// recordOwn writes the leader's own directory when the state has none.
func (k *keeper) recordOwn(ctx context.Context) error {
	own := k.node.identity()
	return k.recordDirectory(ctx, own)
}

// settle does the next step for one node.
func (k *keeper) settle(ctx context.Context, s raft.Server, p peer.Peer) error {
	record := k.node.machine.View().Node(p.ID)
	directory := ""
	if record != nil {
		directory = record.Directory
	}
	switch {
	case p.Claim.Forgot != "":
		return nil // it sets its data aside and comes with another directory
	case !p.Claim.Phase.HasData():
		return k.admit(ctx, s, p, record)
	case directory == "":
		return k.recordDirectory(ctx, p.Identity)
	case directory != p.Identity.Directory:
		return nil // an older one: it is told so when it says hello
	case s.Suffrage != raft.Voter && record.Wish == autoscaling.WishVoter:
		return k.promote(s, p, record)
	}
	return nil
}

// recordDirectory writes the directory of a node that was there when the cluster
// was founded, or when its data was taken over from an earlier version.
func (k *keeper) recordDirectory(ctx context.Context, of peer.Identity) error {
	if r := k.node.machine.View().Node(of.Node); r != nil && r.Directory != "" {
		return nil
	}
	return k.node.Do(ctx, func(tx *fsm.Tx) error {
		r := recordOf(tx, of.Node)
		if r.Directory == "" {
			r.Directory, r.Wish = of.Directory, autoscaling.WishVoter
			r.WishReason = "it is of the cluster's first nodes"
			tx.PutNode(&r)
		}
		return nil
	})
}

func recordOf(tx *fsm.Tx, id string) autoscaling.Node {
	if have := tx.Node(id); have != nil {
		return *have
	}
	return autoscaling.Node{ID: id}
}

// admit takes a node back that has no data.
func (k *keeper) admit(ctx context.Context, s raft.Server, p peer.Peer, record *autoscaling.Node) error {
	n := k.node
	r := n.raft.Load()
	if s.Suffrage == raft.Voter {
		n.log.Warn("a node lost its data: it does not vote until it has caught up", "node", p.ID, "directory", p.Identity.Directory)
		// Not prevIndex: Raft does not tell the latest one, and no other part changes
		// the configuration.
		if err := await(r.DemoteVoter(s.ID, 0, 0), n.mute.begins()); err != nil {
			return fmt.Errorf("demote: %w", err)
		}
	}
	if record == nil || record.Directory != p.Identity.Directory {
		index := r.CommitIndex()
		if err := n.Do(ctx, func(tx *fsm.Tx) error { admitDirectory(tx, p.Identity, index); return nil }); err != nil {
			return fmt.Errorf("admit: %w", err)
		}
		record = n.machine.View().Node(p.ID)
	}
	own := n.identity()
	return n.peers.Admit(ctx, p.ID, &peer.Admission{
		Identity: peer.Identity{Cluster: own.Cluster, Lineage: own.Lineage, Node: p.ID, Directory: record.Directory},
		Index:    record.Admitted,
	})
}

// admitDirectory records that a node may take part with a directory.
func admitDirectory(tx *fsm.Tx, id peer.Identity, index uint64) {
	r := recordOf(tx, id.Node)
	r.Directory, r.Admitted = id.Directory, index
	r.Wish, r.WishReason = autoscaling.WishVoter, "its data was lost; it votes again when it has caught up"
	tx.PutNode(&r)
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventNodeChanged, Subject: id.Node,
		Message: fmt.Sprintf("node %s lost its data; it does not vote until it has caught up with entry %d", id.Node, index),
		Details: map[string]string{"directory": id.Directory},
	})
}

// promote makes a node a voter that has had, for a while, everything that was
// committed when it was admitted.
func (k *keeper) promote(s raft.Server, p peer.Peer, record *autoscaling.Node) error {
	n := k.node
	commit := n.raft.Load().CommitIndex()
	has := min(p.State.Commit, p.State.Last)
	if !p.Claim.Open || p.Claim.Admitted != record.Admitted || has < record.Admitted || has+farBehind < commit {
		delete(k.caught, p.ID)
		return nil
	}
	since, ok := k.caught[p.ID]
	if !ok {
		k.caught[p.ID] = time.Now()
		return nil
	}
	if time.Since(since) < steady*time.Duration(n.cfg.Pace) {
		return nil
	}
	if err := await(n.raft.Load().AddVoter(s.ID, s.Address, 0, 0), n.mute.begins()); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	delete(k.caught, p.ID)
	n.log.Info("a node has caught up: it votes", "node", p.ID)
	return nil
}
