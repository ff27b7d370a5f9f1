package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func (s notificationService) CreateNotification(ctx context.Context, req *pb.CreateNotificationRequest) (*pb.Notification, error) {
	var notification autoscaling.Notification
	parent := groupName(req.GetParent())
	if err := readNotification(req.GetNotification(), parent.Namespace, &notification); err != nil {
		return nil, err
	}
	return mutate(ctx, s.Server, parent.Namespace, req, func(tx *fsm.Tx) (*pb.Notification, error) {
		n, err := s.operations.CreateNotification(tx, control.CreateNotificationRequest{
			Caller: caller(ctx, req.GetRequestId()), Parent: parent,
			NewMeta: newMeta(req.GetNotificationId(), req.GetNotification()), Notification: notification,
		})
		return answerNotification(tx, n, err)
	})
}

func answerNotification(tx *fsm.Tx, n *autoscaling.Notification, err error) (*pb.Notification, error) {
	if err != nil {
		return nil, err
	}
	return notificationMessage(tx.Reader, tx.Group(n.Group), n), nil
}

func (s notificationService) GetNotification(ctx context.Context, req *pb.GetNotificationRequest) (*pb.Notification, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, n, err := control.FindNotification(v.Reader, childName(req.GetName()))
	if err != nil {
		return nil, err
	}
	return notificationMessage(v.Reader, g, n), nil
}

func (s notificationService) ListNotifications(ctx context.Context, req *pb.ListNotificationsRequest) (*pb.ListNotificationsResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.Notification, *pb.Notification]{
		records: v.Notifications(g.UID),
		key:     func(n *autoscaling.Notification) string { return n.ID },
		message: func(n *autoscaling.Notification) *pb.Notification { return notificationMessage(v.Reader, g, n) },
	})
	return &pb.ListNotificationsResponse{Notifications: page, NextPageToken: next, TotalSize: &total}, err
}

func (s notificationService) UpdateNotification(ctx context.Context, req *pb.UpdateNotificationRequest) (*pb.Notification, error) {
	given := req.GetNotification()
	mask, err := parseMask(req.GetUpdateMask(), given)
	if err != nil {
		return nil, err
	}
	name := childName(given.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.Notification, error) {
		n, err := s.operations.UpdateNotification(tx, control.UpdateNotificationRequest{
			Caller: caller(ctx, req.GetRequestId()), Name: name, Etag: given.GetEtag(),
			Change: func(notification *autoscaling.Notification) error {
				changed := notificationSpecMessage(notification)
				mask.apply(changed, given)
				return readNotification(changed, name.Namespace, notification)
			},
		})
		return answerNotification(tx, n, err)
	})
}

func (s notificationService) DeleteNotification(ctx context.Context, req *pb.DeleteNotificationRequest) (*emptypb.Empty, error) {
	name := childName(req.GetName())
	return mutate(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, s.operations.DeleteNotification(tx, control.DeleteNotificationRequest{Caller: caller(ctx, req.GetRequestId()), Name: name})
	})
}
