package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

type updateOptions struct {
	app      *app
	kind     *kind
	resource proto.Message
	paths    []string
}

func newUpdate(a *app, k *kind, run func(context.Context, *updateOptions) error) *cobra.Command {
	var flags fieldFlags
	etag := ""
	c := &cobra.Command{
		Use:               "update " + k.form(""),
		Short:             "Change the fields that flags name; the others stay",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(k),
	}
	flags.register(a, c, k, true)
	c.Flags().StringVar(&etag, "etag", "", "refuse unless this is the resource's current `etag`")
	c.RunE = func(c *cobra.Command, args []string) error {
		name, err := a.fullName(k, args[0])
		if err != nil {
			return err
		}
		o := &updateOptions{app: a, kind: k}
		if o.resource, o.paths, err = flags.resource(); err != nil {
			return err
		}
		if len(o.paths) == 0 {
			return usagef("nothing to change: name at least one field")
		}
		setText(o.resource, "name", name)
		setText(o.resource, "etag", etag)
		if run != nil {
			return run(c.Context(), o)
		}
		return o.run(c.Context())
	}
	return c
}

func (o *updateOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	updated, err := o.kind.update(ctx, conn, o.resource, &fieldmaskpb.FieldMask{Paths: o.paths})
	if err != nil {
		return err
	}
	return o.app.changed(ctx, o.kind, updated, "updated")
}

// setText sets a string field that every resource has.
func setText(m proto.Message, field protoreflect.Name, value string) {
	r := m.ProtoReflect()
	if value != "" {
		r.Set(r.Descriptor().Fields().ByName(field), protoreflect.ValueOfString(value))
	}
}
