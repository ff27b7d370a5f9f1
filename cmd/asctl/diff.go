package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// exitDiffers and exitDiffFailed are what diff answers besides 0: 1 must mean
// nothing else than a difference.
const (
	exitDiffers    = 1
	exitDiffFailed = 2
)

type diffOptions struct {
	app   *app
	files []string
}

func newDiff(a *app, run func(context.Context, *diffOptions) error) *cobra.Command {
	o := &diffOptions{app: a}
	c := &cobra.Command{
		Use:   "diff -f FILE",
		Short: "Show what apply would change",
		Long: `Show what apply would change: of the fields that the documents name, those that differ on the server.
Exit codes: 0 no difference, 1 differences, above 1 an error (the usual codes, 2 where that would be 1).`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if run != nil {
				return run(c.Context(), o)
			}
			err := o.run(c.Context())
			if exitCode(err) == exitError && !errors.Is(err, errDiffers) {
				return coded{code: exitDiffFailed, err: err}
			}
			return err
		},
	}
	registerFiles(c, &o.files)
	return c
}

var errDiffers = errors.New("")

func (o *diffOptions) run(ctx context.Context) error {
	documents, err := o.app.loadManifests(o.files)
	if err != nil {
		return err
	}
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	differs := false
	for _, d := range documents {
		current, err := kindOfManifest(d.Kind.Name).get(ctx, conn, documentName(d), pb.Consistency_CONSISTENCY_UNSPECIFIED)
		if err != nil && status.Code(err) != codes.NotFound {
			return located(d, err)
		}
		if err != nil {
			current = nil
		}
		text, err := d.Diff(current)
		if err != nil {
			return err
		}
		if text != "" {
			differs = true
			fmt.Fprint(o.app.out, o.app.colored(text))
		}
	}
	if differs {
		return coded{code: exitDiffers, err: errDiffers}
	}
	return nil
}

// colored marks the lines of a diff, on a terminal.
func (a *app) colored(text string) string {
	if !a.color(a.outTerminal) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "-"):
			lines[i] = "\x1b[31m" + line + "\x1b[0m"
		case strings.HasPrefix(line, "+"):
			lines[i] = "\x1b[32m" + line + "\x1b[0m"
		case strings.HasPrefix(line, "@"):
			lines[i] = "\x1b[36m" + line + "\x1b[0m"
		}
	}
	return strings.Join(lines, "\n")
}
