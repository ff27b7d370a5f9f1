package manifest

import "go.yaml.in/yaml/v3"

// metadata reads what says which resource it is.
func (f *file) metadata(d *Document) {
	node := child(d.root, "metadata")
	if node == nil || node.Kind != yaml.MappingNode {
		f.problem(d.root, "metadata with a name is missing")
		return
	}
	for key, value := range pairs(node) {
		switch key.Value {
		case "name":
			d.Name = f.id(value)
		case "namespace":
			d.Namespace = f.id(value)
		case "group":
			d.Group = f.id(value)
			if !d.Kind.InGroup {
				f.problem(key, "a %s is not in a group", d.Kind.Name)
			}
		case "labels":
			d.Labels = f.texts(value)
			d.nodes["labels"] = value
		case "annotations":
			f.annotations(d, value)
		default:
			names := []string{"name", "namespace", "group", "labels", "annotations"}
			f.problem(key, "unknown field %q in metadata%s", key.Value, meant(key.Value, names))
		}
	}
	if child(node, "name") == nil {
		f.problem(node, "metadata.name is missing")
	}
	if d.Kind.InGroup && child(node, "group") == nil {
		f.problem(node, "metadata.group is missing: a %s is in a group", d.Kind.Name)
	}
}

func (f *file) id(node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode || !idPattern.MatchString(node.Value) {
		f.problem(node, "%q is no id: lower-case letters, digits and hyphens, a letter first, no hyphen last; at most 63", node.Value)
	}
	return node.Value
}

// texts reads a map of strings.
func (f *file) texts(node *yaml.Node) map[string]string {
	texts := map[string]string{}
	if isNull(node) {
		return texts
	}
	if node.Kind != yaml.MappingNode {
		f.problem(node, "expected names with values")
		return nil
	}
	for key, value := range pairs(node) {
		if value.Kind != yaml.ScalarNode {
			f.problem(value, "expected a text")
			continue
		}
		texts[key.Value] = value.Value
	}
	return texts
}

// annotations are for asctl, not for the server. Those of others are ignored.
func (f *file) annotations(d *Document, node *yaml.Node) {
	for key, value := range f.texts(node) {
		if key != ApplyDesired {
			continue
		}
		switch value {
		case "true":
			d.ApplyDesired = true
		case "false":
		default:
			f.problem(node, "%s is %q: say \"true\" or \"false\"", ApplyDesired, value)
		}
	}
}
