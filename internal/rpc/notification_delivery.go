package rpc

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strconv"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func (s notificationService) ListDeliveries(ctx context.Context, req *pb.ListDeliveriesRequest) (*pb.ListDeliveriesResponse, error) {
	page, next, total, err := s.deliveries(ctx, req, fsm.Reader.Deliveries)
	return &pb.ListDeliveriesResponse{Deliveries: page, NextPageToken: next, TotalSize: &total}, err
}

func (s notificationService) ListDeadLetters(ctx context.Context, req *pb.ListDeadLettersRequest) (*pb.ListDeadLettersResponse, error) {
	page, next, total, err := s.deliveries(ctx, req, fsm.Reader.DeadLetters)
	return &pb.ListDeadLettersResponse{DeadLetters: page, NextPageToken: next, TotalSize: &total}, err
}

type listDeliveries interface {
	listRequest
	GetParent() string
	GetConsistency() pb.Consistency
}

func (s notificationService) deliveries(ctx context.Context, req listDeliveries,
	of func(fsm.Reader, autoscaling.UID) iter.Seq[*autoscaling.Delivery],
) ([]*pb.Delivery, string, int32, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, "", 0, err
	}
	t, err := control.FindNotificationTarget(v.Reader, targetName(req.GetParent()))
	if err != nil {
		return nil, "", 0, err
	}
	return list(req, lister[*autoscaling.Delivery, *pb.Delivery]{
		records: of(v.Reader, t.UID),
		key:     func(d *autoscaling.Delivery) string { return fmt.Sprintf("%020d", d.ID) },
		message: deliveryMessage,
	})
}

func (s notificationService) RedeliverDeadLetters(ctx context.Context, req *pb.RedeliverDeadLettersRequest) (*pb.RedeliverDeadLettersResponse, error) {
	name := targetName(req.GetParent())
	ids := []uint64{0} // the oldest
	if given := req.GetDeadLetters(); len(given) > 0 {
		ids = ids[:0]
		for i, text := range given {
			id, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return nil, autoscaling.FieldErrorf(fmt.Sprintf("dead_letters[%d]", i), "%q is not the id of a delivery", text)
			}
			ids = append(ids, id)
		}
	}
	return mutateOr(ctx, s.Server, name.Namespace, req, func(tx *fsm.Tx) (*pb.RedeliverDeadLettersResponse, error) {
		var count, left int
		for _, id := range ids {
			done, err := s.operations.RedeliverNotification(tx, control.RedeliverNotificationRequest{
				Caller: caller(ctx, req.GetRequestId()), Name: name, Delivery: id,
			})
			if err != nil {
				return nil, err
			}
			count, left = count+done.Queued, done.Left
		}
		queued, remaining := int32(min(count, math.MaxInt32)), int32(min(left, math.MaxInt32))
		return &pb.RedeliverDeadLettersResponse{Count: &queued, Left: &remaining}, nil
	}, neverBig[*pb.RedeliverDeadLettersResponse])
}

// neverBig is for answers that are always kept.
func neverBig[A any](*fsm.Tx, string) (A, error) { panic("rpc: a small answer was not kept") }
