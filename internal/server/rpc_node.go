package server

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/rpc"
)

// rpcNode is the cluster's node as the API wants it.
type rpcNode struct {
	*cluster.Node
	id string
}

func (n rpcNode) Applied() (uint64, time.Duration) { return n.AppliedIndex(), n.Age() }

func (n rpcNode) Subscribe() *fsm.Subscription { return n.Machine().Subscribe() }

func (n rpcNode) Leader() rpc.Leader {
	l, known := n.Node.Leader()
	if !known {
		return rpc.Leader{}
	}
	return rpc.Leader{ID: l.ID, GRPCAddress: l.GRPCAddress, Self: l.ID == n.id}
}

// TransferLeadership is limited: unlike the node's own hand-overs it is a caller's wish.
func (n rpcNode) TransferLeadership(ctx context.Context, id string) error {
	return n.TransferOnRequest(ctx, id)
}

func (n rpcNode) SetTime(ctx context.Context, force, dryRun bool, set func(*fsm.Tx, autoscaling.Time)) (before, after autoscaling.Time, err error) {
	return n.Node.SetTime(ctx, cluster.TimeSetting{Force: force, DryRun: dryRun, Set: set})
}

func (n rpcNode) Status() rpc.Status {
	s := n.Node.Status()
	status := rpc.Status{ClusterID: string(s.ClusterID), Leader: s.Leader, Term: s.Term, CommitIndex: s.CommitIndex, Conditions: s.Conditions, Warnings: s.Warnings, TimeAhead: s.TimeAhead}
	for _, x := range s.Nodes {
		status.Nodes = append(status.Nodes, rpc.NodeStatus{
			ID: x.ID, Leads: x.Role == cluster.RoleLeader, Health: nodeHealth[x.Health],
			GRPCAddress: x.GRPCAddress, HTTPAddress: x.HTTPAddress, RaftAddress: x.RaftAddress,
			AppliedIndex: x.AppliedIndex, LastContact: x.LastContact, Version: x.Version, Conditions: x.Conditions,
		})
	}
	return status
}

var nodeHealth = map[cluster.Health]rpc.NodeHealth{
	cluster.Healthy: rpc.NodeHealthy, cluster.Unhealthy: rpc.NodeUnhealthy, cluster.HealthUnknown: rpc.NodeUnknown,
}
