package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type configurationVersionsOptions struct {
	app   *app
	name  string
	limit int
}

func newConfigurationVersions(a *app, run func(context.Context, *configurationVersionsOptions) error) *cobra.Command {
	o := &configurationVersionsOptions{app: a}
	c := &cobra.Command{
		Use:               "versions CONFIGURATION",
		Short:             "List the versions, newest first",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(configurations),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.fullName(configurations, args[0]); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().IntVar(&o.limit, "limit", 0, "at most so many; 0: all")
	return c
}

// versions lists a configuration's versions as a list of configurations.
var versions = &kind{
	columns: configurations.columns,
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewConfigurationServiceClient(conn).ListConfigurationVersions(ctx, &pb.ListConfigurationVersionsRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken,
		})
	},
}

func (o *configurationVersionsOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	response, items, err := listAll(ctx, conn, versions, listRequest{parent: o.name}, max(o.limit, 0))
	if err != nil {
		return err
	}
	return o.app.printer().List(response, items, versions.columns)
}
