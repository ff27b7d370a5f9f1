package process

import (
	"context"
	"errors"
	"os"
	"time"
)

// sweepInstances finishes removals, takes away directories that never became a
// machine, and bounds the logs of the others.
func (p *Provider) sweepInstances(ctx context.Context, older time.Time) error {
	names, err := p.instances()
	errs := []error{err}
	homes := p.homes(names)
	for _, name := range names {
		f, found, err := p.cache.read(p, name)
		switch {
		case err != nil:
			continue // the listing has said so
		case found && f.record.released():
			if err = bound(p.paths.instance(name, logFile)); !homes[name] {
				err = errors.Join(err, p.sweepReleased(ctx, name))
			}
		case found && !f.record.removed():
			err = bound(p.paths.instance(name, logFile))
		default:
			err = p.sweepInstance(ctx, name, older)
		}
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (p *Provider) sweepInstance(ctx context.Context, instance string, older time.Time) error {
	release, err := p.pass(ctx, instance)
	if err != nil {
		return err
	}
	defer release()
	if _, err := p.buried(instance); err != nil {
		return err
	}
	info, err := os.Stat(p.paths.instance(instance))
	if err != nil || !info.ModTime().Before(older) {
		return ignoreMissing(err)
	}
	// A record may have come between the look without the gate and now.
	if _, found, err := p.read(instance); err != nil || found {
		return err
	}
	trash, err := p.moveToTrash(instance)
	if err == nil {
		p.discard(trash)
	}
	return err
}

// sweepAddresses frees the addresses of instances that do not exist: an Ensure
// that was cut short, or a record that was lost.
func (p *Provider) sweepAddresses(ctx context.Context) error {
	entries, err := os.ReadDir(p.paths.internal(internalAddresses))
	errs := []error{err}
	freed := 0
	for _, entry := range entries {
		address := entry.Name()
		holder, err := os.Readlink(p.paths.internal(internalAddresses, address))
		if err != nil || checkInstance(holder) != nil || p.holds(holder, address) {
			continue
		}
		if freed++; freed > sweepBatch {
			break
		}
		if err := p.sweepAddress(ctx, holder, address); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// holds errs on the side of yes.
func (p *Provider) holds(instance, address string) bool {
	f, found, err := p.cache.read(p, instance)
	return err != nil || found && f.record.Address == address
}

func (p *Provider) sweepAddress(ctx context.Context, instance, address string) error {
	release, err := p.pass(ctx, instance)
	if err != nil {
		return err
	}
	defer release()
	f, found, err := p.read(instance)
	if err != nil || found && f.record.Address == address {
		return ignoreCorrupt(err)
	}
	return p.free(instance, address)
}

func ignoreCorrupt(err error) error {
	if errors.Is(err, errCorrupt) {
		return nil
	}
	return err
}
