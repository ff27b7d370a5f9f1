package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// probePidfd says early what would otherwise be found out with a process to reap.
func probePidfd() error {
	descriptor, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return fmt.Errorf("this kernel has no pidfds (Linux 5.4 has): %w", err)
	}
	return unix.Close(descriptor)
}

// openProcess is a handle on exactly that process, nil when it has ended. The
// number is looked up first and who it names is checked after, so that a
// process which took the number over meanwhile is not mistaken for it.
func (p *Provider) openProcess(id identity) (*os.File, error) {
	if !p.alive(id) {
		return nil, nil
	}
	descriptor, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", id.PID, err)
	}
	handle := os.NewFile(uintptr(descriptor), "pidfd")
	if !p.alive(id) {
		_ = handle.Close()
		return nil, nil
	}
	return handle, nil
}

// sendSignal signals exactly that process.
func sendSignal(handle *os.File, signal unix.Signal) error {
	raw, err := handle.SyscallConn()
	if err != nil {
		return err
	}
	sent := error(nil)
	err = raw.Control(func(descriptor uintptr) { sent = unix.PidfdSendSignal(int(descriptor), signal, nil, 0) })
	return errors.Join(err, sent)
}

// awaitEnd waits until the process has ended, reaped or not, for no longer than
// timeout; false when it has not.
func awaitEnd(ctx context.Context, handle *os.File, timeout time.Duration) (bool, error) {
	if err := handle.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return false, fmt.Errorf("wait for a process: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = handle.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := handle.SyscallConn()
	if err != nil {
		return false, fmt.Errorf("wait for a process: %w", err)
	}
	err = raw.Read(func(descriptor uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLIN}}
		n, err := ignoringEINTR(func() (int, error) { return unix.Poll(fds, 0) })
		return err != nil || n > 0
	})
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, nil
	}
	return false, fmt.Errorf("wait for a process: %w", err)
}
