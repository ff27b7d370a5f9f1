package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type deleteOneOptions struct {
	app   *app
	kind  *kind
	names []string
	how   removal
}

func newDeleteOne(a *app, k *kind, run func(context.Context, *deleteOneOptions) error) *cobra.Command {
	o := &deleteOneOptions{app: a, kind: k}
	c := &cobra.Command{
		Use:               "delete " + k.form("") + "...",
		Aliases:           []string{"rm"},
		Short:             "Delete one or more",
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
			if o.how.skipHooks && !o.how.force {
				return usagef("--skip-hooks is for --force")
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	if k == groups {
		registerRemoval(c, &o.how, "also with instances: terminate them, whatever protects them")
	}
	return c
}

func (o *deleteOneOptions) run(ctx context.Context) error {
	a := o.app
	var short []string
	for _, name := range o.names {
		short = append(short, shortName(name))
	}
	what := "delete " + o.kind.noun + " " + strings.Join(short, ", ")
	if o.how.force {
		what += " and terminate all instances"
	}
	if err := a.confirm(ctx, what+" in namespace "+namespaceOf(o.names[0])); err != nil {
		return err
	}
	conn, err := a.connect()
	if err != nil {
		return err
	}
	for _, name := range o.names {
		answer, err := o.kind.remove(ctx, conn, name, o.how)
		if err != nil {
			return err
		}
		if activity, ok := answer.(*pb.Activity); ok && (a.global.formatGiven || a.global.wait) {
			if err := a.started(ctx, activity); err != nil {
				return err
			}
			continue
		}
		word := "deleted"
		if activity, ok := answer.(*pb.Activity); ok && activity.Status == pb.Activity_IN_PROGRESS {
			word = "deleting"
		}
		a.done(o.kind.noun, name, word)
	}
	return nil
}

func registerRemoval(c *cobra.Command, how *removal, force string) {
	c.Flags().BoolVar(&how.force, "force", false, force)
	c.Flags().BoolVar(&how.skipHooks, "skip-hooks", false, "with --force: let no terminating hook hold them")
}
