package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newInstanceEnterStandby(a *app, run func(context.Context, *instanceMoveOptions) error) *cobra.Command {
	return instanceMove{
		verb: "enter-standby", short: "Take instances out of traffic for a while; others are launched unless desired is decremented", decrements: true,
		call: func(ctx context.Context, conn grpc.ClientConnInterface, o *instanceMoveOptions) (*pb.Activity, error) {
			return pb.NewInstanceServiceClient(conn).EnterStandby(ctx, &pb.EnterStandbyRequest{Parent: o.group, Instances: o.ids, DecrementDesired: o.decrement})
		},
	}.command(a, run)
}

func newInstanceExitStandby(a *app, run func(context.Context, *instanceMoveOptions) error) *cobra.Command {
	return instanceMove{
		verb: "exit-standby", short: "Put instances in standby back to work; desired grows by their number",
		call: func(ctx context.Context, conn grpc.ClientConnInterface, o *instanceMoveOptions) (*pb.Activity, error) {
			return pb.NewInstanceServiceClient(conn).ExitStandby(ctx, &pb.ExitStandbyRequest{Parent: o.group, Instances: o.ids})
		},
	}.command(a, run)
}
