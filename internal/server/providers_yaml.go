package server

import (
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// The settings of a provider depend on its type, which stands beside them. Each
// is read twice: for the type, then strictly into the settings of that type.

// UnmarshalYAML reads {type: process|sim, …}.
func (c *Compute) UnmarshalYAML(node ast.Node) error {
	kind, err := typeOf(node)
	if err != nil {
		return err
	}
	switch kind {
	case "process":
		c.Process = &ProcessSettings{AddressPool: "127.77.0.0/16"}
		return strict(node, c.Process)
	case "sim":
		c.Sim = &SimSettings{Seed: 1}
		return strict(node, c.Sim)
	}
	return unknownType(node, kind, "process, sim")
}

// UnmarshalYAML reads {type: builtin, …}.
func (b *Balancer) UnmarshalYAML(node ast.Node) error {
	kind, err := typeOf(node)
	if err != nil {
		return err
	}
	if kind != "builtin" {
		return unknownType(node, kind, "builtin")
	}
	b.Builtin = &BuiltinSettings{}
	return strict(node, b.Builtin)
}

// UnmarshalYAML reads {type: file, …}.
func (a *AccessList) UnmarshalYAML(node ast.Node) error {
	kind, err := typeOf(node)
	if err != nil {
		return err
	}
	if kind != "file" {
		return unknownType(node, kind, "file")
	}
	a.File = &FileSettings{}
	return strict(node, a.File)
}

func typeOf(node ast.Node) (string, error) {
	var t struct{ Type string }
	err := yaml.NodeToValue(node, &t)
	return t.Type, err
}

func strict[T any](node ast.Node, settings *T) error {
	with := struct {
		Type     string
		Settings T `yaml:",inline"`
	}{Settings: *settings}
	err := yaml.NodeToValue(node, &with, yaml.Strict())
	*settings = with.Settings
	return err
}

func unknownType(node ast.Node, kind, known string) error {
	return &yaml.SyntaxError{
		Message: fmt.Sprintf("unknown provider type %q; this version knows: %s", kind, known),
		Token:   node.GetToken(),
	}
}
