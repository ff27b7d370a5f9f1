package process

import (
	"context"
	"os"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Ensure makes the instance's directory and gives it an address; nothing runs.
// The record is written last: before it there is no machine, only leavings
// that the next Ensure takes up or a sweep clears.
func (p *Provider) Ensure(ctx context.Context, fence providers.Fence, spec providers.MachineSpec) (providers.Machine, error) {
	instance := spec.Instance
	f, found, release, err := p.enter(ctx, fence, instance)
	if err != nil {
		return providers.Machine{}, err
	}
	defer release()
	if found {
		return p.machine(f), nil
	}
	if err := p.ValidateSpec(spec); err != nil {
		return providers.Machine{}, err
	}
	p.step("ensure admitted")
	address, err := p.reserve(ctx, instance)
	if err != nil {
		return providers.Machine{}, asUnavailable(err, "make %s", instance)
	}
	p.step("ensure reserved")
	if err := os.MkdirAll(p.paths.instance(instance, workFile), 0o700); err != nil {
		return providers.Machine{}, asUnavailable(err, "make %s", instance)
	}
	if err := p.runAs.openTo(p.paths, instance); err != nil {
		return providers.Machine{}, asUnavailable(err, "make %s", instance)
	}
	p.step("ensure made")
	f = files{record: record{
		mark:       markOf(fence),
		Spec:       spec,
		Address:    address,
		CreateTime: time.Now().UTC(),
		RunAs:      p.runAs,
	}}
	if err := writeJSON(p.paths.instance(instance, recordFile), f.record); err != nil {
		return providers.Machine{}, asUnavailable(err, "make %s", instance)
	}
	p.step("ensure recorded")
	return p.machine(f), nil
}
