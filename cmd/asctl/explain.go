package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func newExplain(a *app) *cobra.Command {
	return newBranch("explain", "Say why things are as they are", newExplainGroup(a, nil), newExplainInstance(a, nil))
}

type explainOptions struct {
	app  *app
	kind *kind
	// name is the full name, or the id of an instance in a group to be found.
	name        string
	consistency pb.Consistency
}

func newExplainGroup(a *app, run func(context.Context, *explainOptions) error) *cobra.Command {
	return explainCommand(a, groups, "group GROUP", "Say why a group has the capacity that it has, what it does, and what holds it back", run)
}

func newExplainInstance(a *app, run func(context.Context, *explainOptions) error) *cobra.Command {
	return explainCommand(a, instances, "instance GROUP/INSTANCE|INSTANCE", "Say why an instance was launched, why it is where it is, what comes next, and why it left", run)
}

func explainCommand(a *app, k *kind, use, short string, run func(context.Context, *explainOptions) error) *cobra.Command {
	o := &explainOptions{app: a, kind: k}
	stale := false
	c := &cobra.Command{
		Use: use, Short: short,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(k),
		RunE: func(c *cobra.Command, args []string) error {
			o.consistency = consistency(stale)
			o.name = args[0]
			if k != instances || strings.Contains(args[0], "/") || !idPattern.MatchString(args[0]) {
				var err error
				if o.name, err = a.fullName(k, args[0]); err != nil {
					return err
				}
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

func (o *explainOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	if o.name, err = o.found(ctx, conn); err != nil {
		return err
	}
	var e *pb.Explanation
	client := pb.NewDecisionServiceClient(conn)
	if o.kind == groups {
		e, err = client.ExplainGroup(ctx, &pb.ExplainGroupRequest{Name: o.name, Consistency: o.consistency})
	} else {
		e, err = client.ExplainInstance(ctx, &pb.ExplainInstanceRequest{Name: o.name, Consistency: o.consistency})
	}
	switch {
	case err != nil:
		return err
	case a.asDocument():
		return a.printer().One(e, nil)
	case a.global.format == output.Name:
		_, err = fmt.Fprintln(a.out, e.Resource)
		return err
	}
	return writeExplanation(a.out, e)
}

// found is the full name of an instance of which only the id was said: the group
// that has it.
func (o *explainOptions) found(ctx context.Context, conn grpc.ClientConnInterface) (string, error) {
	if strings.Contains(o.name, "/") {
		return o.name, nil
	}
	_, all, err := listAll(ctx, conn, groups, listRequest{parent: o.app.namespaceName(), consistency: o.consistency}, 0)
	if err != nil {
		return "", err
	}
	for _, g := range all {
		name := nameOf(g) + "/instances/" + o.name
		_, err := instances.get(ctx, conn, name, o.consistency)
		switch {
		case err == nil:
			return name, nil
		case status.Code(err) != codes.NotFound:
			return "", err
		}
	}
	return "", coded{code: exitNotFound, err: errors.New("no group in namespace " + o.app.global.namespace + " has an instance " + o.name)}
}

// topics are the headings of an explanation's parts.
var topics = map[pb.Statement_Topic]string{
	pb.Statement_ORIGIN:  "Why it is there",
	pb.Statement_HISTORY: "What happened",
	pb.Statement_PRESENT: "Now",
	pb.Statement_PROBLEM: "What is wrong",
	pb.Statement_NEXT:    "What comes next",
	pb.Statement_END:     "Why it left",
}

// writeExplanation tells the sentences topic by topic, with the commands that show
// what they speak of, each once.
func writeExplanation(out io.Writer, e *pb.Explanation) error {
	var order []pb.Statement_Topic
	parts := map[pb.Statement_Topic]*strings.Builder{}
	linked := map[string]bool{}
	for _, s := range e.Statements {
		if parts[s.Topic] == nil {
			order, parts[s.Topic] = append(order, s.Topic), &strings.Builder{}
		}
		writeStatement(parts[s.Topic], s, linked)
	}
	var b strings.Builder
	fmt.Fprintln(&b, e.Summary)
	for _, topic := range order {
		fmt.Fprintf(&b, "\n%s:\n%s", orElse(topics[topic], topic.String()), parts[topic])
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func writeStatement(b *strings.Builder, s *pb.Statement, linked map[string]bool) {
	b.WriteString("  ")
	if at := output.Time(s.Time); at != "" && !strings.Contains(s.Text, s.Time.AsTime().UTC().Format("2006-01-02T15:04:05")) {
		b.WriteString(at + "  ")
	}
	fmt.Fprintln(b, s.Text)
	for _, link := range s.Links {
		if line := linkLine(link); !linked[line] {
			linked[line] = true
			fmt.Fprintf(b, "    %s\n", line)
		}
	}
}

// linkLine is how a person gets to what a sentence speaks of.
func linkLine(link *pb.Statement_Link) string {
	for _, k := range kinds {
		if link.Kind == k.noun || link.Kind == "lifecycle-hook" && k == hooks {
			verb := "get"
			if k.describe != nil {
				verb = "describe"
			}
			return "asctl " + k.noun + " " + verb + " " + shortName(link.Name)
		}
	}
	return link.Kind + " " + link.Name
}
