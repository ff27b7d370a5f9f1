package cluster

import (
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

// A node is UNHEALTHY when it does not answer or is far behind, UNKNOWN when it
// was never heard of.
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
}

// Status is what a node knows of the cluster.
type Status struct {
	ClusterID    autoscaling.UID
	ClusterName  string
	Leader       string // empty: none known
	Term         uint64
	CommitIndex  uint64
	AppliedIndex uint64
	Nodes        []NodeStatus // by id
	Warnings     []string     // one sentence each
}
