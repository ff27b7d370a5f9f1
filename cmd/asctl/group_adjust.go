package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type groupAdjustOptions struct {
	app           *app
	name          string
	adjustment    int32
	kind          pb.Rule_AdjustmentType
	minMagnitude  int32
	honorCooldown bool
}

func newGroupAdjust(a *app, run func(context.Context, *groupAdjustOptions) error) *cobra.Command {
	o := &groupAdjustOptions{app: a}
	var flags fieldFlags
	c := &cobra.Command{
		Use:   "adjust GROUP ADJUSTMENT",
		Short: "Change capacity once, as a rule would",
		Long: `Change capacity once, as a rule would: +2 and -2 add and remove instances, +10% and -10% add and remove a share of
desired, =5 sets it, =50% sets it to a share of what it is.`,
		Args:              arguments(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: a.completeNames(groups),
	}
	flags.register(a, c, adjustments, false)
	registerHonorCooldown(c, &o.honorCooldown)
	c.RunE = func(c *cobra.Command, args []string) error {
		var err error
		if o.name, err = a.groupName(args[0]); err != nil {
			return err
		}
		if err := o.read(args[1:], &flags); err != nil {
			return err
		}
		if run != nil {
			return run(c.Context(), o)
		}
		return o.run(c.Context())
	}
	return c
}

// adjustments lends group adjust the flags of a rule's fields.
var adjustments = &kind{
	empty: &pb.AdjustGroupRequest{},
	fields: []field{
		{flag: "adjustment", path: "adjustment", usage: "the same without signs and percent: instances or percent; below zero removes"},
		{flag: "adjustment-type", path: "adjustment_type", usage: "what --adjustment means (default CHANGE_IN_CAPACITY)"},
		{flag: "min-adjustment-magnitude", path: "min_adjustment_magnitude", usage: "fewest instances that a change by percent moves"},
	},
}

// read takes the adjustment from the argument or from the flags.
func (o *groupAdjustOptions) read(args []string, flags *fieldFlags) error {
	m, _, err := flags.resource()
	if err != nil {
		return err
	}
	given := m.(*pb.AdjustGroupRequest)
	o.minMagnitude = given.MinAdjustmentMagnitude
	switch {
	case len(args) == 1 && (given.Adjustment != nil || given.AdjustmentType != 0):
		return usagef("say the adjustment as an argument or with flags, not both")
	case len(args) == 1:
		o.kind, o.adjustment, err = parseAdjustment(args[0])
		return err
	case given.Adjustment == nil:
		return usagef("which adjustment? e.g. +2, -10%%, =5")
	}
	o.adjustment, o.kind = *given.Adjustment, given.AdjustmentType
	if o.kind == 0 {
		o.kind = pb.Rule_CHANGE_IN_CAPACITY
	}
	return nil
}

// parseAdjustment reads +2, -2, 2, +10%, =5, =50%.
func parseAdjustment(s string) (pb.Rule_AdjustmentType, int32, error) {
	number, exact := strings.CutPrefix(s, "=")
	number, percent := strings.CutSuffix(number, "%")
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return 0, 0, usagef("%q is no adjustment, e.g. +2, -10%%, =5", s)
	}
	switch {
	case exact && percent:
		return pb.Rule_EXACT_PERCENT, int32(n), nil
	case exact:
		return pb.Rule_EXACT_CAPACITY, int32(n), nil
	case percent:
		return pb.Rule_PERCENT_CHANGE_IN_CAPACITY, int32(n), nil
	}
	return pb.Rule_CHANGE_IN_CAPACITY, int32(n), nil
}

func (o *groupAdjustOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	activity, err := pb.NewGroupServiceClient(conn).AdjustGroup(ctx, &pb.AdjustGroupRequest{
		Name: o.name, AdjustmentType: o.kind, Adjustment: proto.Int32(o.adjustment),
		MinAdjustmentMagnitude: o.minMagnitude, HonorCooldown: o.honorCooldown,
	})
	if err != nil {
		return err
	}
	return o.app.started(ctx, activity)
}
