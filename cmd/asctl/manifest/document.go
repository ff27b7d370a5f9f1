// Package manifest reads and writes descriptions of resources: YAML documents
// with kind, metadata and spec, where spec has the API's fields. It finds every
// mistake before anything is sent, and says where it is. It talks to nobody.
package manifest

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
)

// ApplyDesired is the annotation that lets apply set desired_capacity of a group
// that exists. Without it the scaler owns that.
const ApplyDesired = "autoscaling/apply-desired"

// Kind is a kind of resource that documents may describe.
type Kind struct {
	Name    string
	Empty   proto.Message
	InGroup bool
	// OneOf is a oneof of the message that must be set.
	OneOf string
}

// Document describes one resource.
type Document struct {
	File string
	Line int
	Kind Kind
	// Namespace is empty where the document leaves it open.
	Namespace, Group, Name string
	Labels                 map[string]string
	// ApplyDesired says that the annotation is there.
	ApplyDesired bool
	// Spec has the spec's fields and the labels.
	Spec proto.Message
	// Paths are the fields that the document sets, as paths of a field mask: leaves,
	// where lists and maps are leaves.
	Paths []string

	nodes map[string]*yaml.Node // of the paths, and of what is above them
	root  *yaml.Node
}

// String names the document for messages: rule web/add-two.
func (d *Document) String() string {
	if d.Group != "" {
		return d.Kind.Name + " " + d.Group + "/" + d.Name
	}
	return d.Kind.Name + " " + d.Name
}

// Position is where a field is that an error names, in either case style and with
// or without the resource's own name in front; the document's beginning if it is
// not there.
func (d *Document) Position(field string) string {
	field = strings.ReplaceAll(field, "[", ".")
	segments := strings.Split(strings.ReplaceAll(field, "]", ""), ".")
	for i := range segments {
		segments[i] = snake(segments[i])
	}
	for skip := range min(2, len(segments)) {
		for end := len(segments); end > skip; end-- {
			if node := d.nodes[strings.Join(segments[skip:end], ".")]; node != nil {
				return fmt.Sprintf("%s:%d:%d", d.File, node.Line, node.Column)
			}
		}
	}
	return fmt.Sprintf("%s:%d", d.File, d.Line)
}

// snake makes minSize min_size.
func snake(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
