package process

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// outside is a process that somebody else started.
type outside struct {
	id      string // as a machine
	address string
	command *exec.Cmd
}

// outsiders counts those of this run: each has an address of its own.
var outsiders atomic.Int32

func nextAddress() string {
	n := outsiders.Add(1)
	return fmt.Sprintf("127.78.%d.%d", n/200, 1+n%200)
}

// outsider is a process that leads neither session nor group.
func outsider(t *testing.T) outside { return outsiderOf(t, exec.Command("sleep", "300")) }

// outsiderOf starts the command, and ends it with the test.
func outsiderOf(t *testing.T, command *exec.Cmd) outside {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // so that what ends is gone, as with a parent that cares
		_ = command.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		if attr := command.SysProcAttr; attr != nil && (attr.Setsid || attr.Setpgid) {
			_ = unix.Kill(-command.Process.Pid, unix.SIGKILL)
		}
		_ = command.Process.Kill()
		<-done
	})
	waitUntil(t, "its program", func() bool { // a moment after Start it has no arguments yet
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", command.Process.Pid))
		return err != nil || len(line) > 0
	})
	address := nextAddress()
	return outside{id: fmt.Sprintf("%d@%s", command.Process.Pid, address), address: address, command: command}
}

// listener runs this test's program, or a copy of it.
func listener(program string) *exec.Cmd {
	command := exec.Command(program, "listen")
	command.Env = append(os.Environ(), "AS_ADDRESS=127.0.0.1", "PORT=0")
	return command
}

// leader is a session's own leader with a child in its session.
func leader(t *testing.T) outside {
	command := exec.Command("sh", "-c", "sleep 300 & exec sleep 300")
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return outsiderOf(t, command)
}

// runs says whether the process of the machine runs, by the kernel.
func runs(p *Provider, machineID string) bool {
	pid, _, ok := parseOutsideID(machineID)
	if !ok {
		r, err := readRun(p.paths, machineID)
		return err == nil && r != nil && p.alive(r.identity)
	}
	stat, err := readStat(pid)
	return err == nil && !stat.dead()
}
