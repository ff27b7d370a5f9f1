package rpc

import (
	"strings"

	"go.einride.tech/aip/fieldmask"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/internal/autoscaling"
)

// mask is which fields of a resource an update changes.
type mask struct {
	paths *fieldmaskpb.FieldMask // normalised; nil: all that are set
}

// parseMask reads an update mask, in either case style. What only the service
// writes is left out, as it is from the resource itself, so that what was read
// can be sent back; so is the etag, which is checked anyway. A path into a map or
// a free-form object means all of it.
func parseMask(given *fieldmaskpb.FieldMask, resource proto.Message) (mask, error) {
	if len(given.GetPaths()) == 0 {
		return mask{}, nil
	}
	d := resource.ProtoReflect().Descriptor()
	paths := &fieldmaskpb.FieldMask{}
	for _, path := range given.GetPaths() {
		if path == "*" {
			paths.Paths = []string{"*"}
			return mask{paths}, nil
		}
		normal, writable, err := normalisePath(d, path)
		if err != nil {
			return mask{}, err
		}
		if writable {
			paths.Paths = append(paths.Paths, normal)
		}
	}
	if len(paths.Paths) == 0 {
		return mask{&fieldmaskpb.FieldMask{Paths: []string{"name"}}}, nil // changes nothing
	}
	return mask{paths}, nil
}

func normalisePath(d protoreflect.MessageDescriptor, path string) (normal string, writable bool, err error) {
	var parts []string
	for _, part := range strings.Split(path, ".") {
		f := fieldNamed(d, part)
		if f == nil {
			return "", false, autoscaling.FieldErrorf("update_mask", "%s has no field %q", d.Name(), path)
		}
		if len(parts) == 0 && !isWritable(f) {
			return "", false, nil
		}
		parts = append(parts, string(f.Name()))
		if f.IsMap() || f.IsList() || f.Message() == nil || strings.HasPrefix(string(f.Message().FullName()), "google.protobuf.") {
			break
		}
		d = f.Message()
	}
	return strings.Join(parts, "."), true, nil
}

// isWritable says whether people write the field.
func isWritable(f protoreflect.FieldDescriptor) bool {
	if f.Name() == "etag" {
		return false
	}
	behaviours, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviours {
		if b == annotations.FieldBehavior_OUTPUT_ONLY || b == annotations.FieldBehavior_IDENTIFIER {
			return false
		}
	}
	return true
}

// names says whether the update changes the field at the top of the resource.
func (m mask) names(resource proto.Message, field string) bool {
	if m.paths == nil || m.paths.Paths[0] == "*" {
		d := resource.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field))
		return resource.ProtoReflect().Has(d)
	}
	for _, p := range m.paths.Paths {
		if p == field {
			return true
		}
	}
	return false
}

// apply writes the masked fields of from into to. from may be shared: it is only
// read. Both are of the same type.
func (m mask) apply(to, from proto.Message) {
	fieldmask.Update(m.paths, to, proto.Clone(from))
}
