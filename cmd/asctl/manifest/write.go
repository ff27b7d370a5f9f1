package manifest

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// Write writes the document that describes the resource: applied again, it
// changes nothing.
func Write(kind Kind, m proto.Message) ([]byte, error) {
	spec := proto.Clone(m)
	r := spec.ProtoReflect()
	segments := strings.Split(r.Get(r.Descriptor().Fields().ByName("name")).String(), "/")
	labels := r.Get(r.Descriptor().Fields().ByName("labels")).Map()
	metadata := mapping("name", text(segments[len(segments)-1]), "namespace", text(segments[1]))
	if kind.InGroup {
		metadata.Content = append(metadata.Content, text("group"), text(segments[3]))
	}
	if labels.Len() > 0 {
		node, err := asYAML(&pb.Group{Labels: texts(labels)})
		if err != nil {
			return nil, err
		}
		metadata.Content = append(metadata.Content, text("labels"), child(node, "labels"))
	}
	local(spec)
	strip(r)
	body, err := asYAML(spec)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(mapping("kind", text(kind.Name), "metadata", metadata, "spec", body)); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// strip removes what manifests do not have.
func strip(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if reserved(field, "") != "" {
			m.Clear(field)
		} else if within(field) {
			stripOutput(m.Get(field).Message())
		}
		return true
	})
}

// stripOutput removes what the server sets within a message.
func stripOutput(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if behaves(field, annotations.FieldBehavior_OUTPUT_ONLY) {
			m.Clear(field)
		} else if within(field) {
			stripOutput(m.Get(field).Message())
		}
		return true
	})
}

// within says whether the field is one message of ours.
func within(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && !field.IsList() && !field.IsMap() && !wellKnown(field.Message())
}

// local shortens references to what is in the same namespace or group, and says
// what creation has to be told.
func local(m proto.Message) {
	switch m := m.(type) {
	case *pb.Group:
		if m.Configuration != nil {
			m.Configuration.Name = last(m.Configuration.Name)
		}
		m.Paused = m.State == pb.Group_PAUSED
	case *pb.LifecycleHook:
		m.NotificationTarget = last(m.NotificationTarget)
	case *pb.Notification:
		m.Target = last(m.Target)
	case *pb.AlarmTask:
		for i := range m.Rules {
			m.Rules[i] = last(m.Rules[i])
		}
	case *pb.ScheduledTask:
		if r, ok := m.Action.(*pb.ScheduledTask_Rule); ok {
			r.Rule = last(r.Rule)
		}
	}
}

func last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func texts(m protoreflect.Map) map[string]string {
	found := map[string]string{}
	m.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		found[key.String()] = value.String()
		return true
	})
	return found
}

// asYAML is the API's JSON as a YAML node in the fields' order.
func asYAML(m proto.Message) (*yaml.Node, error) {
	content, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(content, &node); err != nil {
		return nil, err
	}
	clearStyle(&node)
	return node.Content[0], nil
}

// clearStyle lets YAML's own style take the place of JSON's.
func clearStyle(node *yaml.Node) {
	node.Style = 0
	for _, below := range node.Content {
		clearStyle(below)
	}
}

func text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// mapping makes a mapping of keys and nodes in turn.
func mapping(keysAndValues ...any) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, item := range keysAndValues {
		switch item := item.(type) {
		case string:
			node.Content = append(node.Content, text(item))
		case *yaml.Node:
			node.Content = append(node.Content, item)
		}
	}
	return node
}
