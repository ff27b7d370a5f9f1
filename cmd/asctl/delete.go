package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asctl/as/cmd/asctl/manifest"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type deleteOptions struct {
	app   *app
	files []string
	how   removal
}

func newDelete(a *app, run func(context.Context, *deleteOptions) error) *cobra.Command {
	o := &deleteOptions{app: a}
	c := &cobra.Command{
		Use:   "delete -f FILE",
		Short: "Delete what manifests describe",
		Long: `Delete what manifests describe, in the order opposite to apply's. Rules, tasks, hooks and notifications go with their
group. Configurations and notification targets go after the groups that use them are gone, so that delete waits for these. What is gone already is no error.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.how.skipHooks && !o.how.force {
				return usagef("--skip-hooks is for --force")
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	registerFiles(c, &o.files)
	registerRemoval(c, &o.how, "groups with instances too: terminate them, whatever protects them")
	return c
}

func (o *deleteOptions) run(ctx context.Context) error {
	documents, err := o.app.loadManifests(o.files)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("delete the %d resources described", len(documents))
	if o.how.force {
		what += " and terminate all instances of the groups"
	}
	if err := o.app.confirm(ctx, what); err != nil {
		return err
	}
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	waits := o.app.global.wait || slices.ContainsFunc(documents, func(d *manifest.Document) bool {
		return d.Kind.Name == configurations.manifest || d.Kind.Name == notificationTargets.manifest
	})
	for _, d := range deletionOrder(documents) {
		if err := o.delete(ctx, conn, d, waits && !o.app.global.dryRun); err != nil {
			return located(d, err)
		}
	}
	return nil
}

// deletionOrder leaves out what goes with its group.
func deletionOrder(documents []*manifest.Document) []*manifest.Document {
	going := map[string]bool{}
	for _, d := range documents {
		if d.Kind.Name == groups.manifest {
			going[documentName(d)] = true
		}
	}
	var order []*manifest.Document
	for _, d := range slices.Backward(documents) {
		if d.Group == "" || !going["namespaces/"+d.Namespace+"/groups/"+d.Group] {
			order = append(order, d)
		}
	}
	return order
}

func (o *deleteOptions) delete(ctx context.Context, conn grpc.ClientConnInterface, d *manifest.Document, wait bool) error {
	k, name := kindOfManifest(d.Kind.Name), documentName(d)
	answer, err := k.remove(ctx, conn, name, o.how)
	switch {
	case status.Code(err) == codes.NotFound:
		o.app.done(k.noun, name, "already gone")
		return nil
	case err != nil:
		return err
	}
	word := "deleted"
	if activity, ok := answer.(*pb.Activity); ok && activity.Status == pb.Activity_IN_PROGRESS {
		word = "deleting"
		if wait {
			if _, err := o.app.waitForActivity(ctx, activity); err != nil {
				return err
			}
			word = "deleted"
		}
	}
	o.app.done(k.noun, name, word)
	return nil
}
