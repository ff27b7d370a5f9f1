package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type ruleExecuteOptions struct {
	app           *app
	name, ari     string // one of them
	honorCooldown bool
	// Nil where not given.
	metricValue, breachThreshold *float64
}

func newRuleExecute(a *app, run func(context.Context, *ruleExecuteOptions) error) *cobra.Command {
	o := &ruleExecuteOptions{app: a}
	var value, threshold float64
	c := &cobra.Command{
		Use:               "execute GROUP/RULE|ARI",
		Short:             "Ask for what a rule says",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(rules),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.HasPrefix(args[0], "ari:") {
				o.ari = args[0]
			} else {
				var err error
				if o.name, err = a.fullName(rules, args[0]); err != nil {
					return err
				}
			}
			if c.Flags().Changed("metric-value") {
				o.metricValue = proto.Float64(value)
			}
			if c.Flags().Changed("breach-threshold") {
				o.breachThreshold = proto.Float64(threshold)
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	registerHonorCooldown(c, &o.honorCooldown)
	c.Flags().Float64Var(&value, "metric-value", 0, "the measured `value`, for rules with steps")
	c.Flags().Float64Var(&threshold, "breach-threshold", 0, "the `threshold` that was crossed, for rules with steps")
	return c
}

func (o *ruleExecuteOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	activity, err := pb.NewRuleServiceClient(conn).ExecuteRule(ctx, &pb.ExecuteRuleRequest{
		Name: o.name, Ari: o.ari, HonorCooldown: o.honorCooldown, MetricValue: o.metricValue, BreachThreshold: o.breachThreshold,
	})
	if err != nil {
		return err
	}
	return o.app.started(ctx, activity)
}
