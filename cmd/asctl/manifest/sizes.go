package manifest

import (
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// sizes checks that min ≤ desired ≤ max where the document names them, of a group
// or of what a scheduled task sets. The server checks it too; here it has a line.
func (f *file) sizes(d *Document) {
	for _, prefix := range []string{"", "capacity."} {
		lowest, lowNode, lowOK := d.number(prefix + "min_size")
		highest, _, highOK := d.number(prefix + "max_size")
		desired, desiredNode, desiredOK := d.number(prefix + "desired_capacity")
		switch {
		case lowOK && highOK && lowest > highest:
			f.problem(lowNode, "minSize %d is above maxSize %d", lowest, highest)
		case desiredOK && lowOK && desired < lowest:
			f.problem(desiredNode, "desiredCapacity %d is below minSize %d", desired, lowest)
		case desiredOK && highOK && desired > highest:
			f.problem(desiredNode, "desiredCapacity %d is above maxSize %d", desired, highest)
		}
	}
}

func (d *Document) number(path string) (int64, *yaml.Node, bool) {
	node := d.nodes[path]
	if node == nil {
		return 0, nil, false
	}
	holder, field := locate(d.Spec.ProtoReflect(), path)
	if field == nil || field.Kind() != protoreflect.Int32Kind {
		return 0, nil, false
	}
	return holder.Get(field).Int(), node, true
}
