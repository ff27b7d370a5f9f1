package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/asctl/as/cmd/asctl/manifest"
)

// manifestKinds are the kinds that manifests may have, in the order that they are
// applied in: what is referred to comes first.
var manifestKinds = []manifest.Kind{
	{Name: notificationTargets.manifest, Empty: notificationTargets.empty, OneOf: "kind"},
	{Name: configurations.manifest, Empty: configurations.empty},
	{Name: groups.manifest, Empty: groups.empty},
	{Name: hooks.manifest, Empty: hooks.empty, InGroup: true},
	{Name: rules.manifest, Empty: rules.empty, InGroup: true, OneOf: "kind"},
	{Name: alarmTasks.manifest, Empty: alarmTasks.empty, InGroup: true},
	{Name: scheduledTasks.manifest, Empty: scheduledTasks.empty, InGroup: true, OneOf: "action"},
	{Name: notifications.manifest, Empty: notifications.empty, InGroup: true},
}

// maxManifest bounds what is read of one file: the server takes 4 MiB per request.
const maxManifest = 16 << 20

// registerFiles adds -f.
func registerFiles(c *cobra.Command, files *[]string) {
	c.Flags().StringSliceVarP(files, "filename", "f", nil, "`file` or directory with manifests, or - for standard input; may be repeated")
	_ = c.MarkFlagFilename("filename", "yaml", "yml", "json")
}

// loadManifests reads all documents of all files, in the order to apply them. Any
// mistake in any of them is an error: nothing may have been sent by then.
func (a *app) loadManifests(files []string) ([]*manifest.Document, error) {
	if len(files) == 0 {
		return nil, usagef("which manifests? say -f FILE")
	}
	var documents []*manifest.Document
	var problems manifest.Problems
	for _, name := range files {
		paths, err := a.manifestFiles(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			content, err := a.readManifest(path)
			if err != nil {
				return nil, err
			}
			found, err := manifest.Parse(orElse(strings.TrimPrefix(path, "-"), "stdin"), content, manifestKinds)
			var wrong manifest.Problems
			if errors.As(err, &wrong) {
				problems = append(problems, wrong...)
			}
			documents = append(documents, found...)
		}
	}
	problems = append(problems, a.settle(documents)...)
	if len(problems) > 0 {
		return nil, problems
	}
	if len(documents) == 0 {
		return nil, fmt.Errorf("no manifests in %s", strings.Join(files, ", "))
	}
	slices.SortStableFunc(documents, func(x, y *manifest.Document) int { return rank(x) - rank(y) })
	return documents, nil
}

// settle gives each document its namespace and finds those that contradict.
func (a *app) settle(documents []*manifest.Document) manifest.Problems {
	var problems manifest.Problems
	seen := map[string]*manifest.Document{}
	for _, d := range documents {
		switch {
		case d.Namespace == "":
			d.Namespace = a.global.namespace
		case a.global.namespaceGiven && d.Namespace != a.global.namespace:
			problems = append(problems, &manifest.Problem{File: d.File, Line: d.Line, Message: fmt.Sprintf(
				"%s is for namespace %s, but -n says %s", d, d.Namespace, a.global.namespace)})
		}
		name := documentName(d)
		if first := seen[name]; first != nil {
			problems = append(problems, &manifest.Problem{File: d.File, Line: d.Line, Message: fmt.Sprintf(
				"%s is described twice, first at %s", d, first.Position(""))})
		}
		seen[name] = d
	}
	return problems
}

// manifestFiles are the files that a name stands for: of a directory those that
// look like manifests, sorted, without its subdirectories.
func (a *app) manifestFiles(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(a.path(name))
	if err != nil {
		return nil, fileError(name, err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(a.path(name))
	if err != nil {
		return nil, fileError(name, err)
	}
	var paths []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml" || ext == ".json") {
			paths = append(paths, filepath.Join(name, e.Name()))
		}
	}
	return paths, nil
}

func (a *app) readManifest(path string) ([]byte, error) {
	in := a.in
	if path != "-" {
		f, err := os.Open(a.path(path))
		if err != nil {
			return nil, fileError(path, err)
		}
		defer f.Close()
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(content) > maxManifest {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxManifest>>20)
	}
	return content, nil
}

// fileError says what is wrong with a file by the name that it was given, without
// "stat" and "open" before it.
func fileError(name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func rank(d *manifest.Document) int {
	return slices.IndexFunc(manifestKinds, func(k manifest.Kind) bool { return k.Name == d.Kind.Name })
}

// documentName is the full name of what the document describes.
func documentName(d *manifest.Document) string {
	k := kindOfManifest(d.Kind.Name)
	name := "namespaces/" + d.Namespace
	if k.inGroup {
		name += "/groups/" + d.Group
	}
	return name + "/" + k.collection + "/" + d.Name
}
