package process

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// killPatience is how long a process may take to die of SIGKILL. One that hangs
// in the kernel takes longer; the caller comes back for it.
const killPatience = 10 * time.Second

// Stop forbids any start that has not happened yet, then ends the process, if
// there is one, and what it left behind in its session.
func (p *Provider) Stop(ctx context.Context, fence providers.Fence, instance string, timeout time.Duration) error {
	found, err := p.forbidStart(ctx, fence, instance)
	if isRemoved(err) || err == nil && !found {
		return nil
	}
	if isFull(err) {
		err = p.endWithoutRecord(ctx, instance, timeout, err)
	}
	if err != nil {
		return err
	}
	p.step("stop admitted")
	return p.halt(ctx, instance, timeout)
}

// forbidStart marks the instance so that no starter, however late, becomes its
// command.
func (p *Provider) forbidStart(ctx context.Context, fence providers.Fence, instance string) (found bool, err error) {
	f, found, release, err := p.enter(ctx, fence, instance)
	if err != nil {
		return false, err
	}
	defer release()
	if !found || f.record.Halted {
		return found, nil
	}
	f.record.Halted = true
	err = writeJSON(p.paths.instance(instance, recordFile), f.record)
	return true, asUnavailable(err, "stop %s", instance)
}

// endWithoutRecord ends the process of an instance whose record could not be
// written for want of room: the process may be what fills the disk. One that is
// recorded in run.json is never started a second time, so that the ban on its
// start can wait. The error is why the caller must come back for the ban.
func (p *Provider) endWithoutRecord(ctx context.Context, instance string, timeout time.Duration, full error) error {
	r, err := readRun(p.paths, instance)
	if err != nil || r == nil {
		return full
	}
	if err := p.end(ctx, instance, r, timeout); err != nil {
		return err
	}
	return full
}

// halt returns when nothing of the instance runs and, forbidStart having been
// called, nothing ever will.
func (p *Provider) halt(ctx context.Context, instance string, timeout time.Duration) error {
	r, err := p.awaitStarter(ctx, instance)
	if err == nil && r != nil {
		err = p.end(ctx, instance, r, timeout)
	}
	if _, ok := errors.AsType[*providers.Error](err); ok || err == nil {
		return err
	}
	return providers.Errorf(providers.UnknownOutcome, "stop %s: %w", instance, err)
}

// awaitStarter answers the process that the instance became, nil when it became
// none. While the lock is held without a record, a starter is between the two.
func (p *Provider) awaitStarter(ctx context.Context, instance string) (*run, error) {
	for { // ends: a starter records, exits, or gives up after starterPatience
		r, err := readRun(p.paths, instance)
		if err != nil || r != nil {
			return r, err
		}
		idle, err := p.idle(instance)
		if err != nil {
			return nil, err
		}
		if idle {
			// Again: it may have recorded and ended between the two looks.
			return readRun(p.paths, instance)
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// end ends the recorded process: politely, then not.
func (p *Provider) end(ctx context.Context, instance string, r *run, timeout time.Duration) error {
	handle, err := p.openProcess(r.identity)
	if err != nil {
		return err
	}
	if handle == nil {
		return p.killLeftovers(ctx, instance, r, false)
	}
	defer func() { _ = handle.Close() }()

	// A process that we started leads its group and session and cannot leave them:
	// while it lives, its number is that of its group. An adopted one may lead none.
	signal := func(s unix.Signal) { _ = sendSignal(handle, s) }
	if p.leadsGroup(r.identity) {
		signal = func(s unix.Signal) { _ = unix.Kill(-r.PID, s) }
	}
	ended := false
	if timeout > 0 {
		signal(unix.SIGTERM)
		signal(unix.SIGCONT) // a suspended one must hear it, too
		p.step("stop signalled")
		if ended, err = awaitEnd(ctx, handle, timeout); err != nil {
			return err
		}
	}
	if !ended {
		signal(unix.SIGKILL)
		if ended, err = awaitEnd(ctx, handle, killPatience); err != nil {
			return err
		}
	}
	if !ended {
		return providers.Errorf(providers.Failed, "stop %s: process %d has not died of SIGKILL in %s", instance, r.PID, killPatience)
	}
	err = p.killLeftovers(ctx, instance, r, true)
	p.children.awaitReaped(ctx, r.PID)
	return err
}
