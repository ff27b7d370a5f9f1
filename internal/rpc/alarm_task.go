package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type alarmTaskService struct {
	pb.UnimplementedAlarmTaskServiceServer
	*Server
}

func (s alarmTaskService) CreateAlarmTask(ctx context.Context, req *pb.CreateAlarmTaskRequest) (*pb.AlarmTask, error) {
	alarm := autoscaling.DefaultAlarmTask()
	if err := readAlarmTask(req.GetAlarmTask(), req.GetParent(), &alarm); err != nil {
		return nil, err
	}
	parent := groupName(req.GetParent())
	return mutate(ctx, s.Server, parent.Namespace, req, func(tx *fsm.Tx) (*pb.AlarmTask, error) {
		a, err := s.operations.CreateAlarmTask(tx, control.CreateAlarmTaskRequest{
			Caller: caller(ctx, req.GetRequestId()), Parent: parent,
			NewMeta: newMeta(req.GetAlarmTaskId(), req.GetAlarmTask()), Alarm: alarm,
		})
		return answerAlarmTask(tx, a, err)
	})
}

func answerAlarmTask(tx *fsm.Tx, a *autoscaling.AlarmTask, err error) (*pb.AlarmTask, error) {
	if err != nil {
		return nil, err
	}
	return alarmTaskMessage(tx.Reader, tx.Group(a.Group), a), nil
}

func (s alarmTaskService) GetAlarmTask(ctx context.Context, req *pb.GetAlarmTaskRequest) (*pb.AlarmTask, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, a, err := control.FindAlarmTask(v.Reader, childName(req.GetName()))
	if err != nil {
		return nil, err
	}
	return alarmTaskMessage(v.Reader, g, a), nil
}

func (s alarmTaskService) ListAlarmTasks(ctx context.Context, req *pb.ListAlarmTasksRequest) (*pb.ListAlarmTasksResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.AlarmTask, *pb.AlarmTask]{
		records: v.AlarmTasks(g.UID),
		key:     func(a *autoscaling.AlarmTask) string { return a.ID },
		message: func(a *autoscaling.AlarmTask) *pb.AlarmTask { return alarmTaskMessage(v.Reader, g, a) },
	})
	return &pb.ListAlarmTasksResponse{AlarmTasks: page, NextPageToken: next, TotalSize: &total}, err
}

func (s alarmTaskService) UpdateAlarmTask(ctx context.Context, req *pb.UpdateAlarmTaskRequest) (*pb.AlarmTask, error) {
	given := req.GetAlarmTask()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	name := childName(given.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.AlarmTask, error) {
		a, err := s.operations.UpdateAlarmTask(tx, control.UpdateAlarmTaskRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Etag: given.GetEtag(),
			Change: func(alarm *autoscaling.AlarmTask) error {
				changed := alarmTaskSpecMessage(alarm)
				mask.apply(changed, given)
				return readAlarmTask(changed, autoscaling.GroupResource(name.Namespace, name.Group), alarm)
			},
		})
		return answerAlarmTask(tx, a, err)
	})
}

func (s alarmTaskService) DeleteAlarmTask(ctx context.Context, req *pb.DeleteAlarmTaskRequest) (*emptypb.Empty, error) {
	name := childName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.operations.DeleteAlarmTask(tx, control.AlarmTaskRequest{Caller: caller(ctx, req.GetRequestId()), Name: name})
	})
}

func (s alarmTaskService) EnableAlarmTask(ctx context.Context, req *pb.EnableAlarmTaskRequest) (*pb.AlarmTask, error) {
	name := childName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.AlarmTask, error) {
		a, err := s.operations.EnableAlarmTask(tx, control.AlarmTaskRequest{Caller: caller(ctx, req.GetRequestId()), Name: name})
		return answerAlarmTask(tx, a, err)
	})
}

func (s alarmTaskService) DisableAlarmTask(ctx context.Context, req *pb.DisableAlarmTaskRequest) (*pb.AlarmTask, error) {
	name := childName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.AlarmTask, error) {
		a, err := s.operations.DisableAlarmTask(tx, control.AlarmTaskRequest{Caller: caller(ctx, req.GetRequestId()), Name: name})
		return answerAlarmTask(tx, a, err)
	})
}
