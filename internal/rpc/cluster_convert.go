package rpc

import (
	"time"

	pb "github.com/asctl/as/proto/autoscaling/v1"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// clusterMessage shows what a node knows of its cluster.
func clusterMessage(s Status) *pb.ClusterStatus {
	m := &pb.ClusterStatus{
		ClusterId:   s.ClusterID,
		Leader:      s.Leader,
		Term:        int64(s.Term),
		CommitIndex: int64(s.CommitIndex),
		Nodes:       convertAll(s.Nodes, nodeMessage),
		Conditions:  convertAll(s.Conditions, conditionMessage),
		Warnings:    s.Warnings,
	}
	if s.TimeAhead.Abs() > time.Second {
		m.TimeAhead = duration(s.TimeAhead.Round(time.Millisecond))
	}
	return m
}

func nodeMessage(n NodeStatus) *pb.ClusterStatus_Node {
	m := &pb.ClusterStatus_Node{
		Id:           n.ID,
		Role:         pb.ClusterStatus_Node_FOLLOWER,
		Health:       pb.ClusterStatus_Node_UNKNOWN,
		GrpcAddress:  n.GRPCAddress,
		HttpAddress:  n.HTTPAddress,
		RaftAddress:  n.RaftAddress,
		AppliedIndex: int64(n.AppliedIndex),
		Version:      n.Version,
		Conditions:   convertAll(n.Conditions, conditionMessage),
	}
	if n.Leads {
		m.Role = pb.ClusterStatus_Node_LEADER
	}
	switch n.Health {
	case NodeHealthy:
		m.Health = pb.ClusterStatus_Node_HEALTHY
	case NodeUnhealthy:
		m.Health = pb.ClusterStatus_Node_UNHEALTHY
	}
	if !n.LastContact.IsZero() {
		m.LastContact = timestamppb.New(n.LastContact)
	}
	return m
}
