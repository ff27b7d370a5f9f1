package rpc

import (
	"context"
	"testing"
	"time"

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

func TestASingleNodeHandsNothingOver(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	for _, dryRun := range []bool{true, false} {
		_, err := api.TransferLeadership(context.Background(), &pb.TransferLeadershipRequest{ValidateOnly: dryRun})
		wantError(t, err, codes.FailedPrecondition, autoscaling.WrongState)
	}
	if c.nodes[0].transfers.Load() != nil {
		t.Error("the node was asked to transfer")
	}
}

func TestTimeIsSetByTheLeaderAndRecorded(t *testing.T) {
	c := startCluster(t, 2)
	api := c.nodes[1].clients() // forwarded
	ctx := context.Background()
	if s := ok[*pb.SetTimeResponse](t)(api.SetTime(ctx, &pb.SetTimeRequest{})); s.GetChanged() {
		t.Error(s)
	}
	c.ahead.Store(int64(10 * 24 * time.Hour))
	findings := ok[*pb.ListFindingsResponse](t)(api.ListFindings(ctx, &pb.ListFindingsRequest{Parent: "namespaces/default"})).GetFindings()
	if len(findings) != 1 || findings[0].GetKind() != "TIME_AHEAD" || findings[0].GetSeverity() != pb.Finding_ERROR || findings[0].GetCommand() != "asctl cluster set-time" {
		t.Error(findings)
	}
	if s := ok[*pb.ClusterStatus](t)(api.GetClusterStatus(ctx, &pb.GetClusterStatusRequest{})); s.GetTimeAhead().AsDuration() != 10*24*time.Hour {
		t.Error(s)
	}
	ok[*pb.SetTimeResponse](t)(api.SetTime(ctx, &pb.SetTimeRequest{ValidateOnly: true}))
	if c.nodes[0].View().TimeSets() != 0 {
		t.Error("a dry run set it")
	}
	s := ok[*pb.SetTimeResponse](t)(api.SetTime(ctx, &pb.SetTimeRequest{}))
	if !s.GetChanged() || s.GetBefore().AsTime().Sub(s.GetTime().AsTime()) != 10*24*time.Hour {
		t.Error(s)
	}
	v := c.nodes[0].View()
	for e := range v.Events(v.LastEvent() - 1) {
		if e.Type != autoscaling.EventTimeSet || v.TimeSets() != 1 {
			t.Error(e)
		}
	}
}
