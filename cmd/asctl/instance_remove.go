package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newInstanceRemove(a *app, run func(context.Context, *instanceMoveOptions) error) *cobra.Command {
	return instanceMove{
		verb: "remove", short: "Terminate instances; others are launched unless desired is decremented", decrements: true,
		call: func(ctx context.Context, conn grpc.ClientConnInterface, o *instanceMoveOptions) (*pb.Activity, error) {
			return pb.NewInstanceServiceClient(conn).RemoveInstances(ctx, &pb.RemoveInstancesRequest{Parent: o.group, Instances: o.ids, DecrementDesired: o.decrement})
		},
	}.command(a, run)
}
