package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// shell is a machine whose command is a script. It says "ready" in its log when
// its traps are set.
func shell(script string) providers.MachineSpec {
	return specOf(testInstance, "sh", "-c", script)
}

func awaitLog(t *testing.T, p *Provider, text string) {
	t.Helper()
	waitUntil(t, "the log to say "+text, func() bool {
		content, _ := os.ReadFile(p.paths.instance(testInstance, logFile))
		return strings.Contains(string(content), text)
	})
}

func TestStopAsksFirstAndLetsTheCommandFinish(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustRun(t, p, shell(`trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done`))
	awaitLog(t, p, "ready")
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, p, "bye")
	if m := mustList(t, p)[0]; m.Message != "exit status 7" {
		t.Errorf("message %q, want the command's own exit status", m.Message)
	}
}

func TestStopKillsWhoDoesNotListen(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustRun(t, p, shell(`trap '' TERM; echo ready; while :; do sleep 0.01; done`))
	awaitLog(t, p, "ready")
	begun := time.Now()
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 100*time.Millisecond {
		t.Errorf("killed after %s, before its time was over", took)
	}
	if m := mustList(t, p)[0]; m.State != providers.MachineStopped || m.Message != "signal: killed" {
		t.Errorf("machine %+v, want it killed", m)
	}
}

func TestStopReachesASuspendedProcess(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustRun(t, p, sleeper(testInstance))
	_ = unix.Kill(pidOf(t, p, testInstance), unix.SIGSTOP)
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, time.Minute); err != nil {
		t.Fatal(err)
	}
	if m := mustList(t, p)[0]; m.Message != "signal: terminated" {
		t.Errorf("message %q, want it ended by SIGTERM", m.Message)
	}
}

func TestStopEndsWhatTheCommandLeftBehind(t *testing.T) {
	for name, script := range map[string]string{
		"while the command runs":     `(trap '' TERM; sleep 300) & (trap '' TERM; sleep 300) & echo ready; wait`,
		"after the command has gone": `(trap '' TERM; sleep 300) & echo ready`,
		"in a group of its own":      `set -m; sleep 300 & echo ready; exit 0`,
	} {
		t.Run(name, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustRun(t, p, shell(script))
			awaitLog(t, p, "ready")
			if err := p.Stop(t.Context(), fenceOf(1), testInstance, 5*time.Second); err != nil {
				t.Fatal(err)
			}
			if left := inside(directory); len(left) != 0 {
				t.Errorf("processes %v are left", left)
			}
		})
	}
}

func TestStopHonoursItsContext(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustRun(t, p, shell(`trap '' TERM; echo ready; while :; do sleep 0.01; done`))
	awaitLog(t, p, "ready")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := p.Stop(ctx, fenceOf(1), testInstance, time.Minute)
	if providers.ClassOf(err) != providers.UnknownOutcome || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the outcome unknown for want of time", err)
	}
	if m := mustList(t, p)[0]; m.State != providers.MachineRunning {
		t.Errorf("state %s, want it running still", m.State)
	}
}

func TestStopBeforeStartForbidsTheStart(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustEnsure(t, p, sleeper(testInstance))
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, time.Second); err != nil {
		t.Fatal(err)
	}
	m, err := p.Start(t.Context(), fenceOf(1), testInstance)
	if err != nil || m.State != providers.MachineStopped {
		t.Errorf("machine %+v, error %v: want it stopped", m, err)
	}
}

// The pid of an instance that ended is given to another process, here to one of
// another instance: it is neither shown as ours nor harmed.
func TestReusedPidIsNotMistaken(t *testing.T) {
	for name, forge := range map[string]func(*run){
		"another start time": func(r *run) { r.Ticks-- },
		"another boot":       func(r *run) { r.BootID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8" },
	} {
		t.Run(name, func(t *testing.T) {
			p := newNode(t, newDirectory(t))
			bystander := "i-00000000000000002"
			mustRun(t, p, sleeper(bystander))
			mustEnsure(t, p, sleeper(testInstance))
			r, err := readRun(p.paths, bystander)
			if err != nil {
				t.Fatal(err)
			}
			forge(r)
			if err := writeJSON(p.paths.instance(testInstance, runFile), r); err != nil {
				t.Fatal(err)
			}
			if m := mustList(t, p)[0]; m.State != providers.MachineStopped || m.Message != "not running" {
				t.Errorf("machine %+v, want it not running", m)
			}
			if err := p.Stop(t.Context(), fenceOf(1), testInstance, time.Second); err != nil {
				t.Error(err)
			}
			if err := p.Remove(t.Context(), fenceOf(1), testInstance); err != nil {
				t.Error(err)
			}
			if m := mustList(t, p)[0]; m.Instance != bystander || m.State != providers.MachineRunning {
				t.Errorf("machine %+v, want the bystander alive", m)
			}
		})
	}
}

// The number of our session is used again by a process that has nothing to do
// with us, which has ended but left members in its session: they are spared.
func TestStrangersInAReusedSessionAreSpared(t *testing.T) {
	directory := newDirectory(t)
	p := newNode(t, directory)
	stranger := "i-00000000000000002"
	mustRun(t, p, specOf(stranger, "sh", "-c", "sleep 300 & exit 0"))
	r, err := readRun(p.paths, stranger)
	if err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "its leader to end", func() bool { return !p.alive(r.identity) })
	p.children.awaitReaped(t.Context(), r.PID)
	mustEnsure(t, p, sleeper(testInstance))
	if err := writeJSON(p.paths.instance(testInstance, runFile), r); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, time.Second); err != nil {
		t.Fatal(err)
	}
	if left := inside(directory); len(left) != 1 {
		t.Errorf("processes %v, want the stranger's alive", left)
	}
}

func TestZombieIsDead(t *testing.T) {
	directory := newDirectory(t)
	starting := newNode(t, directory)
	mustRun(t, starting, sleeper(testInstance))
	pid := pidOf(t, starting, testInstance)
	_ = starting.Close() // nobody reaps it any more, and its parent lives
	_ = unix.Kill(pid, unix.SIGKILL)
	p := newNode(t, directory)
	waitUntil(t, "it to be stopped", func() bool { return mustList(t, p)[0].State == providers.MachineStopped })
	if stat, err := readStat(pid); err != nil || stat.state != 'Z' {
		t.Fatalf("process %d: state %c, error %v: this test needs a zombie", pid, stat.state, err)
	}
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, time.Second); err != nil {
		t.Error(err)
	}
	_, _ = unix.Wait4(pid, nil, 0, nil)
}

func TestAddressIsFreeWhenStopReturns(t *testing.T) {
	p := newNode(t, newDirectory(t))
	spec := specOf(testInstance, os.Args[0], "listen")
	spec.Ports = []int32{7001}
	m := mustRun(t, p, spec)
	address := net.JoinHostPort(m.Addresses[0], "7001")
	waitUntil(t, "it to listen", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(fmt.Errorf("after stop: %w", err))
	}
	_ = listener.Close()
}
