package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type instanceProtectOptions struct {
	app       *app
	group     string
	ids       []string
	protected bool
}

func newInstanceProtect(a *app, run func(context.Context, *instanceProtectOptions) error) *cobra.Command {
	return instanceProtection(a, "protect", "Protect instances from scale-in", true, run)
}

func newInstanceUnprotect(a *app, run func(context.Context, *instanceProtectOptions) error) *cobra.Command {
	return instanceProtection(a, "unprotect", "End the protection from scale-in", false, run)
}

func instanceProtection(a *app, verb, short string, protected bool, run func(context.Context, *instanceProtectOptions) error) *cobra.Command {
	o := &instanceProtectOptions{app: a, protected: protected}
	return &cobra.Command{
		Use:               verb + " GROUP/INSTANCE...",
		Short:             short,
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
			return o.run(c.Context())
		},
	}
}

func (o *instanceProtectOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	answer, err := pb.NewInstanceServiceClient(conn).SetInstanceProtection(ctx, &pb.SetInstanceProtectionRequest{
		Parent: o.group, Instances: o.ids, Protected: o.protected,
	})
	if err != nil {
		return ofItems(err, "instances", o.ids)
	}
	if a.global.formatGiven {
		var items []proto.Message
		for _, i := range answer.Instances {
			items = append(items, i)
		}
		return a.printer().List(answer, items, instances.columns)
	}
	word := "protected"
	if !o.protected {
		word = "no longer protected"
	}
	for _, i := range answer.Instances {
		a.done("instance", i.Name, word)
	}
	return nil
}
