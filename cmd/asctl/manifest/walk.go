package manifest

import (
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// walker goes through a spec beside its descriptor: it finds fields that do not
// exist, are not for people to set, or are missing, and notes what is set.
type walker struct {
	file     *file
	document *Document
}

// message checks the fields of a message. Paths end at lists: what is in them has
// an empty prefix of "-" and is checked, not noted.
func (w walker) message(m protoreflect.MessageDescriptor, node *yaml.Node, prefix string) {
	if node.Kind != yaml.MappingNode {
		return // protoyaml says what is wrong with it
	}
	present := map[protoreflect.FieldNumber]bool{}
	for key, value := range pairs(node) {
		field := fieldOf(m, key.Value)
		if field == nil {
			w.file.problem(key, "unknown field %q%s", key.Value, meant(key.Value, settable(m)))
			continue
		}
		present[field.Number()] = true
		if why := reserved(field, prefix); why != "" {
			w.file.problem(key, "%s %s", key.Value, why)
			continue
		}
		w.value(field, value, prefix+string(field.Name()))
	}
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		if behaves(field, annotations.FieldBehavior_REQUIRED) && !present[field.Number()] {
			w.file.problem(node, "%s is missing", field.JSONName())
		}
	}
	w.oneOf(m, node, prefix, present)
}

// oneOf checks the oneof that the kind requires.
func (w walker) oneOf(m protoreflect.MessageDescriptor, node *yaml.Node, prefix string, present map[protoreflect.FieldNumber]bool) {
	one := m.Oneofs().ByName(protoreflect.Name(w.document.Kind.OneOf))
	if prefix != "" || one == nil {
		return
	}
	var names []string
	for i := range one.Fields().Len() {
		if present[one.Fields().Get(i).Number()] {
			return
		}
		names = append(names, one.Fields().Get(i).JSONName())
	}
	w.file.problem(node, "%s is missing", strings.Join(names, " or "))
}

func (w walker) value(field protoreflect.FieldDescriptor, node *yaml.Node, path string) {
	inList := strings.HasPrefix(path, "-")
	if !inList {
		w.document.nodes[path] = node
	}
	switch {
	case isNull(node):
		w.file.problem(node, "%s has no value", field.JSONName())
		return
	case field.IsList() && field.Message() != nil && !wellKnown(field.Message()):
		for _, item := range node.Content {
			w.message(field.Message(), item, "-")
		}
	case field.Message() != nil && !field.IsMap() && !field.IsList() && !wellKnown(field.Message()) && len(node.Content) > 0:
		w.message(field.Message(), node, path+".")
		return
	}
	if !inList {
		w.document.Paths = append(w.document.Paths, path)
	}
}

// reserved says why a field is not for manifests; empty: it is.
func reserved(field protoreflect.FieldDescriptor, prefix string) string {
	switch {
	case behaves(field, annotations.FieldBehavior_OUTPUT_ONLY):
		return "is set by the server"
	case prefix == "" && behaves(field, annotations.FieldBehavior_IDENTIFIER):
		return "is told by metadata"
	case prefix == "" && field.Name() == "labels":
		return "belongs into metadata"
	case prefix == "" && field.Name() == "etag":
		return "is not for manifests"
	}
	return ""
}

func behaves(field protoreflect.FieldDescriptor, behavior annotations.FieldBehavior) bool {
	all, _ := proto.GetExtension(field.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(all, behavior)
}

func fieldOf(m protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if field := m.Fields().ByJSONName(key); field != nil {
		return field
	}
	return m.Fields().ByName(protoreflect.Name(key))
}

// settable are the names that a manifest may have in the message.
func settable(m protoreflect.MessageDescriptor) []string {
	var names []string
	for i := range m.Fields().Len() {
		if field := m.Fields().Get(i); reserved(field, "") == "" {
			names = append(names, field.JSONName())
		}
	}
	return names
}

func wellKnown(m protoreflect.MessageDescriptor) bool {
	return strings.HasPrefix(string(m.FullName()), "google.protobuf.")
}

// plain refuses what makes a document say something twice or elsewhere.
func (f *file) plain(node *yaml.Node) bool {
	ok := true
	if node.Kind == yaml.AliasNode {
		f.problem(node, "aliases are not supported")
		return false
	}
	if node.Kind == yaml.MappingNode {
		seen := map[string]*yaml.Node{}
		for key := range pairs(node) {
			if first := seen[key.Value]; first != nil {
				f.problem(key, "%q is there twice, first in line %d", key.Value, first.Line)
				ok = false
			}
			seen[key.Value] = key
		}
	}
	for _, below := range node.Content {
		ok = f.plain(below) && ok
	}
	return ok
}

// pairs are the keys and values of a mapping.
func pairs(node *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(*yaml.Node, *yaml.Node) bool) {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i], node.Content[i+1]) {
				return
			}
		}
	}
}

func child(node *yaml.Node, key string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for k, v := range pairs(node) {
		if k.Value == key {
			return v
		}
	}
	return nil
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }
