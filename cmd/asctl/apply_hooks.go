package main

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/manifest"
	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// withHooks is what a document creates: of a group with the hooks that other
// documents describe, so that its first instances meet them.
func (p *applier) withHooks(d *manifest.Document) proto.Message {
	if _, ok := d.Spec.(*pb.Group); !ok {
		return d.Spec
	}
	group := proto.Clone(d.Spec).(*pb.Group)
	there := map[string]bool{}
	for _, h := range group.Hooks {
		there[output.Last(h.Name)] = true
	}
	for _, other := range p.documents {
		h, ok := other.Spec.(*pb.LifecycleHook)
		if !ok || other.Namespace != d.Namespace || other.Group != d.Name || there[other.Name] {
			continue
		}
		h = proto.Clone(h).(*pb.LifecycleHook)
		h.Name = other.Name
		group.Hooks = append(group.Hooks, h)
		p.made[documentName(other)] = true
	}
	return group
}

// checkHooks tells of the hooks in a document of a group that exists those that
// the group does not have so: they are made with the group, and apply does not
// change them.
func (p *applier) checkHooks(ctx context.Context, d *manifest.Document, name string) error {
	want, ok := d.Spec.(*pb.Group)
	if !ok || len(want.Hooks) == 0 {
		return nil
	}
	_, items, err := listAll(ctx, p.conn, hooks, listRequest{parent: name}, 0)
	if err != nil {
		return err
	}
	there := map[string]*pb.LifecycleHook{}
	for _, m := range items {
		there[output.Last(nameOf(m))] = m.(*pb.LifecycleHook)
	}
	var other []string
	for _, h := range want.Hooks {
		if has := there[output.Last(h.Name)]; has == nil || !hookIsSo(h, has) {
			other = append(other, output.Last(h.Name))
		}
	}
	if len(other) > 0 {
		p.app.note("%s: group %s exists, and its spec.hooks are made with the group only; not as described: %s. Say it in documents of kind LifecycleHook",
			d.Position("hooks"), shortName(name), strings.Join(other, ", "))
	}
	return nil
}

// hookIsSo says whether the hook has what is wanted of it; what is not said may be
// anything.
func hookIsSo(want, has *pb.LifecycleHook) bool {
	return want.Transition == has.Transition &&
		(want.HeartbeatTimeout == nil || proto.Equal(want.HeartbeatTimeout, has.HeartbeatTimeout)) &&
		(want.DefaultResult == pb.LifecycleHook_RESULT_UNSPECIFIED || want.DefaultResult == has.DefaultResult) &&
		(want.NotificationTarget == "" || output.Last(want.NotificationTarget) == output.Last(has.NotificationTarget)) &&
		(want.Metadata == "" || want.Metadata == has.Metadata)
}
