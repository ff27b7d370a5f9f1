package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type ruleService struct {
	pb.UnimplementedRuleServiceServer
	*Server
}

func (s ruleService) CreateRule(ctx context.Context, req *pb.CreateRuleRequest) (*pb.Rule, error) {
	var rule autoscaling.Rule
	if err := readRule(req.GetRule(), &rule); err != nil {
		return nil, err
	}
	parent := groupName(req.GetParent())
	return mutate(ctx, s.Server, parent.Namespace, req, func(tx *fsm.Tx) (*pb.Rule, error) {
		r, err := s.operations.CreateRule(tx, control.CreateRuleRequest{
			Caller: caller(ctx, req.GetRequestId()), Parent: parent,
			NewMeta: newMeta(req.GetRuleId(), req.GetRule()), Rule: rule,
		})
		return answerRule(tx, r, err)
	})
}

func answerRule(tx *fsm.Tx, r *autoscaling.Rule, err error) (*pb.Rule, error) {
	if err != nil {
		return nil, err
	}
	return ruleMessage(tx.Reader, tx.Group(r.Group), r), nil
}

func (s ruleService) GetRule(ctx context.Context, req *pb.GetRuleRequest) (*pb.Rule, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, r, err := control.FindRule(v.Reader, childName(req.GetName()))
	if err != nil {
		return nil, err
	}
	return ruleMessage(v.Reader, g, r), nil
}

func (s ruleService) ListRules(ctx context.Context, req *pb.ListRulesRequest) (*pb.ListRulesResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.Rule, *pb.Rule]{
		records: v.Rules(g.UID),
		key:     func(r *autoscaling.Rule) string { return r.ID },
		message: func(r *autoscaling.Rule) *pb.Rule { return ruleMessage(v.Reader, g, r) },
	})
	return &pb.ListRulesResponse{Rules: page, NextPageToken: next, TotalSize: &total}, err
}

func (s ruleService) UpdateRule(ctx context.Context, req *pb.UpdateRuleRequest) (*pb.Rule, error) {
	given := req.GetRule()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	name := childName(given.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Rule, error) {
		r, err := s.operations.UpdateRule(tx, control.UpdateRuleRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Etag: given.GetEtag(),
			Change: func(rule *autoscaling.Rule) error {
				changed := ruleSpecMessage(rule)
				mask.apply(changed, given)
				return readRule(changed, rule)
			},
		})
		return answerRule(tx, r, err)
	})
}

func (s ruleService) DeleteRule(ctx context.Context, req *pb.DeleteRuleRequest) (*emptypb.Empty, error) {
	name := childName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.operations.DeleteRule(tx, control.DeleteRuleRequest{Caller: caller(ctx, req.GetRequestId()), Name: name})
	})
}

func (s ruleService) ExecuteRule(ctx context.Context, req *pb.ExecuteRuleRequest) (*pb.Activity, error) {
	name := childName(req.GetName())
	namespace := name.Namespace
	if req.GetAri() != "" {
		ari, err := autoscaling.ParseARI(req.GetAri())
		if err != nil {
			return nil, autoscaling.FieldErrorf("ari", "%s", err)
		}
		namespace = ari.Namespace
	}
	return mutate(ctx, s.Server, namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.ExecuteRule(tx, control.ExecuteRuleRequest{
			Caller: caller(ctx, req.GetRequestId()), ARI: req.GetAri(), Name: name,
			Trigger: autoscaling.TriggerCustom, HonorCooldown: req.GetHonorCooldown(),
			MetricValue: req.MetricValue, BreachThreshold: req.BreachThreshold,
		})
		return answerActivity(tx, a, err)
	})
}
