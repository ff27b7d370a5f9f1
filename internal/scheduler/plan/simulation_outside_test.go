package plan_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// cloud is a compute provider that keeps the contract: one machine per instance
// for ever, epochs, tombstones, a machine runs once.
type cloud struct {
	machines map[string]*providers.Machine
	epochs   map[string]uint64
	graves   map[string]bool
	made     map[string]int // how often a machine was created, by instance
	count    int

	broken   bool            // every machine that is started ends at once
	full     map[string]bool // zones without room
	down     bool            // nothing is answered
	started  func(m *providers.Machine, late bool)
	stopping func(m *providers.Machine)
	ending   func(m *providers.Machine)

	outsiders outsiders
}

func newCloud() *cloud {
	return &cloud{
		machines: map[string]*providers.Machine{}, epochs: map[string]uint64{}, graves: map[string]bool{},
		made: map[string]int{}, full: map[string]bool{}, outsiders: newOutsiders(),
	}
}

func (c *cloud) fence(id string, epoch uint64) error {
	if epoch < c.epochs[id] {
		return providers.Errorf(providers.StaleEpoch, "epoch %d is over", epoch)
	}
	c.epochs[id] = epoch
	return nil
}

func (c *cloud) ensure(epoch uint64, incarnation string, spec providers.MachineSpec) (providers.Machine, error) {
	if err := c.fence(spec.Instance, epoch); err != nil {
		return providers.Machine{}, err
	}
	if c.graves[spec.Instance] {
		return providers.Machine{}, providers.Errorf(providers.StaleEpoch, "%s was removed", spec.Instance)
	}
	if m := c.machines[spec.Instance]; m != nil {
		return *m, nil
	}
	if c.full[spec.Zone] {
		return providers.Machine{}, providers.Errorf(providers.OutOfCapacity, "no room in %s", spec.Zone)
	}
	c.count++
	c.made[spec.Instance]++
	m := &providers.Machine{
		ID: fmt.Sprintf("m-%d", c.count), Instance: spec.Instance, Incarnation: incarnation, Zone: spec.Zone,
		State: providers.MachineCreated, Addresses: []string{fmt.Sprintf("10.%d.%d.%d", c.count>>16, c.count>>8&255, c.count&255)},
	}
	c.machines[spec.Instance] = m
	return *m, nil
}

func (c *cloud) start(epoch uint64, id string, late bool) (providers.Machine, error) {
	if err := c.fence(id, epoch); err != nil {
		return providers.Machine{}, err
	}
	m := c.machines[id]
	switch {
	case c.graves[id]:
		return providers.Machine{}, providers.Errorf(providers.StaleEpoch, "%s was removed", id)
	case m == nil:
		return providers.Machine{}, providers.Errorf(providers.NotFound, "there is no %s", id)
	case m.State == providers.MachineCreated:
		m.State = providers.MachineRunning
		c.started(m, late)
		if c.broken {
			m.State, m.Message = providers.MachineStopped, "born broken"
		}
	}
	return *m, nil
}

func (c *cloud) stop(epoch uint64, id string) error {
	if err := c.fence(id, epoch); err != nil {
		return err
	}
	if m := c.machines[id]; m != nil {
		c.ending(m)
		if m.State == providers.MachineRunning {
			c.stopping(m)
		}
		m.State = providers.MachineStopped // a machine that never ran does not run later
	}
	return nil
}

func (c *cloud) remove(epoch uint64, id string) error {
	if err := c.fence(id, epoch); err != nil {
		return err
	}
	if m := c.machines[id]; m != nil {
		c.ending(m)
	}
	c.graves[id] = true
	delete(c.machines, id)
	return nil
}

func (c *cloud) list() []providers.Machine {
	var all []providers.Machine
	for _, id := range slices.Sorted(maps.Keys(c.machines)) {
		all = append(all, *c.machines[id])
	}
	return all
}

// guarded is an access list or a pool: a set that is replaced as a whole.
type guarded struct {
	epoch   uint64
	entries map[string]string // instance → address, of a list
	targets map[string]providers.Target
}

func newGuarded() *guarded {
	return &guarded{entries: map[string]string{}, targets: map[string]providers.Target{}}
}

func (g *guarded) set(epoch uint64, entries []providers.Entry, targets []providers.Target) error {
	if epoch < g.epoch {
		return providers.Errorf(providers.StaleEpoch, "epoch %d is over", epoch)
	}
	g.epoch = epoch
	clear(g.entries)
	clear(g.targets)
	for _, e := range entries {
		g.entries[e.Instance] = e.Address
	}
	for _, t := range targets {
		g.targets[t.Instance] = t
	}
	return nil
}

// ids are counted.
type ids struct{ uids, instances uint64 }

func (c *ids) UID() autoscaling.UID {
	c.uids++
	return autoscaling.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", c.uids, c.uids)) // tokens are made of the first digits
}

func (c *ids) InstanceID() autoscaling.InstanceID {
	c.instances++
	return autoscaling.InstanceID(fmt.Sprintf("i-%017x", c.instances))
}
