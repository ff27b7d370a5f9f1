package process

import (
	"context"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Release lets the process go in one step, when the record says so. The entry
// stays for as long as the process runs: it keeps the machine's name, its working
// directory, and its address from being given to another one.
func (p *Provider) Release(ctx context.Context, fence providers.Fence, instance string) error {
	f, found, done, err := p.enter(ctx, fence, instance)
	if isRemoved(err) {
		return p.raise(ctx, fence, instance)
	}
	if err != nil {
		return err
	}
	defer done()
	if !found {
		err := writeJSON(p.paths.tombstone(instance), tombstone{mark: markOf(fence), RemoveTime: time.Now().UTC()})
		return asUnavailable(err, "release %s", instance)
	}
	p.step("release admitted")
	f.record.ReleaseTime, f.record.Halted = time.Now().UTC(), true
	if err := writeJSON(p.paths.instance(instance, recordFile), f.record); err != nil {
		return asUnavailable(err, "release %s", instance)
	}
	p.step("release recorded")
	return nil
}

// homes are the entries that instances need which adopted their machines.
func (p *Provider) homes(names []string) map[string]bool {
	homes := make(map[string]bool)
	for _, name := range names {
		if f, found, err := p.cache.read(p, name); err == nil && found && f.record.live() && f.record.home() != name {
			homes[f.record.home()] = true
		}
	}
	return homes
}

// sweepReleased buries the entry of a released machine that has ended.
func (p *Provider) sweepReleased(ctx context.Context, instance string) error {
	release, err := p.pass(ctx, instance)
	if err != nil {
		return err
	}
	defer release()
	done, err := p.adoptionGate(ctx, instance) // nobody adopts it meanwhile
	if err != nil {
		return err
	}
	defer done()
	f, found, err := p.read(instance)
	if err != nil || !found || !f.record.released() || f.record.removed() {
		return err
	}
	if ended, err := p.ended(instance, f); err != nil || !ended {
		return err
	}
	names, err := p.instances()
	if err != nil || p.homes(names)[instance] {
		return err
	}
	f.record.RemoveTime = time.Now().UTC()
	if err := writeJSON(p.paths.instance(instance, recordFile), f.record); err != nil {
		return err
	}
	p.step("released buried")
	trash, err := p.bury(instance, f.record)
	if err == nil {
		p.discard(trash)
	}
	return err
}

// ended says whether nothing of it runs, or ever will.
func (p *Provider) ended(instance string, f files) (bool, error) {
	if f.run != nil {
		return !p.alive(f.run.identity), nil
	}
	return p.idle(instance)
}
