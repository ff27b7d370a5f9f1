package rpc

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestEachNodeTellsOfTheClusterWithoutALeaderToo(t *testing.T) {
	c := startCluster(t, 2)
	ctx := context.Background()
	s := ok[*pb.ClusterStatus](t)(c.nodes[1].clients().GetClusterStatus(ctx, &pb.GetClusterStatusRequest{}))
	if s.GetLeader() != "n1" || len(s.GetNodes()) != 2 || s.GetNodes()[0].GetRole() != pb.ClusterStatus_Node_LEADER ||
		s.GetNodes()[1].GetRole() != pb.ClusterStatus_Node_FOLLOWER || s.GetNodes()[0].GetHealth() != pb.ClusterStatus_Node_HEALTHY || len(s.GetWarnings()) != 1 {
		t.Error(s)
	}
	c.lead(nil)
	if s := ok[*pb.ClusterStatus](t)(c.nodes[1].clients().GetClusterStatus(ctx, &pb.GetClusterStatusRequest{})); s.GetLeader() != "" {
		t.Error(s)
	}
}

func TestLeadershipIsTransferredByTheLeader(t *testing.T) {
	c := startCluster(t, 2)
	api := c.nodes[1].clients() // forwarded
	ctx := context.Background()
	ok[*pb.ClusterStatus](t)(api.TransferLeadership(ctx, &pb.TransferLeadershipRequest{NodeId: "n2", ValidateOnly: true}))
	if c.nodes[0].transfers.Load() != nil {
		t.Error("a dry run transferred")
	}
	ok[*pb.ClusterStatus](t)(api.TransferLeadership(ctx, &pb.TransferLeadershipRequest{NodeId: "n2"}))
	if to := c.nodes[0].transfers.Load(); to == nil || *to != "n2" {
		t.Error(to)
	}
	_, err := api.TransferLeadership(ctx, &pb.TransferLeadershipRequest{NodeId: "n9"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
}
