package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// instanceMoveOptions are those of the verbs that start an activity with instances
// of one group.
type instanceMoveOptions struct {
	app       *app
	group     string
	ids       []string
	decrement bool
	runHooks  bool
}

// instanceMove is such a verb.
type instanceMove struct {
	verb, short string
	// decrements and hooks say that it has --decrement and --run-hooks.
	decrements, hooks bool
	call              func(context.Context, grpc.ClientConnInterface, *instanceMoveOptions) (*pb.Activity, error)
}

func (v instanceMove) command(a *app, run func(context.Context, *instanceMoveOptions) error) *cobra.Command {
	o := &instanceMoveOptions{app: a}
	c := &cobra.Command{
		Use:               v.verb + " GROUP/INSTANCE...",
		Short:             v.short,
		Long:              v.short + ".\nThe instances are those of one group: GROUP/INSTANCE..., or GROUP INSTANCE...; at most 100. All are taken, or none.",
		Args:              arguments(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeInstances,
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.group, o.ids, err = a.instanceNames(args); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			conn, err := a.connect()
			if err != nil {
				return err
			}
			activity, err := v.call(c.Context(), conn, o)
			if err != nil {
				return ofItems(err, "instances", o.ids)
			}
			return a.started(c.Context(), activity)
		},
	}
	if v.decrements {
		c.Flags().BoolVar(&o.decrement, "decrement", false, "lower desired by their number instead of launching others")
		c.Flags().BoolVar(&o.decrement, "decrement-desired", false, "the same")
		_ = c.Flags().MarkHidden("decrement-desired")
	}
	if v.hooks {
		c.Flags().BoolVar(&o.runHooks, "run-hooks", false, "let the group's terminating hooks hold them")
	}
	return c
}
