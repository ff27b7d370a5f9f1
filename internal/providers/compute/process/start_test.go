package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

func TestTwoNodesStartOneProcess(t *testing.T) {
	directory := newDirectory(t)
	nodes := []*Provider{newNode(t, directory), newNode(t, directory)}
	const rounds = 100
	for round := range rounds {
		instance := fmt.Sprintf("i-%017x", round)
		var wg sync.WaitGroup
		for _, node := range nodes {
			wg.Go(func() {
				if _, err := node.Ensure(t.Context(), fenceOf(1), sleeper(instance)); err != nil {
					t.Errorf("ensure: %v", err)
				}
				if m, err := node.Start(t.Context(), fenceOf(1), instance); err != nil || m.State != providers.MachineRunning {
					t.Errorf("start: %+v, %v", m, err)
				}
			})
		}
		wg.Wait()
		pids := inside(nodes[0].paths.instance(instance))
		if len(pids) != 1 || pids[0] != pidOf(t, nodes[0], instance) {
			t.Fatalf("round %d: processes %v run, %d is recorded", round, pids, pidOf(t, nodes[0], instance))
		}
	}
	if taken := reservations(t, nodes[0]); len(taken) != rounds {
		t.Errorf("%d addresses for %d machines", len(taken), rounds)
	}
}

func TestCommandIsTheInstance(t *testing.T) {
	p := newNode(t, newDirectory(t))
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("SECRET_OF_THE_SERVER", "hidden")
	spec := shell(`env; echo "args $0 $1"; pwd; ls -l /proc/$$/fd; echo ready; exec sleep 300`)
	spec.Args = []string{"zero", "one"}
	spec.Env = map[string]string{"COLOUR": "green", "HOME": "/nonexistent"}
	spec.Ports = []int32{8080, 8081}
	m := mustRun(t, p, spec)
	awaitLog(t, p, "ready")
	content, _ := os.ReadFile(p.paths.instance(testInstance, logFile))
	log := string(content)
	for _, want := range []string{
		"AS_INSTANCE=" + testInstance, "AS_GROUP=namespaces/default/groups/web", "AS_ADDRESS=" + m.Addresses[0],
		"PORT=8080", "COLOUR=green", "HOME=/nonexistent", "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH"),
		"args zero one", p.paths.instance(testInstance, workFile),
	} {
		if !strings.Contains(log, want+"\n") {
			t.Errorf("no line %q in the instance's output:\n%s", want, log)
		}
	}
	if strings.Contains(log, "SECRET_OF_THE_SERVER") || strings.Contains(log, "report") || strings.Contains(log, "pipe:") {
		t.Errorf("something of the server's got into the instance:\n%s", log)
	}
	pid := pidOf(t, p, testInstance)
	if session, _ := unix.Getsid(pid); session != pid {
		t.Errorf("session %d, want its own, %d", session, pid)
	}
	if stat, err := readStat(pid); err != nil || stat.group != pid {
		t.Errorf("group %d (%v), want its own, %d", stat.group, err, pid)
	}
	if idle, err := p.idle(testInstance); err != nil || idle {
		t.Errorf("idle %t, %v: want the lock held by the command", idle, err)
	}
}

func TestNothingElseReachesTheCommand(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustRun(t, p, sleeper(testInstance))
	log, lock := p.paths.instance(testInstance, logFile), p.paths.instance(testInstance, lockFile)
	want := []string{os.DevNull, lock, log, log}
	var open []string
	for range 100 { // it may be loading its libraries still
		open = openFiles(pidOf(t, p, testInstance))
		if slices.Equal(open, want) {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("open files %v, want %v", open, want)
}

func openFiles(pid int) []string {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	var open []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			open = append(open, target)
		}
	}
	slices.Sort(open)
	return open
}

