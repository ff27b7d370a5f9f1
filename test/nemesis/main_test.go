package nemesis_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var (
	nemesisTime = flag.Duration("nemesis.time", 40*time.Second, "how long each lane attacks its cluster")
	nemesisSeed = flag.Uint64("nemesis.seed", 1, "seed of the faults; 0: another one each time")
	nemesisKeep = flag.Bool("nemesis.keep", false, "keep the directories of nodes of a failed lane")
)

// insideKey marks the process that runs in namespaces of its own.
const insideKey = "AS_NEMESIS_INSIDE"

// asserver is the binary under test. Its wall clock can be moved by a file.
var asserver string

func TestMain(m *testing.M) {
	if os.Getenv(insideKey) == "" {
		if os.Geteuid() != 0 && os.Getenv("CI") == "" {
			fmt.Println("nemesis: skipped: network namespaces and disks can be made by root only")
			os.Exit(0)
		}
		os.Exit(runInside())
	}
	os.Exit(run(m))
}

// runInside runs this program again in a network and a mount namespace of its
// own. Bridges, hosts, mounts and firewall rules then end with it.
func runInside() int {
	flag.Parse()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideKey+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1)
	}
	fmt.Fprintf(os.Stderr, "nemesis: network namespaces cannot be made (root is needed): %v\n", err)
	return 1
}

func run(m *testing.M) int {
	for _, step := range [][]string{
		{"mount", "--make-rprivate", "/"},
		{"mount", "-t", "tmpfs", "none", "/run/netns"},
		{"ip", "link", "set", "lo", "up"},
	} {
		if step[0] == "mount" && len(step) > 4 {
			_ = os.MkdirAll(step[4], 0o755)
		}
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "nemesis: %v: %v: %s\n", step, err, out)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "as-nemesis-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	asserver = filepath.Join(dir, "asserver")
	if ready := os.Getenv("AS_NEMESIS_BINARY"); ready != "" {
		asserver = ready
		return m.Run()
	}
	if err := buildWithShiftedClock(dir, asserver); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
