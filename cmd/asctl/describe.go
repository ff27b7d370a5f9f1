package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type describeOptions struct {
	app         *app
	kind        *kind
	name        string
	consistency pb.Consistency
}

func newDescribe(a *app, k *kind, run func(context.Context, *describeOptions) error) *cobra.Command {
	o := &describeOptions{app: a, kind: k}
	stale := false
	c := &cobra.Command{
		Use:               "describe " + k.form(""),
		Short:             "Show everything about one, for people",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(k),
		RunE: func(c *cobra.Command, args []string) error {
			o.consistency = consistency(stale)
			var err error
			if o.name, err = a.fullName(k, args[0]); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	registerStale(c, &stale)
	return c
}

func (o *describeOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	m, err := o.kind.get(ctx, conn, o.name, o.consistency)
	if err != nil {
		return err
	}
	if a.global.formatGiven && a.global.format != output.Table && a.global.format != output.Wide {
		return a.printer().One(m, o.kind.columns)
	}
	d := &describer{now: a.now(), w: tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)}
	o.kind.describe(d, m)
	return d.w.Flush()
}

// describer writes one fact per line. Facts that are empty are left out.
type describer struct {
	w   *tabwriter.Writer
	now time.Time
}

func (d *describer) fact(name, value string) {
	if value != "" {
		fmt.Fprintf(d.w, "%s:\t%s\n", name, value)
	}
}

func (d *describer) when(name string, t *timestamppb.Timestamp) {
	if t != nil {
		d.fact(name, output.Millis(t)+" ("+output.Age(t, d.now)+" ago)")
	}
}

// part begins an indented part with a table in it.
func (d *describer) part(name string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	_ = d.w.Flush()
	fmt.Fprintf(d.w, "%s:\n", name)
	for _, row := range rows {
		fmt.Fprintf(d.w, "  %s\n", strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	_ = d.w.Flush()
}

func labels(m map[string]string) string {
	var words []string
	for _, key := range sortedKeys(m) {
		words = append(words, key+"="+m[key])
	}
	return strings.Join(words, ", ")
}
