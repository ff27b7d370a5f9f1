package rpc

import (
	"context"
	"fmt"
	"math"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type activityService struct {
	pb.UnimplementedActivityServiceServer
	*Server
}

func (s activityService) GetActivity(ctx context.Context, req *pb.GetActivityRequest) (*pb.Activity, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	return readActivity(v.Reader, childName(req.GetName()))
}

func readActivity(r fsm.Reader, name control.ChildName) (*pb.Activity, error) {
	_, a, err := control.FindActivity(r, name)
	if err != nil {
		return nil, err
	}
	return activityMessage(r, a), nil
}

func (s activityService) ListActivities(ctx context.Context, req *pb.ListActivitiesRequest) (*pb.ListActivitiesResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := findGroupOrDeleted(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	page, next, total, err := list(req, lister[*autoscaling.Activity, *pb.Activity]{
		records: v.Activities(g.UID),
		key:     func(a *autoscaling.Activity) string { return fmt.Sprintf("%020d", math.MaxUint64-uint64(a.ID)) },
		message: func(a *autoscaling.Activity) *pb.Activity { return activitySummary(v.Reader, a) },
		full:    func(a *autoscaling.Activity, m *pb.Activity) { addOutcomes(v.Reader, a, m) },
	})
	return &pb.ListActivitiesResponse{Activities: page, NextPageToken: next, TotalSize: &total}, err
}

// findGroupOrDeleted looks a group up that lives or, when there is none, the one
// that had the name last; a uid names exactly one.
func findGroupOrDeleted(r fsm.Reader, name control.GroupName) (*autoscaling.Group, error) {
	g, err := control.FindGroup(r, name)
	if err == nil {
		return g, nil
	}
	var last *autoscaling.Group
	if autoscaling.IsUID(name.ID) {
		if g := r.Group(autoscaling.UID(name.ID)); g != nil && g.Namespace == name.Namespace {
			last = g
		}
	}
	for g := range r.DeletedGroups(name.Namespace, name.ID) {
		if last == nil || g.DeleteTime > last.DeleteTime {
			last = g
		}
	}
	if last == nil {
		return nil, err
	}
	return last, nil
}
