package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// pageSize is the API's largest.
const pageSize = 1000

type listOptions struct {
	app     *app
	kind    *kind
	request listRequest
	limit   int
	// cut says that the limit is ours: then it is told where it cuts off.
	cut bool
}

func newList(a *app, k *kind, run func(context.Context, *listOptions) error) *cobra.Command {
	o := &listOptions{app: a, kind: k}
	stale := false
	status := ""
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List them", Args: arguments(cobra.NoArgs)}
	within := k.parent()
	if within != nil {
		c.Use, c.Short = "list "+within.placeholder(), "List those of "+within.article()
		c.Args = arguments(cobra.ExactArgs(1))
		c.ValidArgsFunction = a.completeNames(within)
	}
	c.Flags().StringVar(&o.request.filter, "filter", "", "only those that match, e.g. 'state = IN_SERVICE' (AIP-160)")
	c.Flags().StringVar(&o.request.orderBy, "order-by", "", "`fields` to sort by, e.g. 'create_time desc'")
	c.Flags().IntVar(&o.limit, "limit", k.listLimit, "at most so many; 0: all")
	registerStale(c, &stale)
	switch k {
	case instances:
		c.Flags().BoolVar(&o.request.final, "all", false, "also those that are gone")
	case activities:
		c.Flags().StringVar(&status, "status", "", "only those with the `status`, e.g. IN_PROGRESS")
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		o.request.consistency = consistency(stale)
		o.request.parent = a.namespaceName()
		if within != nil {
			name, err := a.fullName(within, args[0])
			if err != nil {
				return err
			}
			o.request.parent = name
		}
		if status != "" {
			o.request.filter = and(o.request.filter, "status = "+status)
		}
		if o.limit < 0 {
			return usagef("--limit %d is negative", o.limit)
		}
		o.cut = !c.Flags().Changed("limit")
		if run != nil {
			return run(c.Context(), o)
		}
		return o.run(c.Context())
	}
	return c
}

func and(filter, more string) string {
	if filter == "" {
		return more
	}
	return "(" + filter + ") AND " + more
}

func (o *listOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	fetch := func(ctx context.Context) (proto.Message, []proto.Message, error) {
		return listAll(ctx, conn, o.kind, o.request, o.limit)
	}
	if o.app.global.watch {
		return o.app.watchResources(ctx, conn, groupIn(o.request.parent), o.kind, fetch)
	}
	response, items, err := fetch(ctx)
	if err != nil {
		return err
	}
	if err := o.app.printer().List(response, items, o.kind.columns); err != nil {
		return err
	}
	if total := totalSize(response); o.cut && total > len(items) {
		o.app.note("%d of %d; --limit 0 shows all", len(items), total)
	} else if total == 0 && len(items) == 0 && o.app.errTerminal {
		o.app.note("none")
	}
	return nil
}

// listAll reads page after page until limit (0: the last) and answers the first
// response with the items of all in it.
func listAll(ctx context.Context, conn grpc.ClientConnInterface, k *kind, r listRequest, limit int) (proto.Message, []proto.Message, error) {
	var whole proto.Message
	var items []proto.Message
	// It ends with the last page: each page token is followed once.
	for {
		r.pageSize = pageSize
		if limit > 0 {
			r.pageSize = int32(min(pageSize, limit-len(items)))
		}
		page, err := k.list(ctx, conn, r)
		if err != nil {
			return nil, nil, err
		}
		m := page.ProtoReflect()
		collection := m.Get(collectionField(m)).List()
		for i := range collection.Len() {
			items = append(items, collection.Get(i).Message().Interface())
			if whole != nil {
				w := whole.ProtoReflect()
				w.Mutable(collectionField(w)).List().Append(collection.Get(i))
			}
		}
		if whole == nil {
			whole = page
		}
		r.pageToken = m.Get(m.Descriptor().Fields().ByName("next_page_token")).String()
		if r.pageToken == "" || limit > 0 && len(items) >= limit || collection.Len() == 0 {
			w := whole.ProtoReflect()
			setToken(w, r.pageToken)
			return whole, items, nil
		}
	}
}

// collectionField is the one repeated field of a list's response.
func collectionField(m protoreflect.Message) protoreflect.FieldDescriptor {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		if fields.Get(i).IsList() {
			return fields.Get(i)
		}
	}
	panic("no collection in " + string(m.Descriptor().FullName()))
}

// setToken leaves the token only where the list was cut off.
func setToken(m protoreflect.Message, token string) {
	field := m.Descriptor().Fields().ByName("next_page_token")
	if token == "" {
		m.Clear(field)
		return
	}
	m.Set(field, protoreflect.ValueOfString(token))
}

func totalSize(response proto.Message) int {
	m := response.ProtoReflect()
	return int(m.Get(m.Descriptor().Fields().ByName("total_size")).Int())
}
