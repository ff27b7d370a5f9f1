package rpc

import (
	"context"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type groupService struct {
	pb.UnimplementedGroupServiceServer
	*Server
}

func (s groupService) CreateGroup(ctx context.Context, req *pb.CreateGroupRequest) (*pb.Group, error) {
	given, namespace := req.GetGroup(), namespaceOf(req.GetParent())
	if given.MaxSize == nil {
		return nil, autoscaling.FieldErrorf("max_size", "is required")
	}
	spec, err := groupSpec(given, namespace)
	if err != nil {
		return nil, err
	}
	hooks, err := declaredHooks(given.GetHooks(), namespace, req.GetGroupId())
	if err != nil {
		return nil, err
	}
	s.refresh(ctx, Dependencies{Balancers: spec.Balancers, AccessLists: spec.AccessLists})
	return mutate(ctx, s.Server, namespace, req, func(tx *fsm.Tx) (*pb.Group, error) {
		return s.answerGroup(tx)(s.operations.CreateGroup(tx, control.CreateGroupRequest{
			Caller:       caller(ctx, req.GetRequestId()),
			Namespace:    namespace,
			NewMeta:      newMeta(req.GetGroupId(), given),
			Spec:         spec,
			DesiredNamed: given.DesiredCapacity != nil,
			Paused:       given.GetPaused(),
			Hooks:        hooks,
		}))
	})
}

// answerGroup shows what an operation answered.
func (s groupService) answerGroup(tx *fsm.Tx) func(*autoscaling.Group, error) (*pb.Group, error) {
	return func(g *autoscaling.Group, err error) (*pb.Group, error) {
		if err != nil {
			return nil, err
		}
		return groupMessage(tx.Reader, tx.Now(), g), nil
	}
}

// answerActivity shows the activity that an operation opened, or its refusal.
func answerActivity(tx *fsm.Tx, a *autoscaling.Activity, err error) (*pb.Activity, error) {
	if a, err = accepted(a, err); err != nil {
		return nil, err
	}
	return activityMessage(tx.Reader, a), nil
}

func (s groupService) GetGroup(ctx context.Context, req *pb.GetGroupRequest) (*pb.Group, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetName()))
	if err != nil {
		return nil, err
	}
	return groupMessage(v.Reader, s.node.Now(), g), nil
}

func (s groupService) ListGroups(ctx context.Context, req *pb.ListGroupsRequest) (*pb.ListGroupsResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	now := s.node.Now()
	page, next, total, err := list(req, lister[*autoscaling.Group, *pb.Group]{
		records: v.Groups(everyNamespace(req.GetParent())),
		key:     func(g *autoscaling.Group) string { return g.Namespace + "\x00" + g.ID },
		message: func(g *autoscaling.Group) *pb.Group { return groupMessage(v.Reader, now, g) },
	})
	return &pb.ListGroupsResponse{Groups: page, NextPageToken: next, TotalSize: &total}, err
}

func (s groupService) UpdateGroup(ctx context.Context, req *pb.UpdateGroupRequest) (*pb.Group, error) {
	given := req.GetGroup()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	if mask.names(given, "desired_capacity") && given.DesiredCapacity == nil {
		return nil, autoscaling.FieldErrorf("desired_capacity", "update_mask names it, but it is not given")
	}
	if mask.names(given, "hooks") {
		return nil, autoscaling.FieldErrorf("hooks", "are given at creation only: change them one by one")
	}
	name := groupName(given.GetName())
	if mask.names(given, "balancers") || mask.names(given, "access_lists") {
		if spec, err := groupSpec(given, name.Namespace); err == nil {
			s.refresh(ctx, Dependencies{Balancers: spec.Balancers, AccessLists: spec.AccessLists})
		}
	}
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Group, error) {
		return s.answerGroup(tx)(s.operations.UpdateGroup(tx, control.UpdateGroupRequest{
			Caller:       caller(ctx, req.GetRequestId()),
			Name:         name,
			Etag:         given.GetEtag(),
			DesiredNamed: mask.names(given, "desired_capacity"),
			Change: func(meta *autoscaling.Meta, spec *autoscaling.GroupSpec) error {
				return changeGroup(mask, given, name.Namespace, meta, spec)
			},
		}))
	})
}

