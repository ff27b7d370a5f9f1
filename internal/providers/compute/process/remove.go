package process

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Remove ends the process if it still runs and leaves a tombstone, which keeps
// the epoch and refuses a later Ensure. It commits in one step, when the record
// says so; whatever is then unfinished is finished by the next who comes by.
func (p *Provider) Remove(ctx context.Context, fence providers.Fence, instance string) error {
	found, err := p.forbidStart(ctx, fence, instance)
	if isRemoved(err) {
		return p.raise(ctx, fence, instance)
	}
	if err != nil {
		return err
	}
	p.step("remove admitted")
	if found {
		if err := p.halt(ctx, instance, 0); err != nil {
			return err
		}
		p.step("remove halted")
	}
	trash, err := p.commitRemoval(ctx, fence, instance)
	if isRemoved(err) {
		return nil // by another call
	}
	if err != nil {
		return err
	}
	p.discard(trash)
	return nil
}

// commitRemoval writes the removal down and frees what the machine held; trash is what
// is left of its directory, if it had one.
func (p *Provider) commitRemoval(ctx context.Context, fence providers.Fence, instance string) (trash string, err error) {
	f, found, release, err := p.enter(ctx, fence, instance)
	if err != nil {
		return "", err
	}
	defer release()
	if !found {
		err := writeJSON(p.paths.tombstone(instance), tombstone{mark: markOf(fence), RemoveTime: time.Now().UTC()})
		return "", asUnavailable(err, "remove %s", instance)
	}
	f.record.RemoveTime = time.Now().UTC()
	if err := writeJSON(p.paths.instance(instance, recordFile), f.record); err != nil {
		return "", asUnavailable(err, "remove %s", instance)
	}
	p.step("remove recorded")
	if trash, err = p.bury(instance, f.record); err != nil {
		return "", providers.Errorf(providers.UnknownOutcome, "remove %s: %w", instance, err)
	}
	return trash, nil
}

// buried is the tombstone of a removed instance, nil when it was not removed.
// A removal that was cut short is finished first. It runs under the gate.
func (p *Provider) buried(instance string) (*tombstone, error) {
	var r record
	found, err := readJSON(p.paths.instance(instance, recordFile), &r)
	if err == nil && found && r.removed() {
		_, err = p.bury(instance, r) // the trash is for a sweep
	}
	if err != nil && !errors.Is(err, errCorrupt) {
		return nil, asUnavailable(err, "read %s", instance)
	}
	t, err := p.readTombstone(instance)
	if errors.Is(err, errCorrupt) {
		return nil, removedError(instance) // by whom cannot be known any more
	}
	return t, asUnavailable(err, "read %s", instance)
}

// bury does what a removal leaves to do, in an order that can be cut anywhere:
// the tombstone first, the directory with the record, which asks for all this,
// last. It runs under the gate.
func (p *Provider) bury(instance string, r record) (trash string, err error) {
	full, err := p.writeTombstone(instance, r)
	if err != nil {
		return "", err
	}
	p.step("remove buried")
	if err := p.free(instance, r.Address); err != nil {
		return "", err
	}
	p.step("remove freed")
	if !full { // else the log goes with the directory: room matters more
		if err := ignoreMissing(os.Rename(p.paths.instance(instance, logFile), p.paths.oldLog(instance))); err != nil {
			return "", err
		}
	}
	p.step("remove logged")
	trash, err = p.moveToTrash(instance)
	p.step("remove moved")
	return trash, err
}

// writeTombstone keeps what a tombstone has of the record. On a full disk the
// record itself becomes the tombstone, under a second name: it has the same
// fields, and nothing changes it any more.
func (p *Provider) writeTombstone(instance string, r record) (full bool, err error) {
	err = writeJSON(p.paths.tombstone(instance), tombstone{mark: r.mark, RemoveTime: r.RemoveTime})
	if !isFull(err) {
		return false, err
	}
	err = os.Link(p.paths.instance(instance, recordFile), p.paths.tombstone(instance))
	if errors.Is(err, fs.ErrExist) {
		err = nil // by a call that was cut short
	}
	return true, err
}

// moveToTrash takes the instance's directory away in one step, whatever may
// still be written in it.
func (p *Provider) moveToTrash(instance string) (trash string, err error) {
	trash = p.paths.internal(internalTrash, instance+"-"+strconv.FormatInt(time.Now().UnixNano(), 36))
	return trash, ignoreMissing(os.Rename(p.paths.instance(instance), trash))
}

// discard deletes trash. What cannot be deleted now is left for a sweep.
func (p *Provider) discard(trash string) {
	if trash == "" {
		return
	}
	if err := os.RemoveAll(trash); err != nil {
		p.logger.Warn("directory of a removed instance is left for later", "error", err)
	}
}

// raise keeps a higher epoch on the tombstone.
func (p *Provider) raise(ctx context.Context, fence providers.Fence, instance string) error {
	release, err := p.pass(ctx, instance)
	if err != nil {
		return err
	}
	defer release()
	t, err := p.buried(instance)
	if err != nil || t == nil {
		return err
	}
	changed, err := t.admit(instance, fence)
	if err != nil || !changed {
		return err
	}
	return asUnavailable(writeJSON(p.paths.tombstone(instance), t), "remove %s", instance)
}
