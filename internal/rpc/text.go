package rpc

import (
	"fmt"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/autoscaling/text"
)

// multiline are the fields of requests whose text may have several lines; all
// others are lines, as package text has them. In a map it is the values.
var multiline = map[protoreflect.FullName]bool{
	"autoscaling.v1.Configuration.command":   true,
	"autoscaling.v1.Configuration.args":      true,
	"autoscaling.v1.Configuration.env":       true,
	"autoscaling.v1.Configuration.user_data": true,
	"autoscaling.v1.LifecycleHook.metadata":  true,
	"google.protobuf.Value.string_value":     true, // in provider_config
}

// checkTexts refuses a request whose strings are not text, naming the field.
func checkTexts(m proto.Message) error {
	var refused error
	eachText(m.ProtoReflect(), func(f protoreflect.FieldDescriptor, s string) bool {
		if text.Plain(s) && len(s) <= text.MaxLine || checkText(f, s) == nil {
			return true
		}
		refused = checkText(f, s)
		return false
	})
	if refused == nil {
		return nil
	}
	field := inResource(pathOfBad(m.ProtoReflect()))
	return &autoscaling.Error{Reason: autoscaling.InvalidArgument, Field: field, Message: field + ": " + refused.Error()}
}

func checkText(f protoreflect.FieldDescriptor, s string) error {
	if multiline[f.FullName()] {
		return text.CheckLines(s)
	}
	return text.CheckLine(s)
}

// eachText visits the strings of a message until visit returns false. A map's field
// is visited with its values, and its key's own field with the keys.
func eachText(m protoreflect.Message, visit func(protoreflect.FieldDescriptor, string) bool) (all bool) {
	all = true
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				if f.MapKey().Kind() == protoreflect.StringKind {
					all = visit(f.MapKey(), k.String())
				}
				all = all && eachTextOf(f.MapValue(), f, v, visit)
				return all
			})
		case f.IsList():
			if f.Kind() == protoreflect.StringKind || f.Message() != nil {
				for i := 0; all && i < v.List().Len(); i++ {
					all = eachTextOf(f, f, v.List().Get(i), visit)
				}
			}
		default:
			all = eachTextOf(f, f, v, visit)
		}
		return all
	})
	return all
}

// eachTextOf visits one value, of the kind of f, which is part of the field named.
func eachTextOf(f, named protoreflect.FieldDescriptor, v protoreflect.Value, visit func(protoreflect.FieldDescriptor, string) bool) bool {
	switch f.Kind() {
	case protoreflect.StringKind:
		return visit(named, v.String())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return eachText(v.Message(), visit)
	}
	return true
}

// pathOfBad returns the path of the first string that is not text, in the order of
// the fields' numbers.
func pathOfBad(m protoreflect.Message) string {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		name, v := string(f.Name()), m.Get(f)
		switch {
		case f.IsMap():
			path := ""
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				if f.MapKey().Kind() == protoreflect.StringKind && text.CheckLine(k.String()) != nil {
					path = name + ": key"
				} else if inner, bad := pathOfBadValue(f.MapValue(), f, v); bad {
					path = name + "[" + k.String() + "]" + inner
				}
				return path == ""
			})
			if path != "" {
				return path
			}
		case f.IsList():
			for i := range v.List().Len() {
				if inner, bad := pathOfBadValue(f, f, v.List().Get(i)); bad {
					return fmt.Sprintf("%s[%d]%s", name, i, inner)
				}
			}
		default:
			if inner, bad := pathOfBadValue(f, f, v); bad {
				return name + inner
			}
		}
	}
	return ""
}

func pathOfBadValue(f, named protoreflect.FieldDescriptor, v protoreflect.Value) (path string, bad bool) {
	switch f.Kind() {
	case protoreflect.StringKind:
		return "", checkText(named, v.String()) != nil
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if path = pathOfBad(v.Message()); path != "" {
			return "." + path, true
		}
	}
	return "", false
}

// checkValues refuses parameters of a path or query that are not text, since they
// reach the message without a look at their bytes, and headers that the gateway
// would leave out.
func checkValues(path map[string]string, query url.Values, header http.Header) *autoscaling.Error {
	for _, name := range []string{headerRequestID, headerPrincipal} {
		if value := header.Get(name); !text.Plain(value) {
			return notPlain(name)
		}
	}
	for name, value := range path {
		if err := text.CheckLine(value); err != nil {
			return autoscaling.FieldErrorf(name, "%s", err)
		}
	}
	for name, values := range query {
		for _, value := range values {
			if err := text.CheckLine(value); err != nil {
				return autoscaling.FieldErrorf(name, "%s", err)
			}
		}
	}
	return nil
}

// marshal encodes a message of ours. What the state holds can be encoded; what is
// only passed on (a provider's words, a path in an error) is repaired when it
// cannot.
func marshal(m proto.Message) ([]byte, error) {
	data, err := proto.Marshal(m)
	if err == nil {
		return data, nil
	}
	m = proto.CloneOf(m)
	repairMessage(m.ProtoReflect())
	return proto.Marshal(m)
}

// repairMessage makes the strings of a message text.
func repairMessage(m protoreflect.Message) {
	repaired := func(f protoreflect.FieldDescriptor, v protoreflect.Value) (protoreflect.Value, bool) {
		switch f.Kind() {
		case protoreflect.StringKind:
			return protoreflect.ValueOfString(text.Lines(v.String())), text.CheckLines(v.String()) != nil
		case protoreflect.MessageKind, protoreflect.GroupKind:
			repairMessage(v.Message())
		}
		return v, false
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, value protoreflect.Value) bool {
				value, changed := repaired(f.MapValue(), value)
				key := k
				if f.MapKey().Kind() == protoreflect.StringKind {
					key = protoreflect.ValueOfString(text.Line(k.String())).MapKey()
				}
				if changed || key.String() != k.String() {
					v.Map().Clear(k)
					v.Map().Set(key, value)
				}
				return true
			})
		case f.IsList():
			for i := range v.List().Len() {
				if again, changed := repaired(f, v.List().Get(i)); changed {
					v.List().Set(i, again)
				}
			}
		default:
			if again, changed := repaired(f, v); changed {
				m.Set(f, again)
			}
		}
		return true
	})
}