func TestInstanceOutlivesItsNode(t *testing.T) {
	directory := newDirectory(t)
	p := newNode(t, directory)
	mustEnsure(t, p, sleeper(testInstance))
	dyingNode(t, "start forked", "start", directory)
	waitUntil(t, "it to run", func() bool { return mustList(t, p)[0].State == providers.MachineRunning })
	if err := p.Stop(t.Context(), fenceOf(2), testInstance, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if m := mustList(t, p)[0]; m.State != providers.MachineStopped || m.Message == "" {
		t.Errorf("machine %+v, want it stopped and why", m)
	}
}

func TestExitStatusIsRecorded(t *testing.T) {
	directory := newDirectory(t)
	p := newNode(t, directory)
	mustRun(t, p, shell("exit 3"))
	waitUntil(t, "its end to be recorded", func() bool { return mustList(t, p)[0].Message == "exit status 3" })
	if m := mustList(t, newNode(t, directory))[0]; m.State != providers.MachineStopped || m.Message != "exit status 3" {
		t.Errorf("another node has %+v", m)
	}
}

func TestCommandThatCannotBeExecuted(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		class   providers.Class
		says    string
	}{
		"no program":     {"just text\n", providers.InvalidConfiguration, "exec format error"},
		"no interpreter": {"#!/no/such/interpreter\n", providers.InvalidConfiguration, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			file := filepath.Join(t.TempDir(), "command")
			if err := os.WriteFile(file, []byte(c.content), 0o700); err != nil {
				t.Fatal(err)
			}
			mustEnsure(t, p, specOf(testInstance, file))
			_, err := p.Start(t.Context(), fenceOf(1), testInstance)
			if providers.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: %v", providers.ClassOf(err), err)
			}
			waitUntil(t, "it to be stopped", func() bool {
				m := mustList(t, p)[0]
				return m.State == providers.MachineStopped && strings.Contains(m.Message, c.says)
			})
		})
	}
}

func TestCommandThatVanishedAfterEnsure(t *testing.T) {
	p := newNode(t, newDirectory(t))
	file := filepath.Join(t.TempDir(), "command")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nexec sleep 300\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustEnsure(t, p, specOf(testInstance, file))
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err := p.Start(t.Context(), fenceOf(1), testInstance)
	if providers.ClassOf(err) != providers.InvalidConfiguration {
		t.Errorf("%s: %v", providers.ClassOf(err), err)
	}
}

func TestStartHonoursItsContext(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustEnsure(t, p, sleeper(testInstance))
	p.starter = []string{"/bin/sh", "-c", "sleep 300"}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Start(ctx, fenceOf(1), testInstance)
	if providers.ClassOf(err) != providers.UnknownOutcome || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the outcome unknown for want of time", err)
	}
}

func TestRestoredStateTakesItsMachinesOver(t *testing.T) {
	p := newNode(t, newDirectory(t))
	restored := providers.Fence{Cluster: "test", Incarnation: "second", Epoch: 1}
	old := providers.Fence{Cluster: "test", Incarnation: "first", Epoch: 7}
	if _, err := p.Ensure(t.Context(), old, sleeper(testInstance)); err != nil {
		t.Fatal(err)
	}
	m, err := p.Ensure(t.Context(), restored, sleeper(testInstance))
	if err != nil || m.Incarnation != "second" {
		t.Errorf("machine %+v, error %v: want it taken over", m, err)
	}
	old.Epoch = 9
	if _, err := p.Start(t.Context(), old, testInstance); providers.ClassOf(err) != providers.StaleEpoch {
		t.Errorf("error %v: want the old incarnation refused for good", err)
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	spec := sleeper(testInstance)
	spec.Env, spec.Config, spec.StopTimeout = map[string]string{"A": "b"}, []byte("{}"), 7*time.Second
	before := record{mark: markOf(fenceOf(3)), Spec: spec, Address: "127.77.0.1", CreateTime: time.Now().UTC(), Halted: true}
	content, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	var after record
	if err := json.Unmarshal(content, &after); err != nil {
		t.Fatal(err)
	}
	if after.Epoch != 3 || after.Spec.StopTimeout != 7*time.Second || !after.Halted || after.removed() || after.Spec.Env["A"] != "b" {
		t.Errorf("%+v became %+v", before, after)
	}
}
