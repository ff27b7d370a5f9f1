package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newProvider(a *app) *cobra.Command {
	return newBranch("provider", "The providers in the servers' configuration", newProviderForgetMachines(a, nil))
}

type providerForgetMachinesOptions struct {
	app      *app
	provider string
}

func newProviderForgetMachines(a *app, run func(context.Context, *providerForgetMachinesOptions) error) *cobra.Command {
	o := &providerForgetMachinesOptions{app: a}
	return &cobra.Command{
		Use:   "forget-machines PROVIDER",
		Short: "Say that a compute provider's machines are lost; instances that it does not have are replaced",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			o.provider = args[0]
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
}

func (o *providerForgetMachinesOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	client := pb.NewClusterServiceClient(conn)
	found, err := client.ForgetMachines(ctx, &pb.ForgetMachinesRequest{Provider: o.provider, ValidateOnly: true})
	if err != nil {
		return err
	}
	follows := fmt.Sprintf("of %d instances with a machine at provider %s, those that its next listing does not have are lost and replaced",
		found.GetInstances(), o.provider)
	if !found.GetConfigured() {
		follows = fmt.Sprintf("provider %s is not configured: all its %d instances are lost and replaced", o.provider, found.GetInstances())
	}
	fmt.Fprintln(o.app.err, follows)
	if o.app.global.dryRun {
		return nil
	}
	if err := o.app.confirm(ctx, "forget the machines of provider "+o.provider); err != nil {
		return err
	}
	if _, err := client.ForgetMachines(ctx, &pb.ForgetMachinesRequest{Provider: o.provider}); err != nil {
		return err
	}
	fmt.Fprintf(o.app.out, "machines of provider %s forgotten\n", o.provider)
	return nil
}
