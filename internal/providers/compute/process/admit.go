package process

import (
	"context"
	"errors"
	"time"

	"github.com/asctl/as/internal/providers"
)

// enter passes the gate of an instance for a call of the fence and answers what
// is there. Release is to be called when err is nil.
func (p *Provider) enter(ctx context.Context, fence providers.Fence, instance string) (f files, found bool, release func(), err error) {
	release, err = p.pass(ctx, instance)
	if err != nil {
		return files{}, false, nil, err
	}
	if f, found, err = p.admit(fence, instance); err != nil {
		release()
		return files{}, false, nil, err
	}
	return f, found, release, nil
}

// admit checks the fence against what is known of the instance and keeps it. A
// removed instance is StaleEpoch, see isRemoved. It runs under the gate.
func (p *Provider) admit(fence providers.Fence, instance string) (f files, found bool, err error) {
	grave, err := p.buried(instance)
	if err != nil {
		return files{}, false, err
	}
	if grave != nil {
		if _, err := grave.admit(instance, fence); err != nil {
			return files{}, false, err
		}
		return files{}, false, removedError(instance)
	}
	f, found, err = p.read(instance)
	if errors.Is(err, errCorrupt) {
		f, found, err = p.salvage(fence, instance, err)
	}
	if err != nil || !found {
		return files{}, false, asUnavailable(err, "read %s", instance)
	}
	changed, err := f.record.admit(instance, fence)
	if err == nil && changed {
		err = asUnavailable(writeJSON(p.paths.instance(instance, recordFile), f.record), "write %s", instance)
	}
	if err == nil && f.record.released() {
		return files{}, false, releasedError(instance)
	}
	return f, true, err
}

// salvage makes a record for a machine whose own cannot be read: of the caller,
// with whatever process it has, never to be started, so that it can be stopped
// and removed.
func (p *Provider) salvage(fence providers.Fence, instance string, cause error) (files, bool, error) {
	p.logger.Error("record of an instance cannot be read, it can only be removed", "instance", instance, "error", cause)
	f := files{record: record{mark: markOf(fence), CreateTime: time.Now().UTC(), Halted: true}}
	f.record.Spec.Instance = instance
	if err := writeJSON(p.paths.instance(instance, recordFile), f.record); err != nil {
		return files{}, false, err
	}
	return p.read(instance)
}

// pass makes sure that the call makes sense at all, then takes the gate.
func (p *Provider) pass(ctx context.Context, instance string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, asUnavailable(err, "call for %s", instance)
	}
	if err := checkInstance(instance); err != nil {
		return nil, err
	}
	if err := p.checkStore(); err != nil {
		return nil, err
	}
	return p.gate(ctx, instance)
}

// errRemoved is the cause of a StaleEpoch that no epoch can heal.
var errRemoved = errors.New("removed")

func removedError(instance string) error {
	return &providers.Error{Class: providers.StaleEpoch, Message: instance + " was removed", Err: errRemoved}
}

// releasedError: the instance is as gone as if it had been removed; its machine
// is not.
func releasedError(instance string) error {
	return &providers.Error{Class: providers.StaleEpoch, Message: instance + " was released", Err: errRemoved}
}

func isRemoved(err error) bool { return errors.Is(err, errRemoved) }

// asUnavailable is for failures before anything happened that a caller could
// see. An error that has a class keeps it; nil stays nil.
func asUnavailable(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*providers.Error](err); ok {
		return err
	}
	return providers.Errorf(providers.Unavailable, format+": %w", append(args, err)...)
}
