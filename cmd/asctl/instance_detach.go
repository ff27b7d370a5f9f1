package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newInstanceDetach(a *app, run func(context.Context, *instanceMoveOptions) error) *cobra.Command {
	return instanceMove{
		verb: "detach", short: "Let instances go with their machines running; others are launched unless desired is decremented", decrements: true, hooks: true,
		call: func(ctx context.Context, conn grpc.ClientConnInterface, o *instanceMoveOptions) (*pb.Activity, error) {
			return pb.NewInstanceServiceClient(conn).DetachInstances(ctx, &pb.DetachInstancesRequest{
				Parent: o.group, Instances: o.ids, DecrementDesired: o.decrement, RunHooks: o.runHooks,
			})
		},
	}.command(a, run)
}

// newInstanceReleased lists the machines that were let go.
func newInstanceReleased(a *app, run func(context.Context, *listOptions) error) *cobra.Command {
	c := newList(a, releasedMachines, run)
	c.Use, c.Aliases = "released", nil
	c.Short = "List machines that were let go alive and can be attached again"
	return c
}
