package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type doctorOptions struct {
	app         *app
	group       string // id; empty: all
	consistency pb.Consistency
}

func newDoctor(a *app, run func(context.Context, *doctorOptions) error) *cobra.Command {
	o := &doctorOptions{app: a}
	stale := false
	c := &cobra.Command{
		Use:   "doctor [GROUP]",
		Short: "List what is late or wrong, why, what happens next, and what to do",
		Long: `List what is late or wrong in the namespace, or in one group: why, what happens next by itself, and the command that unsticks it.
The worst comes first.

Exit codes: 0 nothing needs a person, 1 something does: a finding of severity ERROR.`,
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeNames(groups),
		RunE: func(c *cobra.Command, args []string) error {
			o.consistency = consistency(stale)
			if len(args) == 1 {
				name, err := a.groupName(args[0])
				if err != nil {
					return err
				}
				a.global.namespace, o.group = namespaceOf(name), output.Last(name)
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

func (o *doctorOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	response, items, err := listAll(ctx, conn, o.findings(), listRequest{parent: a.namespaceName(), consistency: o.consistency}, 0)
	if err != nil {
		return err
	}
	if err := o.show(response, items); err != nil {
		return err
	}
	for _, m := range items {
		if m.(*pb.Finding).Severity == pb.Finding_ERROR {
			return coded{code: exitError}
		}
	}
	return nil
}

// findings is listed as resources are, and is none.
func (o *doctorOptions) findings() *kind {
	return &kind{list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewDecisionServiceClient(conn).ListFindings(ctx, &pb.ListFindingsRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Consistency: r.consistency, Group: o.group,
		})
	}}
}

func (o *doctorOptions) show(response proto.Message, items []proto.Message) error {
	a := o.app
	switch {
	case a.asDocument():
		return a.printer().List(response, items, nil)
	case a.global.format == output.Name:
		for _, m := range items {
			if _, err := fmt.Fprintln(a.out, m.(*pb.Finding).Resource); err != nil {
				return err
			}
		}
		return nil
	case len(items) == 0:
		where := "namespace " + a.global.namespace
		if o.group != "" {
			where = "group " + o.group
		}
		_, err := fmt.Fprintf(a.out, "nothing is late or wrong in %s\n", where)
		return err
	}
	var b strings.Builder
	for n, m := range items {
		if n > 0 {
			b.WriteString("\n")
		}
		writeFinding(&b, m.(*pb.Finding), a.now())
	}
	_, err := io.WriteString(a.out, b.String())
	return err
}

func writeFinding(b *strings.Builder, f *pb.Finding, now time.Time) {
	fmt.Fprintf(b, "%-7s  %s  %s", f.Severity, nounAndName(f.Resource), f.Kind)
	if f.Since != nil {
		fmt.Fprintf(b, "  since %s", output.Age(f.Since, now))
	}
	if f.Deadline != nil {
		if left := output.Until(f.Deadline, now); left != "" {
			fmt.Fprintf(b, "  due in %s", left)
		} else {
			fmt.Fprintf(b, "  late by %s", output.Age(f.Deadline, now))
		}
	}
	b.WriteString("\n")
	for _, line := range [][2]string{{"what", f.Problem}, {"why", f.Cause}, {"next", f.Next}, {"do", f.Command}} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %-5s %s\n", line[0]+":", line[1])
		}
	}
}
