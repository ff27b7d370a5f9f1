package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type scheduledTaskService struct {
	pb.UnimplementedScheduledTaskServiceServer
	*Server
}

func (s scheduledTaskService) CreateScheduledTask(ctx context.Context, req *pb.CreateScheduledTaskRequest) (*pb.ScheduledTask, error) {
	task := autoscaling.DefaultScheduledTask()
	if err := readScheduledTask(req.GetScheduledTask(), req.GetParent(), &task); err != nil {
		return nil, err
	}
	parent := groupName(req.GetParent())
	return mutate(ctx, s.Server, parent.Namespace, req, func(tx *fsm.Tx) (*pb.ScheduledTask, error) {
		t, err := s.operations.CreateScheduledTask(tx, control.CreateScheduledTaskRequest{
			Caller: caller(ctx, req.GetRequestId()), Parent: parent,
			NewMeta: newMeta(req.GetScheduledTaskId(), req.GetScheduledTask()), Task: task,
		})
		return answerScheduledTask(tx, t, err)
	})
}

func answerScheduledTask(tx *fsm.Tx, t *autoscaling.ScheduledTask, err error) (*pb.ScheduledTask, error) {
	if err != nil {
		return nil, err
	}
	return scheduledTaskMessage(tx.Reader, tx.Group(t.Group), t), nil
}

func (s scheduledTaskService) GetScheduledTask(ctx context.Context, req *pb.GetScheduledTaskRequest) (*pb.ScheduledTask, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, t, err := control.FindScheduledTask(v.Reader, childName(req.GetName()))
	if err != nil {
		return nil, err
	}
	return scheduledTaskMessage(v.Reader, g, t), nil
}

func (s scheduledTaskService) ListScheduledTasks(ctx context.Context, req *pb.ListScheduledTasksRequest) (*pb.ListScheduledTasksResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.ScheduledTask, *pb.ScheduledTask]{
		records: v.ScheduledTasks(g.UID),
		key:     func(t *autoscaling.ScheduledTask) string { return t.ID },
		message: func(t *autoscaling.ScheduledTask) *pb.ScheduledTask { return scheduledTaskMessage(v.Reader, g, t) },
	})
	return &pb.ListScheduledTasksResponse{ScheduledTasks: page, NextPageToken: next, TotalSize: &total}, err
}

func (s scheduledTaskService) UpdateScheduledTask(ctx context.Context, req *pb.UpdateScheduledTaskRequest) (*pb.ScheduledTask, error) {
	given := req.GetScheduledTask()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	name := childName(given.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.ScheduledTask, error) {
		t, err := s.operations.UpdateScheduledTask(tx, control.UpdateScheduledTaskRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Etag: given.GetEtag(),
			Change: func(task *autoscaling.ScheduledTask) error {
				changed := scheduledTaskSpecMessage(task)
				mask.apply(changed, given)
				return readScheduledTask(changed, autoscaling.GroupResource(name.Namespace, name.Group), task)
			},
		})
		return answerScheduledTask(tx, t, err)
	})
}

func (s scheduledTaskService) DeleteScheduledTask(ctx context.Context, req *pb.DeleteScheduledTaskRequest) (*emptypb.Empty, error) {
	name := childName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.operations.DeleteScheduledTask(tx, control.DeleteScheduledTaskRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name,
		})
	})
}
