package rpc

import (
	"context"

	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// What people do to instances by hand. Each takes a batch that is accepted or
// refused as a whole, and answers with its activity.

func (s instanceService) AttachInstances(ctx context.Context, req *pb.AttachInstancesRequest) (*pb.Activity, error) {
	group := groupName(req.GetParent())
	needed, err := s.neededToAttach(ctx, group, req.GetMachineIds())
	if err != nil {
		return nil, err
	}
	s.refresh(ctx, needed)
	return mutate(ctx, s.Server, group.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.AttachInstances(tx, control.AttachInstancesRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: group, MachineIDs: req.GetMachineIds(),
			Entrusted: req.GetEntrusted(), RunHooks: req.GetRunHooks(),
		})
		return answerActivity(tx, a, err)
	})
}

// neededToAttach are the machines of the group's provider by the names, and what
// they are to be registered with. Where the group has no configuration there is no
// provider to ask: the operation says so.
func (s instanceService) neededToAttach(ctx context.Context, group control.GroupName, ids []string) (Dependencies, error) {
	v, err := s.node.LinearizableView(ctx)
	if err != nil {
		return Dependencies{}, err
	}
	g, err := control.FindGroup(v.Reader, group)
	if err != nil { // the operation says so; or the request is a repeated one
		return Dependencies{}, nil
	}
	d := Dependencies{Balancers: g.Balancers, AccessLists: g.AccessLists}
	if provider := control.ProviderOf(v.Reader, g); provider != "" {
		d.Machines = convertAll(ids, func(id string) MachineRef { return MachineRef{Provider: provider, MachineID: id} })
	}
	return d, nil
}

func (s instanceService) DetachInstances(ctx context.Context, req *pb.DetachInstancesRequest) (*pb.Activity, error) {
	group, ids, err := namedInstances(req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Server, group.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.DetachInstances(tx, control.DetachInstancesRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: group, Instances: ids,
			Decrement: req.GetDecrementDesired(), RunHooks: req.GetRunHooks(),
		})
		return answerActivity(tx, a, err)
	})
}

func (s instanceService) EnterStandby(ctx context.Context, req *pb.EnterStandbyRequest) (*pb.Activity, error) {
	group, ids, err := namedInstances(req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Server, group.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.EnterStandby(tx, control.EnterStandbyRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: group, Instances: ids, Decrement: req.GetDecrementDesired(),
		})
		return answerActivity(tx, a, err)
	})
}

func (s instanceService) ExitStandby(ctx context.Context, req *pb.ExitStandbyRequest) (*pb.Activity, error) {
	group, ids, err := namedInstances(req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Server, group.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.ExitStandby(tx, control.ExitStandbyRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: group, Instances: ids,
		})
		return answerActivity(tx, a, err)
	})
}

func (s instanceService) RemoveInstances(ctx context.Context, req *pb.RemoveInstancesRequest) (*pb.Activity, error) {
	group, ids, err := namedInstances(req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, s.Server, group.Namespace, req, func(tx *fsm.Tx) (*pb.Activity, error) {
		a, err := s.operations.RemoveInstances(tx, control.RemoveInstancesRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: group, Instances: ids, Decrement: req.GetDecrementDesired(),
		})
		return answerActivity(tx, a, err)
	})
}

// namedInstances are the group that a batch is of, and its instances' ids.
func namedInstances(req interface {
	GetParent() string
	GetInstances() []string
}) (control.GroupName, []string, error) {
	ids, err := localIDs("instances", req.GetInstances(), req.GetParent()+"/instances/")
	return groupName(req.GetParent()), ids, err
}
