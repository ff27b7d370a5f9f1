// Package cluster_test proves on real processes what the other tests prove in
// one: three asserver processes on loopback with disks of their own, real
// instances, real files and real sockets. Nodes die by kill -9.
package cluster_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaries is the directory of what was built for this run.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if binaries = os.Getenv("AS_BINARIES"); binaries != "" {
		return m.Run() // of somebody who has built them already
	}
	dir, err := os.MkdirTemp("", "as-test-binaries-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	for _, source := range []string{"./cmd/asserver", "./cmd/asctl", "./examples/webapp", "./examples/receiver"} {
		args := []string{"build", "-tags", "hashicorpmetrics", "-o", dir + string(filepath.Separator)}
		if raceEnabled && source == "./cmd/asserver" {
			args = append(args, "-race") // it is what is tested; the others are tools
		}
		build := exec.Command("go", append(args, source)...)
		build.Dir, build.Stderr = filepath.Join("..", ".."), os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n", source, err)
			return 1
		}
	}
	return m.Run()
}

func asserver() string { return filepath.Join(binaries, "asserver") }
func asctl() string    { return filepath.Join(binaries, "asctl") }
func webapp() string   { return filepath.Join(binaries, "webapp") }
func receiver() string { return filepath.Join(binaries, "receiver") }
