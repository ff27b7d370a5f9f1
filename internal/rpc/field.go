package rpc

import (
	"cmp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
)

// fieldPath leads from a message to a field that filters and orders may name.
type fieldPath struct {
	steps []protoreflect.FieldDescriptor
	key   string // of a map, when the path goes into one
}

func (p fieldPath) last() protoreflect.FieldDescriptor { return p.steps[len(p.steps)-1] }

// findField resolves a dotted name, in snake_case or lowerCamelCase.
func findField(d protoreflect.MessageDescriptor, parts []string) (fieldPath, error) {
	var p fieldPath
	for i, part := range parts {
		f := fieldNamed(d, part)
		if f == nil {
			return p, autoscaling.Errorf(autoscaling.InvalidArgument, "%s has no field %q", d.Name(), strings.Join(parts[:i+1], "."))
		}
		p.steps = append(p.steps, f)
		rest := parts[i+1:]
		switch {
		case f.IsMap():
			p.key = strings.Join(rest, ".")
			return p, nil
		case len(rest) == 0:
			return p, nil
		case f.Message() == nil || f.IsList():
			return p, autoscaling.Errorf(autoscaling.InvalidArgument, "%q has no fields of its own", strings.Join(parts[:i+1], "."))
		}
		d = f.Message()
	}
	return p, autoscaling.Errorf(autoscaling.InvalidArgument, "no field is named")
}

// fieldNamed looks a field up in either case style; nil when there is none.
func fieldNamed(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := d.Fields().ByName(protoreflect.Name(name)); f != nil {
		return f
	}
	return d.Fields().ByJSONName(name)
}

// in is the field's value in m; false when something on the way is not set.
func (p fieldPath) in(m protoreflect.Message) (protoreflect.Value, bool) {
	for i, f := range p.steps {
		if i == len(p.steps)-1 {
			if p.key != "" {
				v := m.Get(f).Map().Get(protoreflect.ValueOfString(p.key).MapKey())
				return v, v.IsValid()
			}
			return m.Get(f), !f.HasPresence() || m.Has(f)
		}
		if !m.Has(f) {
			return protoreflect.Value{}, false
		}
		m = m.Get(f).Message()
	}
	return protoreflect.Value{}, false
}

// scalar is a value that can be compared, and kept in a page token. Of a
// timestamp and a duration Int has the nanoseconds, of an enum Text has the name.
type scalar struct {
	Text   string  `json:"t,omitempty"`
	Int    int64   `json:"i,omitempty"`
	Number float64 `json:"n,omitempty"`
	Set    bool    `json:"s,omitempty"`
}

func (a scalar) compare(b scalar) int {
	switch {
	case a.Set != b.Set: // unset is before everything
		if a.Set {
			return 1
		}
		return -1
	case a.Int != b.Int:
		return cmp.Compare(a.Int, b.Int)
	case a.Number != b.Number:
		return cmp.Compare(a.Number, b.Number)
	}
	return strings.Compare(a.Text, b.Text)
}

// isScalar says whether values of the field can be compared.
func isScalar(p fieldPath) bool {
	f := p.last()
	if f.IsMap() {
		return p.key != "" && f.MapValue().Kind() == protoreflect.StringKind
	}
	if f.IsList() {
		return false
	}
	return f.Message() == nil || isTime(f.Message()) || isDuration(f.Message())
}

func isTime(d protoreflect.MessageDescriptor) bool {
	return d.FullName() == "google.protobuf.Timestamp"
}
func isDuration(d protoreflect.MessageDescriptor) bool {
	return d.FullName() == "google.protobuf.Duration"
}

// scalarIn reads a field for which isScalar holds.
func scalarIn(p fieldPath, m protoreflect.Message) scalar {
	v, ok := p.in(m)
	if !ok {
		return scalar{}
	}
	f := p.last()
	if f.IsMap() {
		f = f.MapValue()
	}
	s := scalar{Set: true}
	switch f.Kind() {
	case protoreflect.BoolKind:
		if v.Bool() {
			s.Int = 1
		}
	case protoreflect.EnumKind:
		s.Text = enumName(f.Enum(), v.Enum())
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		s.Int = v.Int()
	case protoreflect.DoubleKind:
		s.Number = v.Float()
	case protoreflect.StringKind:
		s.Text = v.String()
	case protoreflect.MessageKind: // Timestamp and Duration have the same two fields
		fields := f.Message().Fields()
		t := v.Message()
		s.Int = t.Get(fields.ByNumber(1)).Int()*1e9 + t.Get(fields.ByNumber(2)).Int()
	}
	return s
}

func enumName(d protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	if v := d.Values().ByNumber(n); v != nil {
		return string(v.Name())
	}
	return ""
}
