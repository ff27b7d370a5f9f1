package main

import (
	"context"

	"github.com/spf13/cobra"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type groupRebalanceOptions struct {
	app           *app
	name          string
	honorCooldown bool
}

func newGroupRebalance(a *app, run func(context.Context, *groupRebalanceOptions) error) *cobra.Command {
	o := &groupRebalanceOptions{app: a}
	c := &cobra.Command{
		Use:               "rebalance GROUP",
		Short:             "Even the zones out: launch where fewest are, then remove where most are",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(groups),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.groupName(args[0]); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			conn, err := a.connect()
			if err != nil {
				return err
			}
			activity, err := pb.NewGroupServiceClient(conn).RebalanceGroup(c.Context(), &pb.RebalanceGroupRequest{Name: o.name, HonorCooldown: o.honorCooldown})
			if err != nil {
				return err
			}
			return a.started(c.Context(), activity)
		},
	}
	registerHonorCooldown(c, &o.honorCooldown)
	return c
}
