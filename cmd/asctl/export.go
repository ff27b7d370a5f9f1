package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/manifest"
	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newExport(a *app) *cobra.Command {
	return newBranch("export", "Write manifests of what is there", newExportGroup(a, nil), newExportConfiguration(a, nil), newExportNotificationTarget(a, nil))
}

type exportOptions struct {
	app   *app
	names []string
}

func newExportGroup(a *app, run func(context.Context, *exportOptions) error) *cobra.Command {
	return exportCommand(a, groups, "Write a group with its configuration, hooks, rules, tasks, notifications and their targets", (*exporter).group, run)
}

func newExportConfiguration(a *app, run func(context.Context, *exportOptions) error) *cobra.Command {
	return exportCommand(a, configurations, "Write a configuration", (*exporter).configuration, run)
}

func newExportNotificationTarget(a *app, run func(context.Context, *exportOptions) error) *cobra.Command {
	return exportCommand(a, notificationTargets, "Write a notification target, without its secret", (*exporter).target, run)
}

func exportCommand(a *app, k *kind, short string, export func(*exporter, context.Context, string) error, run func(context.Context, *exportOptions) error) *cobra.Command {
	o := &exportOptions{app: a}
	return &cobra.Command{
		Use:               k.noun + " " + k.form("") + "...",
		Short:             short + "; applied again, they change nothing",
		Args:              arguments(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeNames(k),
		RunE: func(c *cobra.Command, args []string) error {
			for _, arg := range args {
				name, err := a.fullName(k, arg)
				if err != nil {
					return err
				}
				o.names = append(o.names, name)
			}
			if run != nil {
				return run(c.Context(), o)
			}
			conn, err := a.connect()
			if err != nil {
				return err
			}
			e := &exporter{app: a, conn: conn}
			for _, name := range o.names {
				if err := export(e, c.Context(), name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// exporter writes documents. What several groups share is written once.
type exporter struct {
	app     *app
	conn    grpc.ClientConnInterface
	written []string
}

func (e *exporter) group(ctx context.Context, name string) error {
	m, err := groups.get(ctx, e.conn, name, pb.Consistency_CONSISTENCY_UNSPECIFIED)
	if err != nil {
		return err
	}
	if c := m.(*pb.Group).GetConfiguration().GetName(); c != "" {
		full := "namespaces/" + namespaceOf(name) + "/configurations/" + output.Last(c)
		if err := e.configuration(ctx, full); err != nil {
			return err
		}
	}
	if err := e.write(groups, m); err != nil {
		return err
	}
	for _, k := range []*kind{hooks, rules, alarmTasks, scheduledTasks, notifications} {
		_, items, err := listAll(ctx, e.conn, k, listRequest{parent: name}, 0)
		if err != nil {
			return err
		}
		for _, m := range items {
			if err := e.targetOf(ctx, m); err != nil {
				return err
			}
			if err := e.write(k, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// targetOf writes the notification target that a hook or a notification names.
func (e *exporter) targetOf(ctx context.Context, m proto.Message) error {
	reference := ""
	switch m := m.(type) {
	case *pb.LifecycleHook:
		reference = m.NotificationTarget
	case *pb.Notification:
		reference = m.Target
	}
	if reference == "" {
		return nil
	}
	return e.target(ctx, "namespaces/"+namespaceOf(nameOf(m))+"/notificationTargets/"+output.Last(reference))
}

func (e *exporter) target(ctx context.Context, name string) error {
	return e.once(ctx, notificationTargets, name)
}

func (e *exporter) configuration(ctx context.Context, name string) error {
	return e.once(ctx, configurations, name)
}

// once writes what several groups may share.
func (e *exporter) once(ctx context.Context, k *kind, name string) error {
	if slices.Contains(e.written, name) {
		return nil
	}
	m, err := k.get(ctx, e.conn, name, pb.Consistency_CONSISTENCY_UNSPECIFIED)
	if err != nil {
		return err
	}
	return e.write(k, m)
}

func (e *exporter) write(k *kind, m proto.Message) error {
	i := slices.IndexFunc(manifestKinds, func(mk manifest.Kind) bool { return mk.Name == k.manifest })
	text, err := manifest.Write(manifestKinds[i], m)
	if err != nil {
		return err
	}
	if len(e.written) > 0 {
		text = append([]byte("---\n"), text...)
	}
	e.written = append(e.written, nameOf(m))
	_, err = e.app.out.Write(text)
	return err
}
