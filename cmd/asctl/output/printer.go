// Package output writes API messages for people and programs: tables, JSON,
// YAML, names. It knows protobuf's conventions, not the resources.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"buf.build/go/protoyaml"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Formats that -o takes.
const (
	Table = "table"
	Wide  = "wide"
	JSON  = "json"
	YAML  = "yaml"
	Name  = "name"
)

// Formats are all of them, in the order that help shows.
var Formats = []string{Table, Wide, JSON, YAML, Name}

// CheckFormat refuses an unknown format.
func CheckFormat(format string) error {
	if slices.Contains(Formats, format) {
		return nil
	}
	return fmt.Errorf("unknown output format %q: one of %s", format, strings.Join(Formats, ", "))
}

// Printer writes messages in one format.
type Printer struct {
	Out    io.Writer
	Format string
	Now    time.Time
	// NameOf is what the name format shows of a message where it is not empty, else
	// the field "name" is.
	NameOf func(proto.Message) string
	// NoHeader leaves a table's first line out.
	NoHeader bool
}

// One writes a single message.
func (p Printer) One(m proto.Message, columns []Column) error {
	switch p.Format {
	case JSON, YAML:
		return p.document(m)
	}
	return p.rows([]proto.Message{m}, columns)
}

// List writes many: rows or names of each, or the response that carries them.
func (p Printer) List(response proto.Message, items []proto.Message, columns []Column) error {
	switch p.Format {
	case JSON, YAML:
		return p.document(response)
	}
	return p.rows(items, columns)
}

func (p Printer) rows(items []proto.Message, columns []Column) error {
	if p.Format == Name {
		return p.names(items)
	}
	return WriteTable(p.Out, Rows(items, columns, p.Format == Wide, p.Now), p.NoHeader)
}

func (p Printer) names(items []proto.Message) error {
	for _, m := range items {
		if p.NameOf != nil && p.NameOf(m) != "" {
			if _, err := fmt.Fprintln(p.Out, p.NameOf(m)); err != nil {
				return err
			}
			continue
		}
		name := m.ProtoReflect().Descriptor().Fields().ByName("name")
		if name == nil {
			return fmt.Errorf("-o name: a %s has no name", m.ProtoReflect().Descriptor().Name())
		}
		if _, err := fmt.Fprintln(p.Out, m.ProtoReflect().Get(name).String()); err != nil {
			return err
		}
	}
	return nil
}

// document writes the API's JSON, or the same as YAML. Several in a row can be
// read as a stream.
func (p Printer) document(m proto.Message) error {
	var content []byte
	var err error
	if p.Format == YAML {
		content, err = (protoyaml.MarshalOptions{Indent: 2}).Marshal(m)
		content = append([]byte("---\n"), content...)
	} else {
		content, err = indentedJSON(m)
	}
	if err != nil {
		return err
	}
	_, err = p.Out.Write(content)
	return err
}

// indentedJSON is the API's JSON with spaces that do not change from run to run,
// as protojson's own do on purpose.
func indentedJSON(m proto.Message) ([]byte, error) {
	content, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, content, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// CompactJSON is one message on one line.
func CompactJSON(m proto.Message) ([]byte, error) {
	content, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, content); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
