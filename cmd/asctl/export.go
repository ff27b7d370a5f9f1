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
	return newBranch("export", "Write manifests of what is there", newExportGroup(a, nil), newExportConfiguration(a, nil))
}

type exportOptions struct {
	app   *app
	names []string
}

func newExportGroup(a *app, run func(context.Context, *exportOptions) error) *cobra.Command {
	return exportCommand(a, groups, "Write a group with its configuration, rules and tasks", (*exporter).group, run)
}

func newExportConfiguration(a *app, run func(context.Context, *exportOptions) error) *cobra.Command {
	return exportCommand(a, configurations, "Write a configuration", (*exporter).configuration, run)
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
	for _, k := range []*kind{rules, alarmTasks, scheduledTasks} {
		_, items, err := listAll(ctx, e.conn, k, listRequest{parent: name}, 0)
		if err != nil {
			return err
		}
		for _, m := range items {
			if err := e.write(k, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *exporter) configuration(ctx context.Context, name string) error {
	if slices.Contains(e.written, name) {
		return nil
	}
	m, err := configurations.get(ctx, e.conn, name, pb.Consistency_CONSISTENCY_UNSPECIFIED)
	if err != nil {
		return err
	}
	return e.write(configurations, m)
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
