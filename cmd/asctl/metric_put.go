package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type metricPutOptions struct {
	app     *app
	group   string
	samples []*pb.Sample
}

func newMetricPut(a *app, run func(context.Context, *metricPutOptions) error) *cobra.Command {
	o := &metricPutOptions{app: a}
	var at, instance string
	c := &cobra.Command{
		Use:               "put GROUP METRIC=VALUE...",
		Short:             "Add samples, for alarms whose metric has the source push",
		Args:              arguments(cobra.MinimumNArgs(2)),
		ValidArgsFunction: a.completeNames(groups),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.group, err = a.groupName(args[0]); err != nil {
				return err
			}
			var when *timestamppb.Timestamp
			if at != "" {
				t, err := time.Parse(time.RFC3339, at)
				if err != nil {
					return usagef("--time: %q is no time, e.g. 2026-01-31T18:00:00Z", at)
				}
				when = timestamppb.New(t)
			}
			for _, arg := range args[1:] {
				name, text, ok := strings.Cut(arg, "=")
				value, err := strconv.ParseFloat(text, 64)
				if !ok || name == "" || err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
					return usagef("%q is no sample: say METRIC=NUMBER", arg)
				}
				o.samples = append(o.samples, &pb.Sample{Metric: name, Value: value, Time: when, Instance: instance})
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&at, "time", "", "`time` they were taken at (default now)")
	c.Flags().StringVar(&instance, "instance", "", "`instance` they were taken on (default: the group as a whole)")
	return c
}

func (o *metricPutOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	answer, err := pb.NewMetricServiceClient(conn).PutMetrics(ctx, &pb.PutMetricsRequest{Parent: o.group, Samples: o.samples})
	if err != nil {
		return err
	}
	if f := o.app.global.format; f == "json" || f == "yaml" {
		return o.app.printer().One(answer, nil)
	}
	what := "samples"
	if answer.GetAccepted() == 1 {
		what = "sample"
	}
	o.app.done("group", o.group, fmt.Sprintf("took %d %s", answer.GetAccepted(), what))
	return nil
}
