package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type createOptions struct {
	app        *app
	kind       *kind
	parent, id string
	resource   proto.Message
}

func newCreate(a *app, k *kind, run func(context.Context, *createOptions) error) *cobra.Command {
	var flags fieldFlags
	c := &cobra.Command{
		Use:   "create " + k.form(""),
		Short: "Create " + k.article(),
		Args:  arguments(cobra.ExactArgs(1)),
	}
	if k == configurations {
		c.Use += " [-- COMMAND...]"
		c.Args = arguments(cobra.MinimumNArgs(1))
	}
	c.ValidArgsFunction = a.completeParent(k)
	flags.register(a, c, k, false)
	c.RunE = func(c *cobra.Command, args []string) error {
		name, err := a.fullName(k, args[0])
		if err != nil {
			return err
		}
		o := &createOptions{app: a, kind: k}
		o.parent, o.id = parentOf(name)
		m, paths, err := flags.resource()
		if err != nil {
			return err
		}
		if err := flags.addPresets(m, paths); err != nil {
			return err
		}
		o.resource = m
		if len(args) > 1 {
			if c.ArgsLenAtDash() != 1 || c.Flags().Changed("command") {
				return usagef("expected one name; a command goes behind -- or into --command")
			}
			m.(*pb.Configuration).Command = args[1:]
		}
		if run != nil {
			return run(c.Context(), o)
		}
		return o.run(c.Context())
	}
	return c
}

func (o *createOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	created, err := o.kind.create(ctx, conn, o.parent, o.id, o.resource)
	if err != nil {
		return err
	}
	if err := o.app.changed(ctx, o.kind, created, "created"); err != nil {
		return err
	}
	o.app.tellSecret(created, secretOf(o.resource))
	return nil
}

// changed shows a resource that was changed: itself if a format was asked for,
// else a line that says so. With --wait it first waits for what the change began.
func (a *app) changed(ctx context.Context, k *kind, m proto.Message, what string) error {
	if g, ok := m.(*pb.Group); ok && a.global.wait && !a.global.dryRun {
		settled, err := a.waitForGroup(ctx, g.Name)
		if err != nil {
			return err
		}
		m = settled
	}
	if a.global.formatGiven {
		return a.printer().One(m, k.columns)
	}
	a.done(k.noun, nameOf(m), what)
	return nil
}

// started shows an activity that was started; with --wait, when it has ended.
func (a *app) started(ctx context.Context, activity *pb.Activity) error {
	var failure error
	if a.global.wait && !a.global.dryRun {
		ended, err := a.waitForActivity(ctx, activity)
		if ended == nil {
			return err
		}
		activity, failure = ended, err
	}
	if err := a.printer().One(activity, activities.columns); err != nil {
		return err
	}
	return failure
}

// keyOf tells things in lists apart.
func keyOf(m proto.Message) string {
	if key := keyWithoutName(m); key != "" {
		return key
	}
	return nameOf(m)
}

// keyWithoutName is what things without a name have in its place; empty for others.
func keyWithoutName(m proto.Message) string {
	switch m := m.(type) {
	case *pb.LifecycleAction:
		return m.Token
	case *pb.Delivery:
		return m.Id
	case *pb.ReleasedMachine:
		return m.MachineId
	}
	return ""
}

// nameOf is the name that every resource has.
func nameOf(m proto.Message) string {
	return m.ProtoReflect().Get(m.ProtoReflect().Descriptor().Fields().ByName("name")).String()
}
