package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/asctl/as/"

// mayImport says which of our packages each package may import: its own prefix
// always, and these. Imports point downward only, so that each part can be read,
// tested and replaced knowing only what is below it.
var mayImport = []struct {
	pkg     string
	imports []string
	why     string
}{
	{"internal/autoscaling", nil, "the vocabulary stands on nothing"},
	{"internal/fsm", []string{"internal/autoscaling"}, "state knows records, not who writes them"},
	{"internal/control", []string{"internal/autoscaling", "internal/fsm"}, "operations are functions over the state; every dialect and the scheduler call them"},
	{"internal/explain", []string{"internal/autoscaling", "internal/fsm", "internal/control"}, "what is said follows from the state, by the functions that decide"},
	{"internal/intake", nil, "it bounds connections and bytes, whoever serves them"},
	{"internal/cluster", []string{"internal/autoscaling", "internal/fsm", "internal/intake"}, "replication does not know what it replicates"},
	{"internal/metrics", []string{"internal/autoscaling"}, "samples are not state"},
	{"internal/providers", []string{"internal/autoscaling", "internal/intake"}, "providers are told, they decide nothing; proto/provider only in the plug-in host"},
	{"internal/scheduler", []string{"internal/autoscaling", "internal/fsm", "internal/control", "internal/providers", "internal/metrics"}, "the scheduler and the API meet in the state, not in each other"},
	{"internal/rpc", []string{"internal/autoscaling", "internal/fsm", "internal/control", "internal/explain", "internal/intake", "internal/metrics", "proto"}, "the API and the scheduler meet in the state, not in each other"},
	{"internal/server", []string{"internal", "proto"}, "only the composition root knows everyone"},
	{"cmd/asserver", []string{"internal/server", "internal/providers/compute/process"}, "flags, environment, file and signals; nothing else (process: the starter is asserver itself)"},
	{"cmd/asctl", []string{"proto"}, "the CLI is a pure client of the API"},
	{"examples/receiver", nil, "it is what people outside write, with nothing of ours"},
	{"examples/webapp", nil, "it is what people outside write, with nothing of ours"},
	{"test/cluster/nodes", nil, "it runs binaries"},
}

// pure packages take time and ids as arguments and touch nothing outside.
var pure = []string{"internal/autoscaling", "internal/autoscaling/text", "internal/fsm", "internal/control", "internal/explain", "internal/scheduler/plan"}

// impure are the imports that pure packages do not have; "pkg.Name" forbids one
// name of a package.
var impure = []string{
	"context", "os", "os/exec", "net", "net/http", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "sync/errgroup",
	"github.com/hashicorp/go-hclog", "time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.Tick",
}

func TestImportsPointDownward(t *testing.T) {
	for _, f := range sources(t) {
		for _, rule := range mayImport {
			if !within(f.pkg, rule.pkg) {
				continue
			}
			for _, imported := range f.imports {
				ours, is := strings.CutPrefix(imported, module)
				if !is || within(ours, rule.pkg) || slices.ContainsFunc(rule.imports, func(p string) bool { return within(ours, p) }) {
					continue
				}
				t.Errorf("%s imports %s; %s may not: %s", f.name, ours, rule.pkg, rule.why)
			}
		}
	}
}

func TestPurePackagesHaveNoClockRandomIOOrGoroutine(t *testing.T) {
	for _, f := range sources(t) {
		if !slices.ContainsFunc(pure, func(p string) bool { return f.pkg == p }) {
			continue
		}
		for _, imported := range f.imports {
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s; %s is pure: replay, simulation and tests depend on it", f.name, imported, f.pkg)
			}
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a goroutine in %s, which is pure", f.fset.Position(n.Pos()), f.pkg)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && slices.Contains(impure, x.Name+"."+n.Sel.Name) {
					t.Errorf("%s: %s.%s in %s, which is pure: pass the time in", f.fset.Position(n.Pos()), x.Name, n.Sel.Name, f.pkg)
				}
			}
			return true
		})
	}
}

func TestNoPackageIsNamedForNothing(t *testing.T) {
	for _, f := range sources(t) {
		switch path.Base(f.pkg) {
		case "util", "utils", "common", "helpers", "types", "model", "models", "shared", "misc":
			t.Errorf("%s: a package is a noun of the domain or of the edge that it guards", f.name)
		}
	}
}

type source struct {
	name, pkg string // both relative to the module, with slashes
	imports   []string
	file      *ast.File
	fset      *token.FileSet
}

// sources are the module's Go files, tests and generated code left out.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "bin", "var", "node_modules", "third_party", "testdata", "tools":
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".pb.go") || strings.HasSuffix(name, ".pb.gw.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel("..", name)
		if err != nil {
			return err
		}
		s := source{name: filepath.ToSlash(relative), file: file, fset: fset}
		s.pkg = path.Dir(s.name)
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imported)
		}
		found = append(found, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func within(pkg, prefix string) bool { return pkg == prefix || strings.HasPrefix(pkg, prefix+"/") }
