package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// field is a field of a resource that a flag of create and update sets.
type field struct {
	flag string
	// path is the field's, in proto names, from the resource on.
	path  string
	usage string
	// message reads the value of a field that is a message, or a list of them.
	message func(string) (proto.Message, error)
	// preset is the value that create uses when another field of the same message
	// is given and this one is not.
	preset string
	// verbatim values of lists are not split at commas.
	verbatim bool
	// words splits a value that is given once as a shell splits words.
	words bool
	// fromFile reads @FILE; trimmed without the space around it.
	fromFile, trimmed bool
	createOnly        bool
	// of is the kind whose names the value may be, for completion.
	of *kind
	// except is the one word of the enum that the field does not take.
	except string
}

var labelsField = field{flag: "label", path: "labels", usage: "label; may be repeated"}

// fieldFlags are the flags of one command, bound to a resource's fields.
type fieldFlags struct {
	kind   *kind
	values []*fieldValue
	clear  []string
}

// register adds the flags of the kind's fields.
func (f *fieldFlags) register(a *app, c *cobra.Command, k *kind, update bool) {
	f.kind = k
	for _, one := range k.fields {
		if update && one.createOnly {
			continue
		}
		v := &fieldValue{field: one, descriptor: descend(k.empty.ProtoReflect().Descriptor(), one.path)}
		f.values = append(f.values, v)
		flag := c.Flags().VarPF(v, one.flag, "", one.usage)
		if isBool(v.descriptor) {
			flag.NoOptDefVal = "true"
		}
		if words := v.words(); words != nil {
			flag.Usage += ": " + strings.Join(words, ", ")
			_ = c.RegisterFlagCompletionFunc(one.flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		}
		if one.of != nil {
			_ = c.RegisterFlagCompletionFunc(one.flag, a.completeNames(one.of))
		}
	}
	if update {
		c.Flags().StringSliceVar(&f.clear, "clear", nil, "`flag` whose field goes back to its default, e.g. --clear zone; may be repeated")
	}
}

// resource makes the resource that the flags describe, and the paths that were
// given.
func (f *fieldFlags) resource() (proto.Message, []string, error) {
	m := f.kind.empty.ProtoReflect().New()
	var paths []string
	for _, v := range f.values {
		if len(v.raw) == 0 {
			continue
		}
		if err := v.set(m); err != nil {
			return nil, nil, usagef("--%s: %w", v.field.flag, err)
		}
		paths = append(paths, v.field.path)
	}
	for _, flag := range f.clear {
		path, err := f.pathOf(flag)
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, path)
	}
	return m.Interface(), paths, nil
}

// addPresets fills what create assumes beside what was given.
func (f *fieldFlags) addPresets(m proto.Message, paths []string) error {
	for _, v := range f.values {
		if v.field.preset == "" || len(v.raw) > 0 {
			continue
		}
		inside := v.field.path[:strings.LastIndexByte(v.field.path, '.')+1]
		for _, path := range paths {
			if inside != "" && strings.HasPrefix(path, inside) {
				v.raw = []string{v.field.preset}
				if err := v.set(m.ProtoReflect()); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func (f *fieldFlags) pathOf(flag string) (string, error) {
	for _, v := range f.values {
		if v.field.flag == strings.TrimPrefix(flag, "--") {
			return v.field.path, nil
		}
	}
	return "", usagef("--clear %s: there is no such flag", flag)
}

// fieldValue is the value of one flag, a pflag.Value.
type fieldValue struct {
	field      field
	descriptor protoreflect.FieldDescriptor
	raw        []string
}

// words are what an enum field takes; nil for others.
func (v *fieldValue) words() []string {
	return slices.DeleteFunc(enumWords(v.descriptor), func(word string) bool { return word == v.field.except })
}

func (v *fieldValue) String() string { return strings.Join(v.raw, ",") }

// Type is what help calls the value.
func (v *fieldValue) Type() string { return typeWord(v.descriptor) }

// Set checks the value at once, so that an error names the flag.
func (v *fieldValue) Set(s string) error {
	if v.field.fromFile {
		if file, ok := strings.CutPrefix(s, "@"); ok {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			s = string(content)
			if v.field.trimmed {
				s = strings.TrimSpace(s)
			}
		}
	}
	switch {
	case v.descriptor.IsMap():
		if key, _, ok := strings.Cut(s, "="); !ok || key == "" {
			return fmt.Errorf("expected KEY=VALUE")
		}
		v.raw = append(v.raw, s)
	case v.descriptor.IsList() && !v.field.verbatim && v.field.message == nil:
		for _, item := range strings.Split(s, ",") {
			if _, err := parseScalar(v.descriptor, item); err != nil {
				return err
			}
			v.raw = append(v.raw, item)
		}
	case v.descriptor.IsList():
		v.raw = append(v.raw, s)
	default:
		v.raw = []string{s}
	}
	return v.check()
}

// check reads the values into a resource that nobody sees.
func (v *fieldValue) check() error {
	if v.descriptor.IsMap() || v.field.words {
		return nil
	}
	return v.store(dynamic(v.descriptor))
}

// set puts the values into the resource, making the messages on the way.
func (v *fieldValue) set(m protoreflect.Message) error {
	segments := strings.Split(v.field.path, ".")
	for _, segment := range segments[:len(segments)-1] {
		m = m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(segment))).Message()
	}
	return v.store(m)
}

func (v *fieldValue) store(m protoreflect.Message) error {
	d := v.descriptor
	switch {
	case d.IsMap():
		entries := m.Mutable(d).Map()
		for _, pair := range v.raw {
			key, value, _ := strings.Cut(pair, "=")
			entries.Set(protoreflect.ValueOfString(key).MapKey(), protoreflect.ValueOfString(value))
		}
		return nil
	case d.IsList():
		raw := v.raw
		if v.field.words && len(raw) == 1 {
			var err error
			if raw, err = splitWords(raw[0]); err != nil {
				return err
			}
		}
		entries := m.Mutable(d).List()
		for _, item := range raw {
			value, err := v.parse(item)
			if err != nil {
				return err
			}
			entries.Append(value)
		}
		return nil
	}
	value, err := v.parse(v.raw[0])
	if err != nil {
		return err
	}
	m.Set(d, value)
	return nil
}

func (v *fieldValue) parse(s string) (protoreflect.Value, error) {
	if v.field.message == nil {
		return parseScalar(v.descriptor, s)
	}
	m, err := v.field.message(s)
	if err != nil {
		return protoreflect.Value{}, err
	}
	return protoreflect.ValueOfMessage(m.ProtoReflect()), nil
}

// descend finds the field at a path. The paths are constants; a wrong one cannot
// be shipped, because every command line makes every flag.
func descend(m protoreflect.MessageDescriptor, path string) protoreflect.FieldDescriptor {
	var found protoreflect.FieldDescriptor
	for segment := range strings.SplitSeq(path, ".") {
		if found = m.Fields().ByName(protoreflect.Name(segment)); found == nil {
			panic("no field " + path + " in " + string(m.FullName()))
		}
		m = found.Message()
	}
	return found
}
