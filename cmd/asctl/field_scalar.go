package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	durationName  = "google.protobuf.Duration"
	timestampName = "google.protobuf.Timestamp"
)

// parseScalar reads one value of a field as people write it.
func parseScalar(d protoreflect.FieldDescriptor, s string) (protoreflect.Value, error) {
	switch d.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(s), nil
	case protoreflect.BoolKind:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return protoreflect.Value{}, fmt.Errorf("%q is neither true nor false", s)
		}
		return protoreflect.ValueOfBool(b), nil
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			return protoreflect.Value{}, fmt.Errorf("%q is no whole number", s)
		}
		return protoreflect.ValueOfInt32(int32(n)), nil
	case protoreflect.DoubleKind:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return protoreflect.Value{}, fmt.Errorf("%q is no number", s)
		}
		return protoreflect.ValueOfFloat64(f), nil
	case protoreflect.EnumKind:
		return parseEnum(d.Enum(), s)
	case protoreflect.MessageKind:
		return parseWellKnown(d, s)
	}
	return protoreflect.Value{}, fmt.Errorf("a %s cannot be given as a flag", d.Kind())
}

// parseEnum takes in_service and in-service for IN_SERVICE.
func parseEnum(e protoreflect.EnumDescriptor, s string) (protoreflect.Value, error) {
	word := strings.ToUpper(strings.ReplaceAll(s, "-", "_"))
	v := e.Values().ByName(protoreflect.Name(word))
	if v == nil || v.Number() == 0 {
		return protoreflect.Value{}, fmt.Errorf("%q is none of %s", s, strings.Join(wordsOf(e), ", "))
	}
	return protoreflect.ValueOfEnum(v.Number()), nil
}

func parseWellKnown(d protoreflect.FieldDescriptor, s string) (protoreflect.Value, error) {
	switch d.Message().FullName() {
	case durationName:
		span, err := time.ParseDuration(s)
		if err != nil {
			return protoreflect.Value{}, fmt.Errorf("%q is no duration, e.g. 30s, 5m, 1h30m", s)
		}
		return protoreflect.ValueOfMessage(durationpb.New(span).ProtoReflect()), nil
	case timestampName:
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return protoreflect.Value{}, fmt.Errorf("%q is no time, e.g. 2026-01-31T18:00:00Z", s)
		}
		return protoreflect.ValueOfMessage(timestamppb.New(t).ProtoReflect()), nil
	}
	return protoreflect.Value{}, errors.New("this field cannot be given as a flag")
}

func isBool(d protoreflect.FieldDescriptor) bool {
	return d.Kind() == protoreflect.BoolKind && !d.IsList()
}

// enumWords are the values of an enum field; nil for others.
func enumWords(d protoreflect.FieldDescriptor) []string {
	if d.Kind() != protoreflect.EnumKind {
		return nil
	}
	return wordsOf(d.Enum())
}

// wordsOf are an enum's values without the zero one, which says nothing.
func wordsOf(e protoreflect.EnumDescriptor) []string {
	var words []string
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); v.Number() != 0 {
			words = append(words, string(v.Name()))
		}
	}
	return words
}

func typeWord(d protoreflect.FieldDescriptor) string {
	switch {
	case d.IsMap():
		return "KEY=VALUE"
	case d.Kind() == protoreflect.EnumKind:
		return "word"
	case d.Kind() == protoreflect.Int32Kind:
		return "int"
	case d.Kind() == protoreflect.DoubleKind:
		return "number"
	case d.Kind() == protoreflect.BoolKind:
		return "bool"
	case d.Kind() == protoreflect.MessageKind && d.Message().FullName() == durationName:
		return "duration"
	case d.Kind() == protoreflect.MessageKind && d.Message().FullName() == timestampName:
		return "time"
	}
	return "string"
}

// dynamic makes an empty message that has the field.
func dynamic(d protoreflect.FieldDescriptor) protoreflect.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.ContainingMessage().FullName())
	if err != nil {
		panic(err) // all messages of the API are linked in
	}
	return t.New()
}
