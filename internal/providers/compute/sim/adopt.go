package sim

import (
	"context"

	"github.com/asctl/as/internal/providers"
)

// Inspect answers a machine by the platform's id, whoever's it is.
func (c *Cloud) Inspect(ctx context.Context, machineID string) (providers.Machine, error) {
	if err := c.enter(ctx, OpInspect, "", ""); err != nil {
		return providers.Machine{}, err
	}
	answer, err := ask(ctx, c, func(t *table, now int64) (providers.Machine, error) {
		m := t.byPlatformID(machineID)
		if m == nil {
			return providers.Machine{}, noMachine(machineID)
		}
		return m.describe(now), nil
	})
	return answered(c, OpInspect, "", "", answer, err)
}

func noMachine(id string) error {
	return providers.Errorf(providers.NotFound, "there is no machine %s", id)
}

// Adopt puts our mark on a machine that is nobody's.
func (c *Cloud) Adopt(ctx context.Context, fence providers.Fence, spec providers.AdoptSpec) (providers.Machine, error) {
	if err := c.enter(ctx, OpAdopt, spec.Instance, ""); err != nil {
		return providers.Machine{}, err
	}
	answer, err := ask(ctx, c, func(t *table, now int64) (providers.Machine, error) {
		m, err := t.adopt(now, fence, spec)
		if err != nil {
			return providers.Machine{}, err
		}
		return m.describe(now), nil
	})
	return answered(c, OpAdopt, spec.Instance, answer.Zone, answer, err)
}

func (t *table) adopt(now int64, fence providers.Fence, spec providers.AdoptSpec) (*machine, error) {
	if buried, err := t.checkGrave(fence, spec.Instance); err != nil {
		return nil, err
	} else if buried {
		return nil, removed(spec.Instance)
	}
	own, err := t.find(fence, spec.Instance)
	switch {
	case err != nil:
		return nil, err
	case own != nil && own.platformID() == spec.MachineID:
		return own, nil
	case own != nil:
		return nil, providers.Errorf(providers.Conflict, "instance %s has machine %s", spec.Instance, own.platformID())
	}
	m := t.byPlatformID(spec.MachineID)
	switch {
	case m == nil:
		return nil, noMachine(spec.MachineID)
	case m.instance != "":
		return nil, providers.Errorf(providers.Conflict, "machine %s is instance %s of cluster %q", spec.MachineID, m.instance, m.cluster)
	case !spec.CreateTime.IsZero() && !sameTime(spec.CreateTime, m.created):
		return nil, providers.Errorf(providers.NotFound, "machine %s is another one by now", spec.MachineID)
	case m.state(now) != providers.MachineRunning:
		return nil, providers.Errorf(providers.Failed, "machine %s does not run: it is %s", spec.MachineID, m.state(now))
	}
	ours := *m
	ours.instance = spec.Instance
	ours.tag = t.tag(tag{fence.Cluster, fence.Incarnation, spec.Group, m.zone, m.usage})
	ours.spoke, ours.epoch = t.intern(fence.Incarnation), fence.Epoch
	t.takeIn(m.id)
	t.put(&ours)
	t.save(&ours)
	return &ours, nil
}

// Release takes our mark off and lets the machine go on. One that does not run
// is removed: nothing of it lives on.
func (c *Cloud) Release(ctx context.Context, fence providers.Fence, instance string) error {
	zone := c.zoneOf(ctx, instance)
	if err := c.enter(ctx, OpRelease, instance, zone); err != nil {
		return err
	}
	err := c.do(ctx, func(t *table, now int64) error { return t.release(now, fence, instance) })
	return c.leave(OpRelease, instance, zone, err)
}

func (t *table) release(now int64, fence providers.Fence, instance string) error {
	m := t.machines[instance]
	if m == nil || m.state(now) != providers.MachineRunning {
		return t.remove(now, fence, instance)
	}
	if _, err := t.find(fence, instance); err != nil {
		return err
	}
	free := *m
	free.id, free.instance = m.platformID(), ""
	free.tag = t.tag(tag{zone: m.zone, usage: m.usage})
	free.spoke, free.epoch = "", 0
	t.drop(m)
	t.letOut(&free)
	t.saveOutside(&free) // before the grave: cut off between the two, the call is made again
	return t.remove(now, fence, instance)
}
