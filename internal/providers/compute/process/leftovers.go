package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// killLeftovers ends what the instance's process started and left behind in its
// session. The kernel gives the number of a session to nobody else while it has
// members; so, sawLeader being true (its leader lived a moment ago), all members
// are the instance's. Otherwise the number may have been used again since, and
// each of them must prove to be.
func (p *Provider) killLeftovers(ctx context.Context, instance string, r *run, sawLeader bool) error {
	if r.BootID != p.bootID {
		return nil
	}
	started := p.startedAs(instance)
	for deadline := time.Now().Add(killPatience); ; {
		members, err := p.members(r.identity)
		if err != nil {
			return err
		}
		if !sawLeader {
			members = slices.DeleteFunc(members, func(pid int) bool { return !p.belongs(pid, started) })
		}
		if len(members) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return providers.Errorf(providers.Failed, "stop %s: processes %v it started have not died of SIGKILL in %s",
				instance, members, killPatience)
		}
		for _, pid := range members {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
}

// startedAs is the instance as which the process was started: another one where
// the machine was released and adopted since.
func (p *Provider) startedAs(instance string) string {
	var r record
	if found, err := readJSON(p.paths.instance(instance, recordFile), &r); err != nil || !found {
		return instance
	}
	return r.home()
}

// members are the living processes of the session or group that the process
// led. None when its number is another process's by now: then it was free.
func (p *Provider) members(leader identity) ([]int, error) {
	var members []int
	reused := false
	err := processes(func(s procStat) {
		if s.pid == leader.PID {
			reused = reused || s.start != leader.Ticks
			return
		}
		if (s.session == leader.PID || s.group == leader.PID) && !s.dead() {
			members = append(members, s.pid)
		}
	})
	if err != nil || reused {
		return nil, err
	}
	return members, nil
}

// belongs says whether a process is provably the instance's: it was started
// with the instance's environment, or it holds the instance's lock.
func (p *Provider) belongs(pid int, instance string) bool {
	variables, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if slices.ContainsFunc(bytes.Split(variables, []byte{0}), func(v []byte) bool { return string(v) == "AS_INSTANCE="+instance }) {
		return true
	}
	lock := p.paths.instance(instance, lockFile)
	descriptors, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	return slices.ContainsFunc(descriptors, func(fd string) bool {
		target, err := os.Readlink(fd)
		return err == nil && target == lock
	})
}

// idle says that neither a starter nor the command nor a child of it holds the
// instance's lock.
func (p *Provider) idle(instance string) (bool, error) {
	file, err := os.OpenFile(p.paths.instance(instance, lockFile), os.O_RDWR, 0)
	if err != nil {
		return true, ignoreMissing(err)
	}
	ok, err := tryLock(file)
	if ok {
		unlock(file)
	} else {
		_ = file.Close()
	}
	return ok, err
}
