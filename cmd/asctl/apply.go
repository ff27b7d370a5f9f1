package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/manifest"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type applyOptions struct {
	app   *app
	files []string
}

func newApply(a *app, run func(context.Context, *applyOptions) error) *cobra.Command {
	o := &applyOptions{app: a}
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Create or update what manifests describe",
		Long: `Create or update what manifests describe: YAML documents with kind, metadata {name, namespace, group, labels} and spec,
which has the API's fields. All are checked before anything is sent; their order does not matter. Fields that a document
does not name stay as they are. What is as described already is left alone.

Hooks are made together with a group that does not exist yet, whether its spec.hooks or documents of kind LifecycleHook describe
them: they hold from its first instance on. Afterwards spec.hooks is not looked at; each hook is a LifecycleHook of its own.

The desired capacity of a group that exists belongs to the scaler and is not touched, unless the document says

  metadata:
    annotations:
      autoscaling/apply-desired: "true"`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	registerFiles(c, &o.files)
	return c
}

func (o *applyOptions) run(ctx context.Context) error {
	documents, err := o.app.loadManifests(o.files)
	if err != nil {
		return err
	}
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	p := applier{app: o.app, conn: conn, documents: documents, imagined: map[string]bool{}, made: map[string]bool{}}
	for i, d := range documents {
		if err := p.apply(ctx, d); err != nil {
			if rest := len(documents) - i - 1; rest > 0 {
				o.app.note("%d of %d documents were not reached", rest, len(documents))
			}
			return located(d, err)
		}
	}
	for _, name := range p.moved {
		if !o.app.global.wait || o.app.global.dryRun {
			break
		}
		if _, err := o.app.waitForGroup(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// applier applies documents one after another.
type applier struct {
	app  *app
	conn grpc.ClientConnInterface
	// documents are all that are applied.
	documents []*manifest.Document
	// made are the hooks that were made with their group.
	made map[string]bool
	// imagined would have been created if this were no dry run: the server cannot
	// check what depends on it.
	imagined map[string]bool
	// moved are the groups that were created or changed.
	moved []string
}

func (p *applier) apply(ctx context.Context, d *manifest.Document) error {
	k, name := kindOfManifest(d.Kind.Name), documentName(d)
	current, err := k.get(ctx, p.conn, name, pb.Consistency_CONSISTENCY_UNSPECIFIED)
	var after proto.Message
	word := "unchanged"
	switch {
	case status.Code(err) == codes.NotFound:
		word = "created"
		p.imagined[name] = p.app.global.dryRun
		spec := p.withHooks(d)
		if p.dependsOnImagined(d, spec) {
			p.app.done(k.noun, name, word)
			return nil
		}
		parent, id := parentOf(name)
		after, err = k.create(ctx, p.conn, parent, id, spec)
	case err != nil:
	default:
		after = current
		if p.made[name] {
			word = "created"
		}
		if err := p.checkHooks(ctx, d, name); err != nil {
			return err
		}
		if changed := d.Changes(current); len(changed) > 0 {
			word = "updated"
			if p.dependsOnImagined(d, d.Spec) {
				p.app.done(k.noun, name, word)
				return nil
			}
			want := proto.Clone(d.Spec)
			setText(want, "name", name)
			after, err = k.update(ctx, p.conn, want, &fieldmaskpb.FieldMask{Paths: changed})
		}
	}
	if err != nil {
		return err
	}
	if k == groups && word != "unchanged" {
		p.moved = append(p.moved, name)
	}
	if p.app.global.formatGiven {
		return p.app.printer().One(after, k.columns)
	}
	p.app.done(k.noun, name, word)
	if word == "created" {
		p.app.tellSecret(after, secretOf(d.Spec))
	}
	return nil
}

// dependsOnImagined says whether what is sent of the document needs something that
// a dry run only imagines.
func (p *applier) dependsOnImagined(d *manifest.Document, spec proto.Message) bool {
	namespace := "namespaces/" + d.Namespace
	if d.Group != "" && p.imagined[namespace+"/groups/"+d.Group] {
		return true
	}
	switch m := spec.(type) {
	case *pb.LifecycleHook:
		return p.imagined[inFull(m.NotificationTarget, namespace+"/notificationTargets/")]
	case *pb.Notification:
		return p.imagined[inFull(m.Target, namespace+"/notificationTargets/")]
	}
	g, ok := spec.(*pb.Group)
	if !ok {
		return false
	}
	for _, h := range g.Hooks {
		if p.imagined[inFull(h.NotificationTarget, namespace+"/notificationTargets/")] {
			return true
		}
	}
	return p.imagined[inFull(g.GetConfiguration().GetName(), namespace+"/configurations/")]
}

// inFull is a reference as a full name; an empty one stays empty.
func inFull(reference, prefix string) string {
	if reference == "" || strings.Contains(reference, "/") {
		return reference
	}
	return prefix + reference
}

// located says where in the file the trouble is: at the field that the server
// names, else where the document begins.
func located(d *manifest.Document, err error) error {
	where := d.Position("")
	if s, ok := apiStatus(err); ok {
		for _, detail := range s.Details() {
			if bad, ok := detail.(*errdetails.BadRequest); ok && len(bad.FieldViolations) > 0 {
				where = d.Position(bad.FieldViolations[0].Field)
				break
			}
		}
	}
	return fmt.Errorf("%s: %s: %w", where, d, err)
}