// changeGroup writes the masked fields into what is there.
func changeGroup(m mask, given *pb.Group, namespace string, meta *autoscaling.Meta, spec *autoscaling.GroupSpec) error {
	changed := groupSpecMessage(meta, spec)
	m.apply(changed, given)
	if changed.MaxSize == nil { // or a mask without a value would end every instance
		return autoscaling.FieldErrorf("max_size", "is required")
	}
	next, err := groupSpec(changed, namespace)
	if err != nil {
		return err
	}
	*spec = next
	meta.Labels, meta.ExternalNames = changed.GetLabels(), changed.GetExternalNames()
	return nil
}

func (s groupService) DeleteGroup(ctx context.Context, req *pb.DeleteGroupRequest) (*pb.Activity, error) {
	name := groupName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.DeleteGroup(tx, control.DeleteGroupRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Force: req.GetForce(), SkipHooks: req.GetSkipHooks(),
		})
		return answerActivity(tx, a, err)
	})
}

func (s groupService) SetDesiredCapacity(ctx context.Context, req *pb.SetDesiredCapacityRequest) (*pb.Activity, error) {
	name := groupName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name,
			Desired: req.GetDesiredCapacity(), HonorCooldown: req.GetHonorCooldown(),
		})
		return answerActivity(tx, a, err)
	})
}

func (s groupService) AdjustGroup(ctx context.Context, req *pb.AdjustGroupRequest) (*pb.Activity, error) {
	groupID := groupName(req.GetName())
	return mutate(ctx, s.Server, groupID.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.Adjust(tx, control.AdjustRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: groupID,
			AdjustmentType:         name[pb.Rule_AdjustmentType, autoscaling.AdjustmentType](req.GetAdjustmentType()),
			Adjustment:             req.GetAdjustment(),
			MinAdjustmentMagnitude: req.GetMinAdjustmentMagnitude(),
			HonorCooldown:          req.GetHonorCooldown(),
		})
		return answerActivity(tx, a, err)
	})
}

func (s groupService) PauseGroup(ctx context.Context, req *pb.PauseGroupRequest) (*pb.Group, error) {
	name := groupName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Group, error) {
		return s.answerGroup(tx)(s.operations.PauseGroup(tx, control.GroupRequest{Caller: caller(ctx, req.GetRequestId()), Name: name}))
	})
}

func (s groupService) ResumeGroup(ctx context.Context, req *pb.ResumeGroupRequest) (*pb.Group, error) {
	name := groupName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Group, error) {
		return s.answerGroup(tx)(s.operations.ResumeGroup(tx, control.GroupRequest{Caller: caller(ctx, req.GetRequestId()), Name: name}))
	})
}

func (s groupService) SuspendProcesses(ctx context.Context, req *pb.SuspendProcessesRequest) (*pb.Group, error) {
	groupID := groupName(req.GetName())
	return mutate(ctx, s.Server, groupID.Namespace, req, func(tx *fsm.Tx) (*pb.Group, error) {
		return s.answerGroup(tx)(s.operations.SuspendProcesses(tx, control.ProcessesRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: groupID,
			Processes: convertAll(req.GetProcesses(), name[pb.Group_Process, autoscaling.Process]),
		}))
	})
}

func (s groupService) ResumeProcesses(ctx context.Context, req *pb.ResumeProcessesRequest) (*pb.Group, error) {
	groupID := groupName(req.GetName())
	return mutate(ctx, s.Server, groupID.Namespace, req, func(tx *fsm.Tx) (*pb.Group, error) {
		return s.answerGroup(tx)(s.operations.ResumeProcesses(tx, control.ProcessesRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: groupID,
			Processes: convertAll(req.GetProcesses(), name[pb.Group_Process, autoscaling.Process]),
		}))
	})
}

func (s groupService) RebalanceGroup(ctx context.Context, req *pb.RebalanceGroupRequest) (*pb.Activity, error) {
	name := groupName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.RebalanceGroup(tx, control.RebalanceGroupRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, HonorCooldown: req.GetHonorCooldown(),
		})
		return answerActivity(tx, a, err)
	})
}
