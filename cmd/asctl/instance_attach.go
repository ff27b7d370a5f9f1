package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type instanceAttachOptions struct {
	app       *app
	group     string
	machines  []string
	entrusted bool
	runHooks  bool
}

func newInstanceAttach(a *app, run func(context.Context, *instanceAttachOptions) error) *cobra.Command {
	o := &instanceAttachOptions{app: a}
	c := &cobra.Command{
		Use:   "attach GROUP MACHINE...",
		Short: "Take machines that exist into a group; desired grows by their number",
		Long: `Take machines that exist at the group's provider into the group, at most 100; desired grows by their number. All are taken, or
none. A machine is named as its provider does: a process is PID@ADDRESS.`,
		Example: "  asctl instance attach web 4711@127.0.0.2 --wait",
		Args:    arguments(cobra.MinimumNArgs(2)),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.completeNames(groups)(c, args, typed)
			}
			return a.offered(c, releasedMachines, a.namespaceName(), typed, func(m proto.Message) string { return m.(*pb.ReleasedMachine).MachineId })
		},
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.group, err = a.groupName(args[0]); err != nil {
				return err
			}
			o.machines = args[1:]
			if err := eachOnce(o.machines); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().BoolVar(&o.entrusted, "entrusted", false, "the machines may be deleted when their instances go; else they are only ever let go")
	c.Flags().BoolVar(&o.runHooks, "run-hooks", false, "let the group's launching hooks hold them")
	return c
}

func (o *instanceAttachOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	activity, err := pb.NewInstanceServiceClient(conn).AttachInstances(ctx, &pb.AttachInstancesRequest{
		Parent: o.group, MachineIds: o.machines, Entrusted: o.entrusted, RunHooks: o.runHooks,
	})
	if err != nil {
		return ofItems(err, "machine_ids", o.machines)
	}
	return o.app.started(ctx, activity)
}
