package process

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

const testInstance = "i-00000000000000001"

var testPool = netip.MustParsePrefix("127.77.0.0/16")

// newDirectory is an empty place whose processes are gone when the test ends.
func newDirectory(t *testing.T) string {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "instances")
	t.Cleanup(func() { killAll(t, directory) })
	return directory
}

// newNode is a provider on the directory, as a node has it.
func newNode(t *testing.T, directory string) *Provider {
	t.Helper()
	p, err := New(Config{
		Directory:   directory,
		AddressPool: testPool,
		Logger:      hclog.New(&hclog.LoggerOptions{Output: testWriter{t}, Level: hclog.Warn}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(line []byte) (int, error) {
	w.t.Logf("log: %s", strings.TrimSpace(string(line)))
	return len(line), nil
}

func fenceOf(epoch uint64) providers.Fence {
	return providers.Fence{Cluster: "test", Incarnation: "first", Epoch: epoch}
}

func specOf(instance string, command ...string) providers.MachineSpec {
	return providers.MachineSpec{
		Instance: instance,
		Group:    "namespaces/default/groups/web",
		Zone:     "default",
		Command:  command,
	}
}

func sleeper(instance string) providers.MachineSpec { return specOf(instance, "sleep", "300") }

func mustEnsure(t *testing.T, p *Provider, spec providers.MachineSpec) providers.Machine {
	t.Helper()
	m, err := p.Ensure(t.Context(), fenceOf(1), spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mustRun is a machine that has been started.
func mustRun(t *testing.T, p *Provider, spec providers.MachineSpec) providers.Machine {
	t.Helper()
	mustEnsure(t, p, spec)
	m, err := p.Start(t.Context(), fenceOf(1), spec.Instance)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustList(t *testing.T, p *Provider) []providers.Machine {
	t.Helper()
	l, err := p.List(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return l.Machines
}

func pidOf(t *testing.T, p *Provider, instance string) int {
	t.Helper()
	r, err := readRun(p.paths, instance)
	if err != nil || r == nil {
		t.Fatalf("no process of %s is recorded: %v", instance, err)
	}
	return r.PID
}

// waitUntil is for what other processes do in their own time.
func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// inside are the processes that work in the directory: all that its instances
// started, whatever session they are in now.
func inside(directory string) []int {
	var pids []int
	_ = processes(func(s procStat) {
		cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", s.pid))
		if err == nil && strings.HasPrefix(cwd, directory) && !s.dead() {
			pids = append(pids, s.pid)
		}
	})
	return pids
}

func killAll(t *testing.T, directory string) {
	for range 500 {
		pids := inside(directory)
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		<-time.After(2 * time.Millisecond)
	}
	t.Errorf("processes %v outlive the test", inside(directory))
}

// idleStarters is the number of starters at work in the directory: they have
// not become a command yet.
func idleStarters(directory string) int {
	starters := 0
	_ = processes(func(s procStat) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.pid))
		if strings.Contains(string(line), starterArgument+"\x00"+directory) && !s.dead() {
			starters++
		}
	})
	return starters
}
