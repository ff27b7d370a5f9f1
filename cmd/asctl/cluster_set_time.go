package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type clusterSetTimeOptions struct {
	app   *app
	force bool
}

func newClusterSetTime(a *app, run func(context.Context, *clusterSetTimeOptions) error) *cobra.Command {
	o := &clusterSetTimeOptions{app: a}
	c := &cobra.Command{
		Use:   "set-time",
		Short: "Set the cluster's time to that of the nodes' wall clocks, after those were wrong",
		Long: `Set the cluster's time to that of the nodes' wall clocks.

The cluster's time follows the wall clocks and does not go back by itself. If they were ahead for a while and are right again, it stays
ahead: "asctl doctor" and "asctl cluster status" say so. Set the clocks right first, then run this once. Schedules go on from the time that is
set, cooldowns, back-offs and deadlines end at the latest as if they had begun now, and what is history stays as it was recorded.

It is refused while the wall clocks of a majority of the nodes do not agree within 1 s. --force takes the middle one then.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().BoolVar(&o.force, "force", false, "take the middle wall clock although those of a majority do not agree")
	return c
}

func (o *clusterSetTimeOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	set, err := pb.NewClusterServiceClient(conn).SetTime(ctx, &pb.SetTimeRequest{Force: o.force, ValidateOnly: a.global.dryRun})
	if err != nil {
		return err
	}
	if a.asDocument() {
		return a.printer().One(set, nil)
	}
	before, now := set.GetBefore().AsTime(), set.GetTime().AsTime()
	switch {
	case !set.GetChanged():
		_, err = fmt.Fprintf(a.out, "the cluster's time is right: %s\n", now.Format(time.RFC3339))
	case a.global.dryRun:
		_, err = fmt.Fprintf(a.out, "the cluster's time would be set from %s to %s (dry run)\n", before.Format(time.RFC3339), now.Format(time.RFC3339))
	default:
		_, err = fmt.Fprintf(a.out, "the cluster's time was set from %s to %s\n", before.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	return err
}
