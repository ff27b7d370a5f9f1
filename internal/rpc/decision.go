package rpc

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/explain"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type decisionService struct {
	pb.UnimplementedDecisionServiceServer
	*Server
}

func (s decisionService) ExplainGroup(ctx context.Context, req *pb.ExplainGroupRequest) (*pb.Explanation, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetName()))
	if err != nil {
		return nil, err
	}
	now := s.node.Now()
	return explanationMessage(explain.Group(v.Reader, g, now), now), nil
}

func (s decisionService) ExplainInstance(ctx context.Context, req *pb.ExplainInstanceRequest) (*pb.Explanation, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	_, i, err := control.FindInstance(v.Reader, childName(req.GetName()))
	if err != nil {
		return nil, err
	}
	now := s.node.Now()
	return explanationMessage(explain.Instance(v.Reader, i, now), now), nil
}

func (s decisionService) ListFindings(ctx context.Context, req *pb.ListFindingsRequest) (*pb.ListFindingsResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	var all []explain.Finding
	if req.GetGroup() == "" {
		now, status := s.node.Now(), s.node.Status()
		all = append(clusterFindings(status), explain.ClockFindings(status.TimeAhead, now)...)
		all = append(all, explain.Findings(v.Reader, everyNamespace(req.GetParent()), now)...)
	} else {
		g, err := control.FindGroup(v.Reader, control.GroupName{Namespace: namespaceOf(req.GetParent()), ID: req.GetGroup()})
		if err != nil {
			return nil, err
		}
		all = explain.GroupFindings(v.Reader, g, s.node.Now())
	}
	slices.SortFunc(all, func(a, b explain.Finding) int { return strings.Compare(findingKey(a), findingKey(b)) })
	page, next, total, err := list(req, lister[explain.Finding, *pb.Finding]{
		records: slices.Values(all), key: findingKey, message: findingMessage,
	})
	return &pb.ListFindingsResponse{Findings: page, NextPageToken: next, TotalSize: &total}, err
}

// clusterFindings are what is wrong with the nodes, as this one knows it.
func clusterFindings(s Status) []explain.Finding {
	var conditions []explain.NodeCondition
	for _, c := range s.Conditions {
		conditions = append(conditions, explain.NodeCondition{Condition: c})
	}
	for _, n := range s.Nodes {
		for _, c := range n.Conditions {
			conditions = append(conditions, explain.NodeCondition{Node: n.ID, Condition: c})
		}
	}
	return explain.ClusterFindings(conditions)
}

// findingKey puts the worst first. It is part of page tokens, which are short:
// of a problem it has no more than tells it from others.
func findingKey(f explain.Finding) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(f.Problem)) // never fails
	return fmt.Sprintf("%d %s %s %.60s %016x", explain.Error-f.Severity, f.Resource, f.Kind, f.Problem, h.Sum64())
}
