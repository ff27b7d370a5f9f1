package main

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var rules = &kind{
	noun:       "rule",
	manifest:   "Rule",
	collection: "rules",
	inGroup:    true,
	short:      "Rules: how a group's capacity changes when somebody asks",
	empty:      &pb.Rule{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewRuleServiceClient(conn).GetRule(ctx, &pb.GetRuleRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewRuleServiceClient(conn).ListRules(ctx, &pb.ListRulesRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewRuleServiceClient(conn).CreateRule(ctx, &pb.CreateRuleRequest{Parent: parent, RuleId: id, Rule: m.(*pb.Rule)})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewRuleServiceClient(conn).UpdateRule(ctx, &pb.UpdateRuleRequest{Rule: m.(*pb.Rule), UpdateMask: mask})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, _ removal) (proto.Message, error) {
		return pb.NewRuleServiceClient(conn).DeleteRule(ctx, &pb.DeleteRuleRequest{Name: name})
	},
	fields: []field{
		{flag: "adjustment-type", path: "simple.adjustment_type", usage: "what the adjustment means", preset: "CHANGE_IN_CAPACITY"},
		{flag: "adjustment", path: "simple.adjustment", usage: "instances or percent; below zero removes"},
		{flag: "min-adjustment-magnitude", path: "simple.min_adjustment_magnitude", usage: "fewest instances that a change by percent moves"},
		{flag: "cooldown", path: "simple.cooldown", usage: "how long alarms are refused afterwards (default: the group's)"},
		{flag: "rounding", path: "simple.rounding", usage: "how a fraction of an instance is rounded"},
		{flag: "enabled", path: "enabled", usage: "whether the rule can be executed (default true)"},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(r *pb.Rule) string { return shortName(r.Name) }),
		output.Col("TYPE", func(r *pb.Rule) string {
			if r.GetSimple() != nil {
				return "simple"
			}
			return ""
		}),
		output.Col("ADJUSTMENT", func(r *pb.Rule) string { return adjustmentOf(r.GetSimple()) }),
		output.Col("COOLDOWN", func(r *pb.Rule) string { return output.Span(r.GetSimple().GetCooldown()) }),
		output.Col("ENABLED", func(r *pb.Rule) string { return enabled(r.Enabled) }),
		output.ColAt("AGE", func(r *pb.Rule, now time.Time) string { return output.Age(r.CreateTime, now) }),
	}, output.InWide(
		output.Col("ARI", func(r *pb.Rule) string { return r.Ari }),
	)...),
}

// adjustmentOf writes an adjustment as group adjust takes it: +2, -10%, =5.
func adjustmentOf(s *pb.SimpleRule) string {
	if s == nil {
		return ""
	}
	number := count(s.GetAdjustment())
	switch s.AdjustmentType {
	case pb.Rule_EXACT_CAPACITY:
		return "=" + number
	case pb.Rule_EXACT_PERCENT:
		return "=" + number + "%"
	}
	if s.GetAdjustment() >= 0 {
		number = "+" + number
	}
	if s.AdjustmentType == pb.Rule_PERCENT_CHANGE_IN_CAPACITY {
		number += "%"
	}
	return number
}

// enabled is true where nothing is said.
func enabled(b *bool) string {
	if b != nil && !*b {
		return "false"
	}
	return "true"
}
