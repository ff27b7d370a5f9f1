package main

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type metricQueryOptions struct {
	app     *app
	request *pb.QueryMetricsRequest
}

// metricQueries lends the command the flags of the request's fields.
var metricQueries = &kind{
	empty: &pb.QueryMetricsRequest{},
	fields: []field{
		{flag: "source", path: "source", usage: "metric `source`: provider, push (the default) or one of the servers'"},
		{flag: "statistic", path: "statistic", usage: "how a period's samples become a point"},
		{flag: "period", path: "period", usage: "how long each point covers (default 60s)"},
		{flag: "start", path: "start_time", usage: "begin at this time (default: an hour before the end)"},
		{flag: "end", path: "end_time", usage: "end at this time (default now)"},
	},
}

func newMetricQuery(a *app, run func(context.Context, *metricQueryOptions) error) *cobra.Command {
	var flags fieldFlags
	var since time.Duration
	c := &cobra.Command{
		Use:               "query GROUP METRIC",
		Short:             "Show a metric's points, oldest first",
		Args:              arguments(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeNames(groups),
	}
	flags.register(a, c, metricQueries, false)
	c.Flags().DurationVar(&since, "since", 0, "begin so `long` ago")
	c.RunE = func(c *cobra.Command, args []string) error {
		m, _, err := flags.resource()
		if err != nil {
			return err
		}
		o := &metricQueryOptions{app: a, request: m.(*pb.QueryMetricsRequest)}
		if o.request.Parent, err = a.groupName(args[0]); err != nil {
			return err
		}
		o.request.Metric = args[1]
		if since > 0 {
			o.request.StartTime = timestamppb.New(a.now().Add(-since))
		}
		if run != nil {
			return run(c.Context(), o)
		}
		return o.run(c.Context())
	}
	return c
}

var pointColumns = []output.Column{
	output.Col("TIME", func(p *pb.QueryMetricsResponse_Point) string { return output.Time(p.Time) }),
	output.Col("VALUE", func(p *pb.QueryMetricsResponse_Point) string {
		if p.Value == nil {
			return ""
		}
		return strconv.FormatFloat(math.Round(*p.Value*1e4)/1e4, 'f', -1, 64)
	}),
	output.Col("SAMPLES", func(p *pb.QueryMetricsResponse_Point) string { return count(p.Samples) }),
}

func (o *metricQueryOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	answer, err := pb.NewMetricServiceClient(conn).QueryMetrics(ctx, o.request)
	if err != nil {
		return err
	}
	var items []proto.Message
	for _, p := range answer.Points {
		items = append(items, p)
	}
	return o.app.printer().List(answer, items, pointColumns)
}
