package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type groupSetDesiredOptions struct {
	app           *app
	name          string
	desired       int32
	honorCooldown bool
}

func newGroupSetDesired(a *app, run func(context.Context, *groupSetDesiredOptions) error) *cobra.Command {
	o := &groupSetDesiredOptions{app: a}
	c := &cobra.Command{
		Use:               "set-desired GROUP N",
		Short:             "Set how many instances are wanted",
		Args:              arguments(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeNames(groups),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.groupName(args[0]); err != nil {
				return err
			}
			n, err := strconv.ParseUint(args[1], 10, 31)
			if err != nil {
				return usagef("%q is no number of instances", args[1])
			}
			o.desired = int32(n)
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	registerHonorCooldown(c, &o.honorCooldown)
	return c
}

func (o *groupSetDesiredOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	activity, err := pb.NewGroupServiceClient(conn).SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{
		Name: o.name, DesiredCapacity: proto.Int32(o.desired), HonorCooldown: o.honorCooldown,
	})
	if err != nil {
		return err
	}
	return o.app.started(ctx, activity)
}

func registerHonorCooldown(c *cobra.Command, honor *bool) {
	c.Flags().BoolVar(honor, "honor-cooldown", false, "let a cooldown refuse this, as it does what alarms ask for")
}
