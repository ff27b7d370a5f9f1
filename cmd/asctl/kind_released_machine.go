package main

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// releasedMachines are those that were let go alive: "instance released" lists
// them.
var releasedMachines = &kind{
	noun:       "released-machine",
	collection: "releasedMachines",
	empty:      &pb.ReleasedMachine{},
	listLimit:  50,
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewInstanceServiceClient(conn).ListReleasedMachines(ctx, &pb.ListReleasedMachinesRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	columns: append([]output.Column{
		output.Col("MACHINE", func(m *pb.ReleasedMachine) string { return m.MachineId }),
		output.Col("PROVIDER", func(m *pb.ReleasedMachine) string { return m.Provider }),
		output.Col("ADDRESS", func(m *pb.ReleasedMachine) string { return strings.Join(m.Addresses, ",") }),
		output.Col("INSTANCE", func(m *pb.ReleasedMachine) string { return shortName(m.Instance) }),
		output.ColAt("AGE", func(m *pb.ReleasedMachine, now time.Time) string { return output.Age(m.ReleaseTime, now) }),
	}, output.InWide(
		output.Col("ACTIVITY", func(m *pb.ReleasedMachine) string { return shortName(m.Activity) }),
		output.Col("MISSING-SINCE", func(m *pb.ReleasedMachine) string { return output.Time(m.MissingTime) }),
	)...),
}
