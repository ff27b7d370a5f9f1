package rpc

import (
	"context"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type clusterService struct {
	pb.UnimplementedClusterServiceServer
	*Server
}

// GetClusterStatus is answered by each node from what it knows.
func (s clusterService) GetClusterStatus(context.Context, *pb.GetClusterStatusRequest) (*pb.ClusterStatus, error) {
	return clusterMessage(s.node.Status()), nil
}

// TransferLeadership runs on the leader.
func (s clusterService) TransferLeadership(ctx context.Context, req *pb.TransferLeadershipRequest) (*pb.ClusterStatus, error) {
	status := s.node.Status()
	if err := checkTransfer(status, req.GetNodeId()); err != nil {
		return nil, err
	}
	if req.GetValidateOnly() {
		return clusterMessage(status), nil
	}
	if err := s.node.TransferLeadership(ctx, req.GetNodeId()); err != nil {
		return nil, err
	}
	return clusterMessage(s.node.Status()), nil
}

func checkTransfer(s Status, id string) error {
	if id == "" {
		return nil
	}
	for _, n := range s.Nodes {
		switch {
		case n.ID != id:
		case n.Health == NodeUnhealthy:
			return &autoscaling.Error{Reason: autoscaling.WrongState, Message: "node " + id + " does not answer or is too far behind", Resource: "nodes/" + id}
		default:
			return nil
		}
	}
	return &autoscaling.Error{Reason: autoscaling.NotFound, Message: "there is no node " + id, Resource: "nodes/" + id}
}
