package manifest

import (
	"regexp"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var idPattern = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Parse reads all documents of a file. The error is Problems with everything that
// is wrong with it.
func Parse(name string, content []byte, kinds []Kind) ([]*Document, error) {
	f := &file{name: name, lines: strings.Split(string(content), "\n")}
	var documents []*Document
	for _, c := range f.chunks() {
		if d := f.document(c, kinds); d != nil {
			documents = append(documents, d)
		}
	}
	if len(f.problems) > 0 {
		slices.SortStableFunc(f.problems, func(a, b *Problem) int { return a.Line - b.Line })
		return nil, f.problems
	}
	return documents, nil
}

// chunk is the text of one document with empty lines where the others are, so
// that positions are those in the file.
type chunk struct {
	firstLine int
	text      []byte
}

// chunks splits the file at its document marks. At the beginning of a line "---"
// is one wherever it stands, in block scalars too.
func (f *file) chunks() []chunk {
	var found []chunk
	begin := 0
	end := func(next int) {
		text := strings.Repeat("\n", begin) + strings.Join(f.lines[begin:next], "\n") + "\n"
		found = append(found, chunk{firstLine: begin + 1, text: []byte(text)})
		begin = next
	}
	for i, line := range f.lines {
		if i > begin && (line == "---" || strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "---\r")) {
			end(i)
		}
	}
	end(len(f.lines))
	return found
}

// document reads one document; nil when it is empty or beyond understanding.
func (f *file) document(c chunk, kinds []Kind) *Document {
	var node yaml.Node
	if err := yaml.Unmarshal(c.text, &node); err != nil {
		f.syntax(err, c)
		return nil
	}
	if node.Kind == 0 || isNull(node.Content[0]) {
		return nil
	}
	root := node.Content[0]
	if root.Kind != yaml.MappingNode {
		f.problem(root, "a document is a mapping with kind, metadata and spec")
		return nil
	}
	if !f.plain(root) {
		return nil
	}
	d := &Document{File: f.name, Line: root.Line, root: root, nodes: map[string]*yaml.Node{}}
	for key := range pairs(root) {
		switch key.Value {
		case "kind", "metadata", "spec":
		default:
			f.problem(key, "unknown field %q: a document has kind, metadata and spec", key.Value)
		}
	}
	if !f.kind(d, kinds) {
		return nil
	}
	f.metadata(d)
	f.spec(d, c)
	return d
}

func (f *file) kind(d *Document, kinds []Kind) bool {
	node := child(d.root, "kind")
	if node == nil {
		f.problem(d.root, "kind is missing")
		return false
	}
	var names []string
	for _, k := range kinds {
		if k.Name == node.Value {
			d.Kind = k
			return true
		}
		names = append(names, k.Name)
	}
	f.problem(node, "unknown kind %q: one of %s%s", node.Value, strings.Join(names, ", "), meant(node.Value, names))
	return false
}

// spec reads the spec into the kind's message.
func (f *file) spec(d *Document, c chunk) {
	d.Spec = d.Kind.Empty.ProtoReflect().New().Interface()
	node := child(d.root, "spec")
	if node == nil || isNull(node) {
		node = &yaml.Node{Kind: yaml.MappingNode, Line: d.root.Line, Column: d.root.Column}
	}
	before := len(f.problems)
	w := walker{file: f, document: d}
	w.message(d.Spec.ProtoReflect().Descriptor(), node, "")
	options := protoyaml.UnmarshalOptions{
		Path:              f.name,
		CustomUnmarshaler: &only{node: node},
		Validator:         validator{},
		DiscardUnknown:    true, // the walk above has told them
	}
	if err := options.Unmarshal(c.text, d.Spec); err != nil {
		f.decoding(err)
	}
	if len(f.problems) > before {
		return
	}
	f.sizes(d)
	if d.Labels != nil {
		m := d.Spec.ProtoReflect()
		labels := m.Mutable(m.Descriptor().Fields().ByName("labels")).Map()
		for key, value := range d.Labels {
			labels.Set(protoreflect.ValueOfString(key).MapKey(), protoreflect.ValueOfString(value))
		}
		d.Paths = append(d.Paths, "labels")
	}
}

// only makes protoyaml read a part of a document: it puts the part in the root's
// place. Positions stay what they are in the file.
type only struct {
	node *yaml.Node
	done bool
}

func (o *only) Unmarshal(node *yaml.Node, _ proto.Message) (bool, error) {
	if !o.done {
		*node = *o.node
		o.done = true
	}
	return false, nil
}

// validator is protovalidate as protoyaml wants it.
type validator struct{}

func (validator) Validate(m proto.Message) error { return protovalidate.Validate(m) }
