package process

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// children are the processes that this node started and must reap: an
// instance's parent is whoever forked its starter. When that node dies they
// become init's. One goroutine per child waits on its pidfd, which costs no
// thread; close ends them all and lets the children go on.
type children struct {
	mu     sync.Mutex
	closed bool
	byPID  map[int]*child
	group  sync.WaitGroup
}

type child struct {
	pid   int
	pidfd *os.File
	done  chan struct{} // reaped and recorded, or given up
}

func (c *children) watch(p paths, instance string, pid, descriptor int) {
	// Non-blocking, so that the runtime's poller takes it.
	_ = unix.SetNonblock(descriptor, true)
	one := &child{pid: pid, pidfd: os.NewFile(uintptr(descriptor), "pidfd"), done: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = one.pidfd.Close()
		return
	}
	if c.byPID == nil {
		c.byPID = make(map[int]*child)
	}
	c.byPID[pid] = one
	c.group.Go(func() {
		if status, ok := one.wait(); ok {
			recordExit(p, instance, pid, status)
		}
		_ = one.pidfd.Close()
		close(one.done)
		c.forget(one)
	})
}

// wait reaps the child; false when the provider closes first.
func (c *child) wait() (status syscall.WaitStatus, ok bool) {
	raw, err := c.pidfd.SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = raw.Read(func(uintptr) bool { // again whenever the pidfd says that it ended
		pid, err := ignoringEINTR(func() (int, error) { return syscall.Wait4(c.pid, &status, syscall.WNOHANG, nil) })
		ok = err == nil && pid == c.pid
		return ok || err != nil
	})
	return status, ok
}

// forget must not take away another child that has the number by now.
func (c *children) forget(one *child) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byPID[one.pid] == one {
		delete(c.byPID, one.pid)
	}
}

// recordExit says how the instance's process ended, unless the child was not
// its process, somebody has said it already, or the instance is gone.
func recordExit(p paths, instance string, pid int, status syscall.WaitStatus) {
	r, err := readRun(p, instance)
	if err != nil || r == nil || r.PID != pid {
		return
	}
	message := fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signaled() {
		message = fmt.Sprintf("signal: %s", status.Signal())
	}
	_ = writeOnce(p.instance(instance, exitFile), exit{PID: pid, Message: message, Time: time.Now().UTC()})
}

// awaitReaped waits, for a process that has ended, until its end is recorded,
// if it is ours to do so.
func (c *children) awaitReaped(ctx context.Context, pid int) {
	c.mu.Lock()
	one := c.byPID[pid]
	c.mu.Unlock()
	if one == nil {
		return
	}
	select {
	case <-one.done:
	case <-ctx.Done():
	}
}

func (c *children) close() {
	c.mu.Lock()
	c.closed = true
	for _, one := range c.byPID {
		_ = one.pidfd.Close() // ends its goroutine
	}
	c.mu.Unlock()
	c.group.Wait()
}
