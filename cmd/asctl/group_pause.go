package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// changeOptions are those of a verb that changes one resource and says no more
// than which.
type changeOptions struct {
	app  *app
	name string
}

// change is such a verb.
type change struct {
	kind       *kind
	use, short string
	done       string
	call       func(context.Context, grpc.ClientConnInterface, string) (proto.Message, error)
}

func (v change) command(a *app, run func(context.Context, *changeOptions) error) *cobra.Command {
	o := &changeOptions{app: a}
	return &cobra.Command{
		Use:               v.use + " " + v.kind.form(""),
		Short:             v.short,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(v.kind),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.fullName(v.kind, args[0]); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			conn, err := a.connect()
			if err != nil {
				return err
			}
			m, err := v.call(c.Context(), conn, o.name)
			if err != nil {
				return err
			}
			return a.changed(c.Context(), v.kind, m, v.done)
		},
	}
}

func newGroupPause(a *app, run func(context.Context, *changeOptions) error) *cobra.Command {
	return change{
		kind: groups, use: "pause", done: "paused",
		short: "Start nothing new; what is moving finishes",
		call: func(ctx context.Context, conn grpc.ClientConnInterface, name string) (proto.Message, error) {
			return pb.NewGroupServiceClient(conn).PauseGroup(ctx, &pb.PauseGroupRequest{Name: name})
		},
	}.command(a, run)
}

func newGroupResume(a *app, run func(context.Context, *changeOptions) error) *cobra.Command {
	return change{
		kind: groups, use: "resume", done: "resumed",
		short: "End a pause and clear the cooldown",
		call: func(ctx context.Context, conn grpc.ClientConnInterface, name string) (proto.Message, error) {
			return pb.NewGroupServiceClient(conn).ResumeGroup(ctx, &pb.ResumeGroupRequest{Name: name})
		},
	}.command(a, run)
}
