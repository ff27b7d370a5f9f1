package cluster

import (
	"fmt"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
)

// What can be wrong with a node.
const (
	// ConditionDisk: it cannot write, and takes no part until it can.
	ConditionDisk autoscaling.ConditionType = "DISK_UNWRITABLE"
	// ConditionDiskLow and ConditionFilesLow: it may soon not be able to work.
	ConditionDiskLow  autoscaling.ConditionType = "DISK_LOW"
	ConditionFilesLow autoscaling.ConditionType = "DESCRIPTORS_LOW"
	// ConditionUnreachable: it does not answer.
	ConditionUnreachable autoscaling.ConditionType = "NODE_UNREACHABLE"
	// ConditionLagging: it has not applied what was committed a while ago.
	ConditionLagging autoscaling.ConditionType = "NODE_LAGGING"
	// ConditionNoLeader is the cluster's: nothing can be written.
	ConditionNoLeader autoscaling.ConditionType = "NO_LEADER"
	// ConditionStatesDiffer is the cluster's: after the same entry two nodes have
	// different states. It is a node's when a majority has another one.
	ConditionStatesDiffer autoscaling.ConditionType = "STATES_DIFFER"
)

// conditions are those that a node finds on itself, with when they began.
type conditions struct {
	mu  sync.Mutex
	now []autoscaling.Condition
}

// set replaces them. Those that held before keep their time.
func (c *conditions) set(now []autoscaling.Condition, at autoscaling.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range now {
		now[i].Time = at
		for _, old := range c.now {
			if old.Type == now[i].Type {
				now[i].Time = old.Time
			}
		}
	}
	c.now = now
}

func (c *conditions) all() []autoscaling.Condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]autoscaling.Condition(nil), c.now...)
}

// ownConditions are what this node finds on itself. It tells the others.
func (n *Node) ownConditions() []autoscaling.Condition {
	all := n.conditions.all()
	what, hanging := n.disk.hanging()
	reason, since := n.mute.why()
	switch {
	case n.odd.Load():
		all = append(all, condition(ConditionStatesDiffer, "WRONG", since, "%s", n.digests.difference()))
	case reason != "":
		all = append(all, condition(ConditionDisk, "MUTED", since, "node %s takes no part in the cluster: %s", n.cfg.NodeID, reason))
	case hanging >= n.paced(n.cfg.DiskTimeout): // the others cannot write either
		all = append(all, condition(ConditionDisk, "HANGING", time.Now().Add(-hanging),
			"node %s: the disk does not answer: %q has taken %s so far", n.cfg.NodeID, what, hanging.Round(time.Second)))
	}
	return all
}

// condition makes one. A zero time: it is not known since when it holds.
func condition(kind autoscaling.ConditionType, reason string, since time.Time, format string, args ...any) autoscaling.Condition {
	c := autoscaling.Condition{Type: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}
	if !since.IsZero() {
		c.Time = autoscaling.TimeOf(since)
	}
	return c
}

// peerConditions are what another node told of itself, and what this one sees.
func (n *Node) peerConditions(p peer.Peer, commit uint64) []autoscaling.Condition {
	if !p.Up {
		if !p.Known {
			return []autoscaling.Condition{condition(ConditionUnreachable, "NEVER_HEARD", time.Time{}, "node %s has not been heard of since this node started", p.ID)}
		}
		return []autoscaling.Condition{condition(ConditionUnreachable, "NO_ANSWER", p.LastContact, "node %s does not answer", p.ID)}
	}
	all := append([]autoscaling.Condition(nil), p.State.Conditions...)
	if ok, how := n.peerFollows(p, commit); !ok {
		all = append(all, condition(ConditionLagging, "BEHIND", time.Time{}, "node %s does not keep up: %s", p.ID, how))
	}
	return all
}

// differing is the cluster's condition while the states of nodes differ.
func (n *Node) differing() []autoscaling.Condition {
	text := n.digests.difference()
	if text == "" {
		return nil
	}
	return []autoscaling.Condition{condition(ConditionStatesDiffer, "DIGESTS", time.Time{}, "%s", text)}
}

// withoutLeader is the cluster's condition when no leader is known here.
func (n *Node) withoutLeader() []autoscaling.Condition {
	if _, known := n.Leader(); known {
		return nil
	}
	up := 1
	peers := n.peers.Peers()
	for _, p := range peers {
		if p.Up && p.State.Mute == "" {
			up++
		}
	}
	return []autoscaling.Condition{condition(ConditionNoLeader, "NO_LEADER", time.Time{},
		"node %s knows no leader: nothing can be changed; it reaches %d of %d nodes that take part, itself included, and %d are needed",
		n.cfg.NodeID, up, len(peers)+1, (len(peers)+1)/2+1)}
}
