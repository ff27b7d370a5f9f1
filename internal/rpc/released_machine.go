package rpc

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func (s instanceService) ListReleasedMachines(ctx context.Context, req *pb.ListReleasedMachinesRequest) (*pb.ListReleasedMachinesResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	namespace := everyNamespace(req.GetParent())
	var all []*autoscaling.Released
	for m := range v.AllReleased() {
		if namespace == "" || m.Namespace == namespace {
			all = append(all, m)
		}
	}
	key := func(m *autoscaling.Released) string { // newest first
		return fmt.Sprintf("%020d%s\x00%s", math.MaxInt64-int64(m.Time), m.Provider, m.MachineID)
	}
	slices.SortFunc(all, func(a, b *autoscaling.Released) int { return strings.Compare(key(a), key(b)) })
	page, next, total, err := list(req, lister[*autoscaling.Released, *pb.ReleasedMachine]{
		records: slices.Values(all), key: key, message: releasedMachineMessage,
	})
	return &pb.ListReleasedMachinesResponse{ReleasedMachines: page, NextPageToken: next, TotalSize: &total}, err
}

// releasedMachineMessage shows a machine that was let go alive.
func releasedMachineMessage(r *autoscaling.Released) *pb.ReleasedMachine {
	m := &pb.ReleasedMachine{
		Provider:    r.Provider,
		MachineId:   r.MachineID,
		Instance:    autoscaling.InstanceResource(r.Namespace, r.GroupID, r.Instance),
		Group:       autoscaling.GroupResource(r.Namespace, r.GroupID),
		Addresses:   r.Addresses,
		ReleaseTime: timestamp(r.Time),
		MissingTime: timestamp(r.MissingSince),
	}
	if r.Activity != 0 {
		m.Activity = autoscaling.ActivityResource(r.Namespace, r.GroupID, r.Activity)
	}
	return m
}
