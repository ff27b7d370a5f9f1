package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newEvent(a *app) *cobra.Command {
	c := newBranch("event", "Events: everything that happened, in order", newEventWatch(a, nil))
	c.Aliases = []string{"events"}
	return c
}

type eventWatchOptions struct {
	app   *app
	group string
	after int64
	types []pb.Event_Type
	limit int
}

func newEventWatch(a *app, run func(context.Context, *eventWatchOptions) error) *cobra.Command {
	o := &eventWatchOptions{app: a}
	var types []string
	c := &cobra.Command{
		Use:               "watch [GROUP]",
		Short:             "Show events as they happen, until Ctrl-C",
		Long:              "Show events as they happen, until Ctrl-C. When the node dies that tells them, another goes on where it stopped.",
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeNames(groups),
	}
	c.Flags().StringVar(&o.group, "group", "", "only those of a `group`")
	c.Flags().Int64Var(&o.after, "after", -1, "begin after this `index`; 0: with the oldest that is kept, -1: with the next")
	c.Flags().StringSliceVar(&types, "type", nil, "only those of a `type`, e.g. ACTIVITY_ENDED; may be repeated")
	c.Flags().IntVar(&o.limit, "limit", 0, "end after so many; 0: never")
	_ = c.RegisterFlagCompletionFunc("group", a.completeNames(groups))
	_ = c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(wordsOf(pb.Event_Type(0).Descriptor()), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			if o.group != "" && o.group != args[0] {
				return usagef("two groups: %s and %s", args[0], o.group)
			}
			o.group = args[0]
		}
		if o.group != "" {
			name, err := a.groupName(o.group)
			if err != nil {
				return err
			}
			a.global.namespace, o.group = namespaceOf(name), output.Last(name)
		}
		for _, word := range types {
			value, err := parseEnum(pb.Event_Type(0).Descriptor(), word)
			if err != nil {
				return usagef("--type: %w", err)
			}
			o.types = append(o.types, pb.Event_Type(value.Enum()))
		}
		if o.after < -1 || o.limit < 0 {
			return usagef("--after is -1 or more, --limit 0 or more")
		}
		if a.global.format == output.Name {
			return usagef("-o name: events have no names")
		}
		if run != nil {
			return run(c.Context(), o)
		}
		return o.run(c.Context())
	}
	return c
}

func (o *eventWatchOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	if o.app.global.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.app.global.timeout)
		defer cancel()
	}
	show := o.shower()
	shown := 0
	err = follow(ctx, conn, &pb.WatchEventsRequest{Namespace: o.app.global.namespace, Group: o.group, AfterIndex: o.after}, func(e *pb.Event) error {
		if len(o.types) > 0 && !slices.Contains(o.types, e.Type) {
			return nil
		}
		if err := show(e); err != nil {
			return err
		}
		if shown++; o.limit > 0 && shown == o.limit {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case errors.Is(err, context.DeadlineExceeded) && o.app.global.timeout > 0:
		return coded{code: exitTimedOut}
	}
	return err
}

const eventRow = "%-8s  %-24s  %-12s  %-20s  %s\n"

// shower writes one event: a JSON object per line, so that a stream can be read
// line by line; a document; or a row.
func (o *eventWatchOptions) shower() func(*pb.Event) error {
	switch o.app.global.format {
	case output.JSON:
		return func(e *pb.Event) error {
			line, err := output.CompactJSON(e)
			if err != nil {
				return err
			}
			_, err = o.app.out.Write(line)
			return err
		}
	case output.YAML:
		p := o.app.printer()
		return func(e *pb.Event) error { return p.One(e, nil) }
	}
	wide := o.app.global.format == output.Wide
	// A stream has no widest row: the columns have fixed widths and may overflow.
	fmt.Fprintf(o.app.out, eventRow, "INDEX", "TIME", "GROUP", "TYPE", "MESSAGE")
	return func(e *pb.Event) error {
		_, err := fmt.Fprintf(o.app.out, eventRow, strconv.FormatInt(e.Index, 10), output.Millis(e.Time), orElse(e.Group, "-"), e.Type.String(), eventText(e, wide))
		return err
	}
}

// eventText is what happened, with what it happened to in front.
func eventText(e *pb.Event, wide bool) string {
	var words []string
	if e.Instance != "" {
		words = append(words, e.Instance)
	}
	switch {
	case e.Step != "":
		words = append(words, e.Step)
	case e.State != pb.Instance_STATE_UNSPECIFIED:
		words = append(words, e.State.String())
	}
	if e.Subject != "" && !strings.Contains(e.Message, e.Subject) {
		words = append(words, e.Subject)
	}
	if e.Message != "" {
		words = append(words, e.Message)
	}
	if wide {
		if e.Activity != "" {
			words = append(words, "activity="+e.Activity)
		}
		if e.Rule != "" {
			words = append(words, "rule="+e.Rule)
		}
		for _, key := range sortedKeys(e.Attributes) {
			words = append(words, key+"="+e.Attributes[key])
		}
	}
	return strings.Join(words, "  ")
}
