package rpc

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// ruleMessage shows a rule of the group.
func ruleMessage(r fsm.Reader, g *autoscaling.Group, rule *autoscaling.Rule) *pb.Rule {
	m := ruleSpecMessage(rule)
	m.Name = autoscaling.RuleResource(g.Namespace, g.ID, rule.ID)
	m.Ari = autoscaling.RuleARI(clusterName(r), g.Namespace, g.ID, rule.ID)
	m.Uid = string(rule.UID)
	m.CreateTime, m.UpdateTime = timestamp(rule.CreateTime), timestamp(rule.UpdateTime)
	m.Etag = rule.Etag()
	return m
}

// ruleSpecMessage shows what people say of a rule.
func ruleSpecMessage(rule *autoscaling.Rule) *pb.Rule {
	enabled := !rule.Disabled
	m := &pb.Rule{Labels: rule.Labels, ExternalNames: rule.ExternalNames, Enabled: &enabled}
	if s := rule.Simple; s != nil {
		adjustment := s.Adjustment
		simple := &pb.SimpleRule{
			AdjustmentType:         enum[pb.Rule_AdjustmentType](pb.Rule_AdjustmentType_value, string(s.AdjustmentType)),
			Adjustment:             &adjustment,
			MinAdjustmentMagnitude: s.MinAdjustmentMagnitude,
			Rounding:               enum[pb.SimpleRule_Rounding](pb.SimpleRule_Rounding_value, string(s.Rounding)),
		}
		if s.Cooldown != nil {
			simple.Cooldown = duration(*s.Cooldown)
		}
		m.Kind = &pb.Rule_Simple{Simple: simple}
	}
	return m
}

// readRule writes what people say of a rule into it.
func readRule(m *pb.Rule, rule *autoscaling.Rule) error {
	rule.Labels, rule.ExternalNames = m.GetLabels(), m.GetExternalNames()
	rule.Disabled = !valueOr(m.Enabled, true)
	s := m.GetSimple()
	if s == nil {
		return autoscaling.FieldErrorf("simple", "a rule needs one of: simple")
	}
	if s.Adjustment == nil {
		return autoscaling.FieldErrorf("simple.adjustment", "is required")
	}
	rule.Simple = &autoscaling.SimpleRule{
		AdjustmentType:         name[pb.Rule_AdjustmentType, autoscaling.AdjustmentType](s.GetAdjustmentType()),
		Adjustment:             s.GetAdjustment(),
		MinAdjustmentMagnitude: s.GetMinAdjustmentMagnitude(),
		Rounding:               orDefault(name[pb.SimpleRule_Rounding, autoscaling.Rounding](s.GetRounding()), autoscaling.RoundDefault),
	}
	if s.GetCooldown() != nil {
		cooldown := s.GetCooldown().AsDuration()
		rule.Simple.Cooldown = &cooldown
	}
	return nil
}
