package main

import (
	"context"

	"github.com/spf13/cobra"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type instanceRemoveOptions struct {
	app       *app
	group     string
	ids       []string
	decrement bool
}

func newInstanceRemove(a *app, run func(context.Context, *instanceRemoveOptions) error) *cobra.Command {
	o := &instanceRemoveOptions{app: a}
	c := &cobra.Command{
		Use:               "remove GROUP/INSTANCE...",
		Short:             "Terminate instances; they are replaced unless desired is decremented",
		Args:              arguments(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeNames(instances),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.group, o.ids, err = a.instanceNames(args); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().BoolVar(&o.decrement, "decrement", false, "lower desired by their number instead of replacing them")
	c.Flags().BoolVar(&o.decrement, "decrement-desired", false, "the same")
	_ = c.Flags().MarkHidden("decrement-desired")
	return c
}

func (o *instanceRemoveOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	activity, err := pb.NewInstanceServiceClient(conn).RemoveInstances(ctx, &pb.RemoveInstancesRequest{
		Parent: o.group, Instances: o.ids, DecrementDesired: o.decrement,
	})
	if err != nil {
		return err
	}
	return o.app.started(ctx, activity)
}
