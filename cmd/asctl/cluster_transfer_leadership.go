package main

import (
	"context"

	"github.com/spf13/cobra"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type clusterTransferLeadershipOptions struct {
	app  *app
	node string
}

func newClusterTransferLeadership(a *app, run func(context.Context, *clusterTransferLeadershipOptions) error) *cobra.Command {
	o := &clusterTransferLeadershipOptions{app: a}
	return &cobra.Command{
		Use:               "transfer-leadership [NODE]",
		Short:             "Make another node the leader; the best prepared unless one is named",
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeNodes,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.node = args[0]
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
}

func (o *clusterTransferLeadershipOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	status, err := pb.NewClusterServiceClient(conn).TransferLeadership(ctx, &pb.TransferLeadershipRequest{NodeId: o.node})
	if err != nil {
		return err
	}
	return o.app.showCluster(status)
}
