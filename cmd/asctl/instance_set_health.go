package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type instanceSetHealthOptions struct {
	app          *app
	name         string
	health       pb.Instance_Health
	respectGrace bool
}

func newInstanceSetHealth(a *app, run func(context.Context, *instanceSetHealthOptions) error) *cobra.Command {
	o := &instanceSetHealthOptions{app: a}
	c := &cobra.Command{
		Use:   "set-health GROUP/INSTANCE HEALTHY|UNHEALTHY",
		Short: "Say how an instance is; an unhealthy one is replaced",
		Args:  arguments(cobra.ExactArgs(2)),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []string{"HEALTHY", "UNHEALTHY"}, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeNames(instances)(c, args, typed)
		},
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.fullName(instances, args[0]); err != nil {
				return err
			}
			switch strings.ToUpper(args[1]) {
			case "HEALTHY":
				o.health = pb.Instance_HEALTHY
			case "UNHEALTHY":
				o.health = pb.Instance_UNHEALTHY
			default:
				return usagef("%q is neither HEALTHY nor UNHEALTHY", args[1])
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().BoolVar(&o.respectGrace, "respect-grace-period", false, "within the grace period it does not count")
	return c
}

func (o *instanceSetHealthOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	instance, err := pb.NewInstanceServiceClient(conn).SetInstanceHealth(ctx, &pb.SetInstanceHealthRequest{
		Name: o.name, Health: o.health, RespectGracePeriod: o.respectGrace,
	})
	if err != nil {
		return err
	}
	return o.app.changed(ctx, instances, instance, "reported "+o.health.String())
}
