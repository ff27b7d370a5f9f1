package rpc

import (
	"context"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
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

// ForgetMachines runs on the leader. The cluster's own requests are in no namespace.
func (s clusterService) ForgetMachines(ctx context.Context, req *pb.ForgetMachinesRequest) (*pb.ForgetMachinesResponse, error) {
	return mutate(ctx, s.Server, "", req, func(tx *fsm.Tx) (*pb.ForgetMachinesResponse, error) {
		f, err := s.operations.ForgetMachines(tx, control.ForgetMachinesRequest{Caller: caller(ctx, req.GetRequestId()), Provider: req.GetProvider()})
		if err != nil {
			return nil, err
		}
		return &pb.ForgetMachinesResponse{Provider: req.GetProvider(), Instances: int32(f.Instances), Configured: f.Configured}, nil
	})
}

// SetTime runs on the leader.
func (s clusterService) SetTime(ctx context.Context, req *pb.SetTimeRequest) (*pb.SetTimeResponse, error) {
	before, after, err := s.node.SetTime(ctx, req.GetForce(), req.GetValidateOnly(), control.SetTime)
	if err != nil {
		return nil, err
	}
	return &pb.SetTimeResponse{
		Before: timestamp(before), Time: timestamp(after), Changed: before.Sub(after).Abs() > time.Second,
	}, nil
}

func checkTransfer(s Status, id string) error {
	if id == "" {
		if slices.ContainsFunc(s.Nodes, func(n NodeStatus) bool { return n.ID != s.Leader && n.Health != NodeUnhealthy }) {
			return nil
		}
		return &autoscaling.Error{Reason: autoscaling.WrongState, Message: "there is no other node that could lead"}
	}
	for _, n := range s.Nodes {
		switch {
		case n.ID != id:
		case id == s.Leader:
			return nil
		case n.Health == NodeUnhealthy:
			return &autoscaling.Error{Reason: autoscaling.WrongState, Message: "node " + id + " does not answer or is too far behind", Resource: "nodes/" + id}
		default:
			return nil
		}
	}
	return &autoscaling.Error{Reason: autoscaling.NotFound, Message: "there is no node " + id, Resource: "nodes/" + id}
}
