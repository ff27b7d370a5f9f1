package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type getOptions struct {
	app         *app
	kind        *kind
	names       []string
	consistency pb.Consistency
}

func newGet(a *app, k *kind, run func(context.Context, *getOptions) error) *cobra.Command {
	o := &getOptions{app: a, kind: k}
	stale := false
	c := &cobra.Command{
		Use:               "get " + k.form("") + "...",
		Short:             "Show one or more",
		Args:              arguments(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeNames(k),
		RunE: func(c *cobra.Command, args []string) error {
			o.consistency = consistency(stale)
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
			return o.run(c.Context())
		},
	}
	registerStale(c, &stale)
	return c
}

func (o *getOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	if a.global.watch {
		return a.watchResources(ctx, conn, groupIn(o.names[0]), o.kind, func(ctx context.Context) (proto.Message, []proto.Message, error) {
			items, err := o.fetch(ctx, conn)
			return nil, items, err
		})
	}
	items, err := o.fetch(ctx, conn)
	if err != nil {
		return err
	}
	if activity, ok := items[0].(*pb.Activity); ok && a.global.wait && len(items) == 1 {
		return a.started(ctx, activity)
	}
	if a.global.wait && o.kind == groups {
		for i, m := range items {
			if items[i], err = a.waitForGroup(ctx, nameOf(m)); err != nil {
				return err
			}
		}
	}
	return a.show(o.kind, items)
}

func (o *getOptions) fetch(ctx context.Context, conn grpc.ClientConnInterface) ([]proto.Message, error) {
	var items []proto.Message
	for _, name := range o.names {
		m, err := o.kind.get(ctx, conn, name, o.consistency)
		if err != nil {
			return nil, err
		}
		items = append(items, m)
	}
	return items, nil
}

// show prints resources that do not come with a list of their own.
func (a *app) show(k *kind, items []proto.Message) error {
	p := a.printer()
	switch a.global.format {
	case "json", "yaml":
		for _, m := range items {
			if err := p.One(m, k.columns); err != nil {
				return err
			}
		}
		return nil
	}
	if err := p.List(nil, items, k.columns); err != nil {
		return err
	}
	if i, ok := items[0].(*pb.Instance); ok && a.global.format == "wide" && len(items) == 1 {
		return a.writeTimeline(i)
	}
	return nil
}

// groupIn is the group's id in a full name, or empty.
func groupIn(name string) string {
	segments := strings.Split(name, "/")
	if len(segments) > 3 && segments[2] == "groups" {
		return segments[3]
	}
	return ""
}

func registerStale(c *cobra.Command, stale *bool) {
	c.Flags().BoolVar(stale, "stale", false, "take what the node that is asked knows, without asking the leader")
}

func consistency(stale bool) pb.Consistency {
	if stale {
		return pb.Consistency_STALE
	}
	return pb.Consistency_CONSISTENCY_UNSPECIFIED
}
