package manifest

import (
	"slices"
	"strings"

	"buf.build/go/protoyaml"
	"github.com/rogpeppe/go-internal/diff"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// Changes are the paths whose values the document and the server's resource do
// not share. The document must know its namespace by now.
func (d *Document) Changes(current proto.Message) []string {
	want, have := d.canonical(d.Spec).ProtoReflect(), d.canonical(current).ProtoReflect()
	var changed []string
	for _, path := range d.applied() {
		wantHolder, field := locate(want, path)
		haveHolder, _ := locate(have, path)
		if !same(wantHolder, haveHolder, field) {
			changed = append(changed, path)
		}
	}
	return changed
}

func same(a, b protoreflect.Message, field protoreflect.FieldDescriptor) bool {
	if field.HasPresence() && a.Has(field) != b.Has(field) {
		return false
	}
	return a.Get(field).Equal(b.Get(field))
}

// applied are the paths that apply writes to a resource that exists: what only
// creation can say is left out, and desired capacity unless the annotation asks.
func (d *Document) applied() []string {
	return slices.DeleteFunc(slices.Clone(d.Paths), func(path string) bool {
		switch path {
		case "paused", "hooks", "webhook.secret":
			return true
		case "desired_capacity":
			return !d.ApplyDesired
		}
		return false
	})
}

// Diff is a unified diff from the server's resource, nil if there is none, to the
// document: of the fields that the document sets, without secrets. Empty: no difference.
func (d *Document) Diff(current proto.Message) (string, error) {
	paths := d.Paths
	var have []byte
	if current != nil {
		paths = d.applied()
		if len(d.Changes(current)) == 0 {
			return "", nil
		}
		var err error
		if have, err = render(d.canonical(current), paths); err != nil {
			return "", err
		}
	}
	want, err := render(hidden(d.canonical(d.Spec)), paths)
	if err != nil {
		return "", err
	}
	text := string(diff.Diff("server "+d.String(), have, d.Position("")+" "+d.String(), want))
	_, text, _ = strings.Cut(text, "\n") // its first line repeats the names
	return text, nil
}

// hidden has no secret: diffs end in the logs of builds.
func hidden(m proto.Message) proto.Message {
	if t, ok := m.(*pb.NotificationTarget); ok && t.GetWebhook().GetSecret() != "" {
		t.GetWebhook().Secret = "(not shown)"
	}
	return m
}

// render writes the fields as YAML.
func render(m proto.Message, paths []string) ([]byte, error) {
	from := m.ProtoReflect()
	some := from.New()
	for _, path := range paths {
		holder, field := locate(from, path)
		if !holder.Has(field) && field.HasPresence() {
			continue
		}
		target := some
		segments := strings.Split(path, ".")
		for _, segment := range segments[:len(segments)-1] {
			target = target.Mutable(target.Descriptor().Fields().ByName(protoreflect.Name(segment))).Message()
		}
		if holder.Has(field) {
			target.Set(field, holder.Get(field))
		}
	}
	text, err := (protoyaml.MarshalOptions{Indent: 2}).Marshal(some.Interface())
	if strings.TrimSpace(string(text)) == "{}" {
		return nil, err
	}
	return text, err
}

// locate finds the message that has the path's last field. Messages on the way
// that are not set are empty ones.
func locate(m protoreflect.Message, path string) (protoreflect.Message, protoreflect.FieldDescriptor) {
	segments := strings.Split(path, ".")
	for _, segment := range segments[:len(segments)-1] {
		field := m.Descriptor().Fields().ByName(protoreflect.Name(segment))
		if field == nil {
			return nil, nil
		}
		m = m.Get(field).Message()
	}
	return m, m.Descriptor().Fields().ByName(protoreflect.Name(segments[len(segments)-1]))
}
