package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newNode(a *app) *cobra.Command {
	return newBranch("node", "The servers of the cluster", newNodeList(a, nil))
}

type nodeListOptions struct{ app *app }

func newNodeList(a *app, run func(context.Context, *nodeListOptions) error) *cobra.Command {
	o := &nodeListOptions{app: a}
	return &cobra.Command{
		Use:   "list",
		Short: "List the nodes",
		Args:  arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
}

func (o *nodeListOptions) run(ctx context.Context) error {
	status, err := o.app.clusterStatus(ctx)
	if err != nil {
		return err
	}
	if o.app.global.format == output.Name {
		return o.app.nodeNames(status)
	}
	return o.app.printer().List(&pb.ClusterStatus{Nodes: status.Nodes}, nodesOf(status), nodeColumns)
}
