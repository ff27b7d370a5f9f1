package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type groupProcessesOptions struct {
	app       *app
	name      string
	processes []pb.Group_Process
}

// processesVerb is suspend or resume-processes.
type processesVerb struct {
	use, short, done string
	call             func(context.Context, grpc.ClientConnInterface, *groupProcessesOptions) (*pb.Group, error)
}

func newGroupSuspend(a *app, run func(context.Context, *groupProcessesOptions) error) *cobra.Command {
	return processesVerb{
		use: "suspend", done: "processes suspended",
		short: "Suspend processes",
		call: func(ctx context.Context, conn grpc.ClientConnInterface, o *groupProcessesOptions) (*pb.Group, error) {
			return pb.NewGroupServiceClient(conn).SuspendProcesses(ctx, &pb.SuspendProcessesRequest{Name: o.name, Processes: o.processes})
		},
	}.command(a, run)
}

func newGroupResumeProcesses(a *app, run func(context.Context, *groupProcessesOptions) error) *cobra.Command {
	return processesVerb{
		use: "resume-processes", done: "processes resumed",
		short: "Let suspended processes run again",
		call: func(ctx context.Context, conn grpc.ClientConnInterface, o *groupProcessesOptions) (*pb.Group, error) {
			return pb.NewGroupServiceClient(conn).ResumeProcesses(ctx, &pb.ResumeProcessesRequest{Name: o.name, Processes: o.processes})
		},
	}.command(a, run)
}

func (v processesVerb) command(a *app, run func(context.Context, *groupProcessesOptions) error) *cobra.Command {
	o := &groupProcessesOptions{app: a}
	words := wordsOf(pb.Group_Process(0).Descriptor())
	return &cobra.Command{
		Use:   v.use + " GROUP PROCESS...",
		Short: v.short + ": " + strings.Join(words, ", "),
		Args:  arguments(cobra.MinimumNArgs(2)),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return words, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeNames(groups)(c, args, typed)
		},
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.groupName(args[0]); err != nil {
				return err
			}
			for word := range strings.SplitSeq(strings.Join(args[1:], ","), ",") {
				value, err := parseEnum(pb.Group_Process(0).Descriptor(), word)
				if err != nil {
					return usageError{err}
				}
				o.processes = append(o.processes, pb.Group_Process(value.Enum()))
			}
			if run != nil {
				return run(c.Context(), o)
			}
			conn, err := a.connect()
			if err != nil {
				return err
			}
			group, err := v.call(c.Context(), conn, o)
			if err != nil {
				return err
			}
			return a.changed(c.Context(), groups, group, v.done)
		},
	}
}
