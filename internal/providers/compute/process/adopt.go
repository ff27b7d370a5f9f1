package process

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/asctl/as/internal/providers"
)

// clockTolerance is by how much the same process may seem to have begun at two
// times: the host tells its boot time in seconds, and its clock is set.
const clockTolerance = 2 * time.Second

// Adopt makes a running process the instance's. Like Ensure it commits with the
// record, which is written last; before it there are only leavings.
func (p *Provider) Adopt(ctx context.Context, fence providers.Fence, spec providers.AdoptSpec) (providers.Machine, error) {
	instance := spec.Instance
	f, found, release, err := p.enter(ctx, fence, instance)
	if err != nil {
		return providers.Machine{}, err
	}
	defer release()
	done, err := p.adoptionGate(ctx, instance)
	if err != nil {
		return providers.Machine{}, err
	}
	defer done()
	if found {
		return p.adoptedAlready(f, spec)
	}
	c, err := p.adoptable(spec)
	if err != nil {
		return providers.Machine{}, err
	}
	p.step("adopt admitted")
	if err := p.settle(instance, fence, c); err != nil {
		return providers.Machine{}, err
	}
	f = files{run: &run{identity: c.identity}, record: record{
		mark:       markOf(fence),
		Spec:       providers.MachineSpec{Instance: instance, Group: spec.Group, StopTimeout: spec.StopTimeout},
		Address:    c.machine.Addresses[0],
		CreateTime: c.machine.CreateTime,
		Halted:     true, // nothing is ever started for it
		Adopted:    &adopted{MachineID: c.machine.ID, Home: c.home},
	}}
	if err := writeJSON(p.paths.instance(instance, recordFile), f.record); err != nil {
		return providers.Machine{}, asUnavailable(err, "adopt %s", spec.MachineID)
	}
	p.step("adopt recorded")
	return p.machine(f), nil
}

// adoptedAlready is for an instance that has a machine: that one, or another.
func (p *Provider) adoptedAlready(f files, spec providers.AdoptSpec) (providers.Machine, error) {
	wanted := spec.MachineID
	if pid, address, ok := parseOutsideID(wanted); ok {
		wanted = outsideID(pid, address)
	}
	if f.record.machineID() != wanted {
		return providers.Machine{}, providers.Errorf(providers.Conflict, "%s has machine %s", spec.Instance, f.record.machineID())
	}
	return p.machine(f), nil
}

// adoptable is the machine, if it runs and is nobody's.
func (p *Provider) adoptable(spec providers.AdoptSpec) (candidate, error) {
	c, err := p.find(spec.MachineID)
	if err != nil {
		return candidate{}, err
	}
	m := c.machine
	switch {
	case m.Instance != "":
		return candidate{}, providers.Errorf(providers.Conflict, "machine %s is instance %s of cluster %q", m.ID, m.Instance, m.Cluster)
	case !spec.CreateTime.IsZero() && spec.CreateTime.Sub(m.CreateTime).Abs() > clockTolerance:
		return candidate{}, noMachine("machine %s is another one by now: it began at %s", spec.MachineID, m.CreateTime)
	case m.State != providers.MachineRunning:
		return candidate{}, providers.Errorf(providers.Failed, "machine %s does not run: %s", m.ID, m.Message)
	}
	return c, nil
}

// settle writes what comes before the record: which process it is, and its
// address. That of a machine which was ours before stays where it is.
func (p *Provider) settle(instance string, fence providers.Fence, c candidate) error {
	if err := os.MkdirAll(p.paths.instance(instance), 0o700); err != nil {
		return asUnavailable(err, "adopt %s", c.machine.ID)
	}
	r := run{identity: c.identity, Epoch: fence.Epoch, StartTime: time.Now().UTC()}
	if err := writeJSON(p.paths.instance(instance, runFile), r); err != nil {
		return asUnavailable(err, "adopt %s", c.machine.ID)
	}
	p.step("adopt identified")
	if c.home == "" {
		if err := p.claim(instance, c.machine.Addresses[0]); err != nil {
			return err
		}
	}
	p.step("adopt reserved")
	return nil
}

// claim takes one certain address.
func (p *Provider) claim(instance, address string) error {
	link := p.paths.internal(internalAddresses, address)
	err := os.Symlink(instance, link)
	if !errors.Is(err, fs.ErrExist) {
		return asUnavailable(err, "reserve %s", address)
	}
	holder, err := os.Readlink(link)
	if err != nil {
		return asUnavailable(err, "reserve %s", address)
	}
	if holder != instance {
		return providers.Errorf(providers.Conflict, "address %s is %s's", address, holder)
	}
	return nil
}
