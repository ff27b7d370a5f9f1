package process

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// Start forks a starter and waits until it has become the command or says why
// not. Whether it happened is read from the directory afterwards, never
// concluded: the starter may outlive this call, this node or the context, and
// another may have been first.
func (p *Provider) Start(ctx context.Context, fence providers.Fence, instance string) (providers.Machine, error) {
	m, err := p.admitStart(ctx, fence, instance)
	if err != nil || m.State != providers.MachineCreated {
		return m, err
	}
	p.step("start admitted")
	failure, err := p.fork(ctx, starter{
		paths: p.paths, instance: instance, incarnation: fence.Incarnation, epoch: fence.Epoch,
	})
	if err != nil {
		return providers.Machine{}, err
	}
	return p.outcome(ctx, instance, failure)
}

func (p *Provider) admitStart(ctx context.Context, fence providers.Fence, instance string) (providers.Machine, error) {
	f, found, release, err := p.enter(ctx, fence, instance)
	if err != nil {
		return providers.Machine{}, err
	}
	defer release()
	if !found {
		return providers.Machine{}, providers.Errorf(providers.NotFound, "start %s: there is no such machine", instance)
	}
	return p.machine(f), nil
}

// fork executes a starter and waits for its report: none if it became the
// command or died before it could say anything.
func (p *Provider) fork(ctx context.Context, s starter) (*report, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, providers.Errorf(providers.Unavailable, "start %s: %w", s.instance, err)
	}
	defer func() { _ = null.Close() }()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, providers.Errorf(providers.Unavailable, "start %s: %w", s.instance, err)
	}
	defer func() { _ = reader.Close() }()

	descriptor := -1
	pid, err := syscall.ForkExec(p.starter[0], slices.Concat(p.starter, s.args()), &syscall.ProcAttr{
		Dir:   string(p.paths),
		Env:   environmentOfStarter(),
		Files: []uintptr{null.Fd(), null.Fd(), null.Fd(), writer.Fd()},
		// A session of its own from the first moment: what is sent to asserver's
		// group or terminal is not for the instance.
		Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &descriptor},
	})
	_ = writer.Close()
	if err != nil {
		return nil, forkError(s.instance, err)
	}
	p.children.watch(p.paths, s.instance, pid, descriptor)
	p.step("start forked")
	return readReport(ctx, s.instance, reader)
}

func forkError(instance string, err error) error {
	switch err {
	case unix.EAGAIN, unix.ENOMEM:
		return providers.Errorf(providers.OutOfCapacity, "start %s: no room for another process: %w", instance, err)
	case unix.EMFILE, unix.ENFILE:
		return providers.Errorf(providers.Unavailable, "start %s: %w", instance, err)
	}
	return providers.Errorf(providers.Failed, "start %s: cannot execute the starter: %w", instance, err)
}

// readReport reads until the starter has closed the pipe, which exec does.
func readReport(ctx context.Context, instance string, reader *os.File) (*report, error) {
	stop := context.AfterFunc(ctx, func() { _ = reader.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	content, err := io.ReadAll(io.LimitReader(reader, 1<<16))
	if err != nil {
		return nil, providers.Errorf(providers.UnknownOutcome, "start %s: the starter has not answered: %w", instance, context.Cause(ctx))
	}
	if len(content) == 0 {
		return nil, nil
	}
	var r report
	if err := json.Unmarshal(content, &r); err != nil {
		return nil, providers.Errorf(providers.UnknownOutcome, "start %s: the starter answered %q", instance, content)
	}
	return &r, nil
}

// outcome is what became of a start.
func (p *Provider) outcome(ctx context.Context, instance string, failure *report) (providers.Machine, error) {
	if failure != nil && failure.Class != providers.UnknownOutcome {
		return providers.Machine{}, providers.Errorf(failure.Class, "%s", failure.Message)
	}
	f, found, err := p.read(instance)
	if err != nil {
		return providers.Machine{}, providers.Errorf(providers.UnknownOutcome, "start %s: %w", instance, err)
	}
	if !found || !f.record.live() {
		return providers.Machine{}, removedError(instance)
	}
	m := p.machine(f)
	switch m.State {
	case providers.MachineCreated:
		why := "it ended before the command began"
		if failure != nil {
			why = failure.Message
		}
		return providers.Machine{}, providers.Errorf(providers.Failed, "start %s: the starter failed: %s", instance, why)
	case providers.MachineStopped:
		// It ended at once. If it was ours, how it ended is known in a moment.
		if f.run != nil {
			p.children.awaitReaped(ctx, f.run.PID)
		}
		if again, found, err := p.read(instance); err == nil && found {
			return p.machine(again), nil
		}
	}
	return m, nil
}

func environmentOfStarter() []string {
	var list []string
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			list = append(list, fmt.Sprintf("%s=%s", name, value))
		}
	}
	return list
}
