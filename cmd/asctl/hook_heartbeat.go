package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type hookHeartbeatOptions struct {
	app     *app
	address actionAddress
}

func newHookHeartbeat(a *app, run func(context.Context, *hookHeartbeatOptions) error) *cobra.Command {
	o := &hookHeartbeatOptions{app: a}
	c := &cobra.Command{
		Use:               "heartbeat GROUP",
		Short:             "Say that the program is still at it: the deadline begins anew",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(groups),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.address.read(a, args); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	o.address.register(a, c)
	return c
}

func (o *hookHeartbeatOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	s := o.address
	answer, err := pb.NewLifecycleHookServiceClient(conn).RecordLifecycleActionHeartbeat(ctx, &pb.RecordLifecycleActionHeartbeatRequest{
		Parent: s.group, Token: s.token, Instance: s.instance, Hook: s.hook, Activity: s.activity,
	})
	if err != nil {
		return err
	}
	now := o.app.now()
	return o.app.answered(answer, answer.LifecycleActions, func(w *pb.LifecycleAction) string {
		return "hook " + output.Last(w.Hook) + ": waits until " + output.Time(w.Deadline) + " (" + timeLeft(w, now) + ")"
	})
}
