package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newAlarmTaskEnable(a *app, run func(context.Context, *changeOptions) error) *cobra.Command {
	return change{
		kind: alarmTasks, use: "enable", done: "enabled",
		short: "Evaluate it again",
		call: func(ctx context.Context, conn grpc.ClientConnInterface, name string) (proto.Message, error) {
			return pb.NewAlarmTaskServiceClient(conn).EnableAlarmTask(ctx, &pb.EnableAlarmTaskRequest{Name: name})
		},
	}.command(a, run)
}

func newAlarmTaskDisable(a *app, run func(context.Context, *changeOptions) error) *cobra.Command {
	return change{
		kind: alarmTasks, use: "disable", done: "disabled",
		short: "Neither evaluate it nor let it ask",
		call: func(ctx context.Context, conn grpc.ClientConnInterface, name string) (proto.Message, error) {
			return pb.NewAlarmTaskServiceClient(conn).DisableAlarmTask(ctx, &pb.DisableAlarmTaskRequest{Name: name})
		},
	}.command(a, run)
}
