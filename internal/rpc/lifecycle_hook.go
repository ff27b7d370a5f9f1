package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type lifecycleHookService struct {
	pb.UnimplementedLifecycleHookServiceServer
	*Server
}

func (s lifecycleHookService) CreateLifecycleHook(ctx context.Context, req *pb.CreateLifecycleHookRequest) (*pb.LifecycleHook, error) {
	parent := groupName(req.GetParent())
	hook := autoscaling.DefaultLifecycleHook()
	if err := readLifecycleHook(req.GetLifecycleHook(), parent.Namespace, &hook); err != nil {
		return nil, err
	}
	return mutate(ctx, s.Server, parent.Namespace, req, func(tx *fsm.Tx) (*pb.LifecycleHook, error) {
		h, err := s.operations.CreateLifecycleHook(tx, control.CreateLifecycleHookRequest{
			Caller: caller(ctx, req.GetRequestId()), Parent: parent,
			NewMeta: newMeta(req.GetLifecycleHookId(), req.GetLifecycleHook()), Hook: hook,
		})
		return answerLifecycleHook(tx, h, err)
	})
}

func answerLifecycleHook(tx *fsm.Tx, h *autoscaling.LifecycleHook, err error) (*pb.LifecycleHook, error) {
	if err != nil {
		return nil, err
	}
	return lifecycleHookMessage(tx.Reader, tx.Group(h.Group), h), nil
}

func (s lifecycleHookService) GetLifecycleHook(ctx context.Context, req *pb.GetLifecycleHookRequest) (*pb.LifecycleHook, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, h, err := control.FindLifecycleHook(v.Reader, childName(req.GetName()))
	if err != nil {
		return nil, err
	}
	return lifecycleHookMessage(v.Reader, g, h), nil
}

func (s lifecycleHookService) ListLifecycleHooks(ctx context.Context, req *pb.ListLifecycleHooksRequest) (*pb.ListLifecycleHooksResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.LifecycleHook, *pb.LifecycleHook]{
		records: v.LifecycleHooks(g.UID),
		key:     func(h *autoscaling.LifecycleHook) string { return h.ID },
		message: func(h *autoscaling.LifecycleHook) *pb.LifecycleHook { return lifecycleHookMessage(v.Reader, g, h) },
	})
	return &pb.ListLifecycleHooksResponse{LifecycleHooks: page, NextPageToken: next, TotalSize: &total}, err
}

func (s lifecycleHookService) UpdateLifecycleHook(ctx context.Context, req *pb.UpdateLifecycleHookRequest) (*pb.LifecycleHook, error) {
	given := req.GetLifecycleHook()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	name := childName(given.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.LifecycleHook, error) {
		h, err := s.operations.UpdateLifecycleHook(tx, control.UpdateLifecycleHookRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Etag: given.GetEtag(),
			Change: func(hook *autoscaling.LifecycleHook) error {
				changed := lifecycleHookSpecMessage(hook)
				mask.apply(changed, given)
				return readLifecycleHook(changed, name.Namespace, hook)
			},
		})
		return answerLifecycleHook(tx, h, err)
	})
}

func (s lifecycleHookService) DeleteLifecycleHook(ctx context.Context, req *pb.DeleteLifecycleHookRequest) (*emptypb.Empty, error) {
	name := childName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.operations.DeleteLifecycleHook(tx, control.DeleteLifecycleHookRequest{Caller: caller(ctx, req.GetRequestId()), Name: name})
	})
}
