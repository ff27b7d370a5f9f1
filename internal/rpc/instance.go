package rpc

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type instanceService struct {
	pb.UnimplementedInstanceServiceServer
	*Server
}

func (s instanceService) ListInstances(ctx context.Context, req *pb.ListInstancesRequest) (*pb.ListInstancesResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	now := s.node.Now()
	page, next, total, err := list(req, lister[*autoscaling.Instance, *pb.Instance]{
		records: oldestFirst(v.Reader, g.UID, req.GetIncludeFinal()),
		key:     func(i *autoscaling.Instance) string { return fmt.Sprintf("%020d%s", i.CreateTime, i.ID) },
		message: func(i *autoscaling.Instance) *pb.Instance { return instanceMessage(v.Reader, g, i, now) },
	})
	return &pb.ListInstancesResponse{Instances: page, NextPageToken: next, TotalSize: &total}, err
}

// oldestFirst are a group's instances, those made together by id.
func oldestFirst(r fsm.Reader, group autoscaling.UID, final bool) iter.Seq[*autoscaling.Instance] {
	all := slices.Collect(r.Instances(group))
	if final {
		all = slices.AppendSeq(all, r.FinalInstances(group))
	}
	slices.SortFunc(all, func(a, b *autoscaling.Instance) int {
		return cmp.Or(cmp.Compare(a.CreateTime, b.CreateTime), cmp.Compare(a.ID, b.ID))
	})
	return slices.Values(all)
}

func (s instanceService) GetInstance(ctx context.Context, req *pb.GetInstanceRequest) (*pb.Instance, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	return readInstance(v.Reader, childName(req.GetName()), s.node.Now())
}

func readInstance(r fsm.Reader, name control.ChildName, now autoscaling.Time) (*pb.Instance, error) {
	g, i, err := control.FindInstance(r, name)
	if err != nil {
		return nil, err
	}
	return instanceMessage(r, g, i, now), nil
}

func (s instanceService) SetInstanceProtection(ctx context.Context, req *pb.SetInstanceProtectionRequest) (*pb.SetInstanceProtectionResponse, error) {
	group := groupName(req.GetParent())
	ids, err := localIDs("instances", req.GetInstances(), req.GetParent()+"/instances/")
	if err != nil {
		return nil, err
	}
	show := func(tx *fsm.Tx, instances []*autoscaling.Instance) *pb.SetInstanceProtectionResponse {
		return &pb.SetInstanceProtectionResponse{Instances: convertAll(instances, func(i *autoscaling.Instance) *pb.Instance {
			return instanceMessage(tx.Reader, tx.Group(i.Group), i, tx.Now())
		})}
	}
	return mutateOr(ctx, s.Server, group.Namespace, req, func(tx *fsm.Tx) (*pb.SetInstanceProtectionResponse, error) {
		instances, err := s.operations.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: group, Instances: ids, Protected: req.GetProtected(),
		})
		if err != nil {
			return nil, err
		}
		return show(tx, instances), nil
	}, func(tx *fsm.Tx, _ string) (*pb.SetInstanceProtectionResponse, error) {
		var instances []*autoscaling.Instance
		for _, id := range ids {
			_, i, err := control.FindInstance(tx.Reader, control.ChildName{Namespace: group.Namespace, Group: group.ID, ID: id})
			if err != nil {
				return nil, err
			}
			instances = append(instances, i)
		}
		return show(tx, instances), nil
	})
}

func (s instanceService) SetInstanceHealth(ctx context.Context, req *pb.SetInstanceHealthRequest) (*pb.Instance, error) {
	name := childName(req.GetName())
	health := autoscaling.HealthHealthy
	if req.GetHealth() == pb.Instance_UNHEALTHY {
		health = autoscaling.HealthUnhealthy
	}
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Instance, error) {
		i, err := s.operations.SetInstanceHealth(tx, control.SetInstanceHealthRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: control.GroupName{Namespace: name.Namespace, ID: name.Group},
			Instance: name.ID, Health: health, RespectGracePeriod: req.GetRespectGracePeriod(),
		})
		if err != nil {
			return nil, err
		}
		return instanceMessage(tx.Reader, tx.Group(i.Group), i, tx.Now()), nil
	})
}
