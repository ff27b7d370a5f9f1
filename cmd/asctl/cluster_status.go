package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newCluster(a *app) *cobra.Command {
	return newBranch("cluster", "The cluster of servers", newClusterStatus(a, nil), newClusterTransferLeadership(a, nil), newClusterSetTime(a, nil))
}

type clusterStatusOptions struct{ app *app }

func newClusterStatus(a *app, run func(context.Context, *clusterStatusOptions) error) *cobra.Command {
	o := &clusterStatusOptions{app: a}
	return &cobra.Command{
		Use:   "status",
		Short: "Show nodes, leader, indexes and health, as the node that is asked knows them",
		Args:  arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
}

func (o *clusterStatusOptions) run(ctx context.Context) error {
	status, err := o.app.clusterStatus(ctx)
	if err != nil {
		return err
	}
	return o.app.showCluster(status)
}

func (a *app) clusterStatus(ctx context.Context) (*pb.ClusterStatus, error) {
	conn, err := a.connect()
	if err != nil {
		return nil, err
	}
	return pb.NewClusterServiceClient(conn).GetClusterStatus(ctx, &pb.GetClusterStatusRequest{})
}

var nodeColumns = append([]output.Column{
	output.Col("NODE", func(n *pb.ClusterStatus_Node) string { return n.Id }),
	output.Col("ROLE", func(n *pb.ClusterStatus_Node) string { return n.Role.String() }),
	output.Col("HEALTH", func(n *pb.ClusterStatus_Node) string { return n.Health.String() }),
	output.Col("GRPC", func(n *pb.ClusterStatus_Node) string { return n.GrpcAddress }),
	output.Col("HTTP", func(n *pb.ClusterStatus_Node) string { return n.HttpAddress }),
	output.Col("APPLIED", func(n *pb.ClusterStatus_Node) string { return strconv.FormatInt(n.AppliedIndex, 10) }),
	output.ColAt("LAST-CONTACT", func(n *pb.ClusterStatus_Node, now time.Time) string { return output.Age(n.LastContact, now) }),
	output.Col("VERSION", func(n *pb.ClusterStatus_Node) string { return n.Version }),
}, output.InWide(
	output.Col("RAFT", func(n *pb.ClusterStatus_Node) string { return n.RaftAddress }),
)...)

func nodesOf(status *pb.ClusterStatus) []proto.Message {
	var items []proto.Message
	for _, n := range status.Nodes {
		items = append(items, n)
	}
	return items
}

func (a *app) showCluster(status *pb.ClusterStatus) error {
	switch a.global.format {
	case output.JSON, output.YAML:
		return a.printer().One(status, nil)
	case output.Name:
		return a.nodeNames(status)
	}
	fmt.Fprintf(a.out, "Cluster  %s\nLeader   %s\nTerm     %d\nCommit   %d\n\n", orElse(status.ClusterId, "-"), orElse(status.Leader, "none"), status.Term, status.CommitIndex)
	if err := a.printer().List(status, nodesOf(status), nodeColumns); err != nil {
		return err
	}
	conditions := status.Conditions
	for _, n := range status.Nodes {
		conditions = append(conditions, n.Conditions...)
	}
	for _, c := range conditions {
		fmt.Fprintf(a.out, "\n%s %s: %s", c.Type, c.Status, c.Message)
	}
	for _, warning := range status.Warnings {
		fmt.Fprintf(a.out, "\nwarning: %s", warning)
	}
	if len(conditions)+len(status.Warnings) > 0 {
		fmt.Fprintln(a.out)
	}
	return nil
}

func (a *app) nodeNames(status *pb.ClusterStatus) error {
	for _, n := range status.Nodes {
		fmt.Fprintln(a.out, n.Id)
	}
	return nil
}
