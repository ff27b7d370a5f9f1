package rpc

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Node is the node of the cluster that the API stands on.
type Node interface {
	Writer
	States
	Leadership
}

// Writer changes state, on the leader only.
type Writer interface {
	// Do runs fn on the newest state and returns when what it wrote, and all that
	// it rests on, is applied. It answers fn's own error, or an *autoscaling.Error:
	// NO_LEADER when nothing was written, OUTCOME_UNKNOWN when that cannot be told.
	Do(ctx context.Context, fn func(*fsm.Tx) error) error
}

// States are the states that can be read.
type States interface {
	// View is what this node has applied.
	View() fsm.View
	// LinearizableView is a state that holds everything answered before the call;
	// on the leader only, else NO_LEADER.
	LinearizableView(ctx context.Context) (fsm.View, error)
	// Applied is the position in the log of what View answers, and how long ago
	// that was known to be current: 0 on the leader.
	Applied() (index uint64, age time.Duration)
	// Now is replicated time.
	Now() autoscaling.Time
	// Subscribe reports applied changes.
	Subscribe() *fsm.Subscription
}

// Leadership is who leads.
type Leadership interface {
	// Leader is cheap: it is asked with every call.
	Leader() Leader
	// TransferLeadership makes another node the leader; "" lets the node choose.
	TransferLeadership(ctx context.Context, id string) error
	// SetTime makes replicated time that of the wall clocks, with set in the
	// transaction, and returns both; a difference below a second stays. Without force
	// the wall clocks of a majority must agree. A dry run only checks.
	SetTime(ctx context.Context, force, dryRun bool, set func(*fsm.Tx, autoscaling.Time)) (before, after autoscaling.Time, err error)
	// Status is what this node knows of the cluster, from memory.
	Status() Status
}

// Leader is the leader as far as a node knows; the zero value is none.
type Leader struct {
	ID          string
	GRPCAddress string
	Self        bool // this node leads and accepts writes
}

// Known says whether there is a leader to talk to.
func (l Leader) Known() bool { return l.Self || l.GRPCAddress != "" }

// Status is what a node knows of its cluster.
type Status struct {
	ClusterID   string
	Leader      string
	Term        uint64
	CommitIndex uint64
	Nodes       []NodeStatus
	Conditions  []autoscaling.Condition // only those that hold
	Warnings    []string
	TimeAhead   time.Duration // of replicated time, over the wall clock
}

// NodeStatus is what a node knows of another, or of itself.
type NodeStatus struct {
	ID           string
	Leads        bool
	Health       NodeHealth
	GRPCAddress  string
	HTTPAddress  string
	RaftAddress  string
	AppliedIndex uint64
	LastContact  time.Time
	Version      string
	Conditions   []autoscaling.Condition // only those that hold
}

// NodeHealth is what a node knows of another's health.
type NodeHealth uint8

const (
	NodeUnknown NodeHealth = iota
	NodeHealthy
	NodeUnhealthy
)
