package cluster

import (
	"fmt"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// Role of a node.
type Role string

// The roles that a node can have.
const (
	RoleLeader   Role = "LEADER"
	RoleFollower Role = "FOLLOWER"
)

// Health of a node, as seen from the one that answers.
type Health string

// A node is UNHEALTHY when it does not answer, is far behind or does not follow,
// UNKNOWN when it was never heard of.
const (
	Healthy       Health = "HEALTHY"
	Unhealthy     Health = "UNHEALTHY"
	HealthUnknown Health = "UNKNOWN"
)

// NodeStatus is one row of a Status.
type NodeStatus struct {
	ID           string
	Role         Role
	Health       Health
	GRPCAddress  string
	HTTPAddress  string
	RaftAddress  string
	AppliedIndex uint64
	LastContact  time.Time // wall clock of the answering node; zero: never
	Version      string
	ClockSkew    time.Duration // its wall clock minus ours
	Voter        bool          // in the latest configuration
	Conditions   []autoscaling.Condition
}

// Status is what a node knows of the cluster.
type Status struct {
	ClusterID    autoscaling.UID
	ClusterName  string
	Leader       string // empty: none known
	Term         uint64
	CommitIndex  uint64
	AppliedIndex uint64
	Nodes        []NodeStatus            // by id
	Conditions   []autoscaling.Condition // of the cluster as a whole
	MayLose      int                     // how many more voters may be lost before there is no leader
	Warnings     []string                // one sentence each
	// TimeAhead is what replicated time has over the cluster's wall clock; below 0
	// when the wall clock is ahead and is not followed.
	TimeAhead time.Duration
}

// Status is what this node knows of the cluster, with or without a leader.
func (n *Node) Status() Status {
	var s Status
	if c := n.machine.View().Cluster(); c != nil {
		s.ClusterID, s.ClusterName = c.ID, c.Name
	}
	if id := n.self.get(); s.ClusterID == "" && id != nil {
		s.ClusterID = id.Cluster
	}
	if r := n.raft.Load(); r != nil {
		s.Term, s.CommitIndex = r.CurrentTerm(), r.CommitIndex()
	}
	if l, known := n.Leader(); known {
		s.Leader, s.Term = l.ID, max(s.Term, l.Term)
	}
	members, voters := n.servers(), n.voters()
	s.AppliedIndex = n.AppliedIndex()
	for _, m := range members {
		row := n.row(string(m.ID), s.CommitIndex)
		row.RaftAddress = string(m.Address)
		row.Role, row.Voter = RoleFollower, voters[row.ID]
		if row.ID == s.Leader {
			row.Role = RoleLeader
		}
		s.Nodes = append(s.Nodes, row)
	}
	s.MayLose = n.mayLose()
	s.Warnings = append(n.membershipWarnings(), n.peers.Problems()...)
	s.Warnings = append(s.Warnings, n.differences(s.Nodes)...)
	s.Conditions = append(n.withoutLeader(), n.differing()...)
	s.Warnings = append(s.Warnings, n.laggards(s.Nodes, s.CommitIndex)...)
	if text := n.digests.difference(); text != "" {
		s.Warnings = append(s.Warnings, text)
	}
	s.TimeAhead = n.timeAhead()
	if text := timeProblem(s.TimeAhead); text != "" {
		s.Warnings = append(s.Warnings, text)
	}
	return s
}

func (n *Node) row(id string, commit uint64) NodeStatus {
	record := n.record(id)
	row := NodeStatus{
		ID: id, GRPCAddress: record.GRPCAddress, HTTPAddress: record.HTTPAddress, Version: record.Version,
	}
	if id == n.cfg.NodeID {
		row.Health, row.AppliedIndex, row.LastContact = Healthy, n.AppliedIndex(), n.cfg.Clock()
		row.Conditions = n.ownConditions()
		if ok, how := n.follows(row.AppliedIndex, commit); !ok {
			row.Conditions = append(row.Conditions, condition(ConditionLagging, "BEHIND", time.Time{}, "node %s does not keep up: %s", id, how))
		}
		if row.unwell() {
			row.Health = Unhealthy
		}
		return row
	}
	p, ok := n.peers.Peer(id)
	if ok {
		row.Conditions = n.peerConditions(p, commit)
	}
	if !ok || !p.Known {
		row.Health = HealthUnknown
		if ok && p.Gone {
			row.Health = Unhealthy
		}
		return row
	}
	row.Health = Healthy
	if row.unwell() || !p.Claim.Open {
		row.Health = Unhealthy
	}
	row.AppliedIndex, row.LastContact, row.ClockSkew = p.State.Applied, p.LastContact, p.Skew
	return row
}

// unwell reports whether one of the conditions makes the node unhealthy. To run
// short of something does not.
func (s NodeStatus) unwell() bool {
	for _, c := range s.Conditions {
		if c.Type != ConditionDiskLow && c.Type != ConditionFilesLow {
			return true
		}
	}
	return false
}

// laggards are the nodes that answer and do not follow.
func (n *Node) laggards(rows []NodeStatus, commit uint64) []string {
	stuck := map[string]bool{}
	var texts []string
	for _, s := range n.stuckFollowers() {
		stuck[s.id] = true
		texts = append(texts, fmt.Sprintf("node %s has acknowledged nothing for %s: it has %d of %d log entries; replication to it is started anew",
			s.id, s.since.Round(time.Second), s.match, s.last))
	}
	for _, row := range rows {
		p, other := n.peers.Peer(row.ID)
		if stuck[row.ID] || (other && (!p.Up || !p.Known)) || (!other && row.ID != n.cfg.NodeID) {
			continue
		}
		ok, how := n.follows(row.AppliedIndex, commit)
		if other {
			ok, how = n.peerFollows(p, commit)
		}
		if !ok {
			texts = append(texts, fmt.Sprintf("node %s does not keep up: %s", row.ID, how))
		}
	}
	return texts
}

// differences are the ways in which the nodes should be alike and are not.
func (n *Node) differences(rows []NodeStatus) []string {
	var texts []string
	var low, high NodeStatus // by clock; this node's skew is zero
	for i, row := range rows {
		if i == 0 || row.ClockSkew < low.ClockSkew {
			low = row
		}
		if i == 0 || row.ClockSkew > high.ClockSkew {
			high = row
		}
	}
	if apart := high.ClockSkew - low.ClockSkew; apart > maxSkew {
		texts = append(texts, fmt.Sprintf("the clocks of the nodes differ: %s is ahead of %s by %s",
			high.ID, low.ID, apart.Round(100*time.Millisecond)))
	}
	first := ""
	digest := func(id string) string { return n.record(id).ProvidersDigest }
	for _, row := range rows {
		switch {
		case digest(row.ID) == "":
		case first == "":
			first = row.ID
		case digest(row.ID) != digest(first):
			texts = append(texts, fmt.Sprintf("the providers of the nodes %s and %s are configured differently", first, row.ID))
		}
	}
	return texts
}
