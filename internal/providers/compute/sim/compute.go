package sim

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/asctl/as/internal/providers"
)

var (
	_ providers.Compute       = (*Cloud)(nil)
	_ providers.Adopter       = (*Cloud)(nil)
	_ providers.UsageReporter = (*Cloud)(nil)
)

// Ensure makes the machine's record and gives it an address.
func (c *Cloud) Ensure(ctx context.Context, fence providers.Fence, spec providers.MachineSpec) (providers.Machine, error) {
	if err := c.enter(ctx, OpEnsure, spec.Instance, spec.Zone); err != nil {
		return providers.Machine{}, err
	}
	use, err := usageOf(spec)
	if err != nil {
		return providers.Machine{}, err
	}
	answer, err := ask(ctx, c, func(t *table, now int64) (providers.Machine, error) {
		m, err := c.ensure(t, now, fence, spec, use)
		if err != nil {
			return providers.Machine{}, err
		}
		return m.describe(now), nil
	})
	return answered(c, OpEnsure, spec.Instance, spec.Zone, answer, err)
}

func (c *Cloud) ensure(t *table, now int64, fence providers.Fence, spec providers.MachineSpec, use usage) (*machine, error) {
	buried, err := t.checkGrave(fence, spec.Instance)
	if err != nil {
		return nil, err
	}
	if buried {
		return nil, removed(spec.Instance)
	}
	m, err := t.find(fence, spec.Instance)
	if m != nil || err != nil {
		return m, err
	}
	if capacity, limited := c.config.ZoneCapacity[spec.Zone]; limited && t.zones[spec.Zone] >= capacity {
		return nil, providers.Errorf(providers.OutOfCapacity, "zone %s is full: it holds %d machines", spec.Zone, capacity)
	}
	address, ok := t.addresses.take()
	if !ok {
		return nil, providers.Errorf(providers.QuotaExceeded, "all addresses of %s are in use", t.addresses.prefix)
	}
	m = &machine{
		instance: spec.Instance,
		tag:      t.tag(tag{fence.Cluster, fence.Incarnation, spec.Group, spec.Zone, use}),
		spoke:    t.intern(fence.Incarnation),
		epoch:    fence.Epoch,
		address:  address,
		created:  now,
	}
	t.put(m)
	t.save(m)
	return m, nil
}

// Start returns when the machine runs, or has ended instead.
func (c *Cloud) Start(ctx context.Context, fence providers.Fence, instance string) (providers.Machine, error) {
	zone := c.zoneOf(ctx, instance)
	if err := c.enter(ctx, OpStart, instance, zone); err != nil {
		return providers.Machine{}, err
	}
	// Twice at most: what was launching has run or ended after its delay.
	l, err := c.launch(ctx, fence, instance)
	if err == nil && l.machine.State == providers.MachineCreated {
		if err = wait(ctx, l.left); err == nil {
			l, err = c.launch(ctx, fence, instance)
		}
	}
	if err == nil && l.machine.State == providers.MachineStopped && l.end == endFailed {
		err = providers.Errorf(providers.Failed, "machine %s: %s", l.machine.ID, l.machine.Message)
	}
	return answered(c, OpStart, instance, zone, l.machine, err)
}

// launched is a started machine and how long it takes until it runs.
type launched struct {
	machine providers.Machine
	end     ending
	left    time.Duration
}

func (c *Cloud) launch(ctx context.Context, fence providers.Fence, instance string) (launched, error) {
	return ask(ctx, c, func(t *table, now int64) (launched, error) {
		m, err := c.start(t, now, fence, instance)
		if err != nil {
			return launched{}, err
		}
		return launched{m.describe(now), m.end, time.Duration(m.runsAt - now)}, nil
	})
}

func (c *Cloud) start(t *table, now int64, fence providers.Fence, instance string) (*machine, error) {
	if buried, err := t.checkGrave(fence, instance); err != nil {
		return nil, err
	} else if buried {
		return nil, removed(instance)
	}
	m, err := t.find(fence, instance)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, providers.Errorf(providers.NotFound, "no machine was made for instance %s", instance)
	}
	if m.started() {
		return m, nil
	}
	m.runsAt = now + int64(c.config.LaunchDelay)
	switch {
	case c.fails(instance):
		m.endAt(m.runsAt, endFailed)
	case c.faults.broken.Load():
		m.endAt(m.runsAt, endBroken)
	}
	t.save(m)
	return m, nil
}

// fails tells from the seed and the instance alone, so that neither the order
// of calls nor a repeat changes the outcome.
func (c *Cloud) fails(instance string) bool {
	if c.config.FailureRate == 0 {
		return false
	}
	h := fnv.New64a()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, c.config.Seed)) // a hash takes everything
	_, _ = h.Write([]byte(instance))
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd // FNV alone leaves similar ids close together
	x ^= x >> 33
	return float64(x) < c.config.FailureRate*math.MaxUint64
}

// Stop returns when the machine no longer runs: after the terminate delay, or
// killed after the time-out, whichever is shorter.
func (c *Cloud) Stop(ctx context.Context, fence providers.Fence, instance string, timeout time.Duration) error {
	zone := c.zoneOf(ctx, instance)
	if err := c.enter(ctx, OpStop, instance, zone); err != nil {
		return err
	}
	left, err := ask(ctx, c, func(t *table, now int64) (time.Duration, error) {
		return c.stop(t, now, fence, instance, timeout)
	})
	if err == nil {
		err = wait(ctx, left)
	}
	return c.leave(OpStop, instance, zone, err)
}

// stop answers how long the machine goes on.
func (c *Cloud) stop(t *table, now int64, fence providers.Fence, instance string, timeout time.Duration) (time.Duration, error) {
	if buried, err := t.checkGrave(fence, instance); buried || err != nil {
		return 0, err
	}
	m, err := t.find(fence, instance)
	if m == nil || err != nil || !m.started() {
		return 0, err
	}
	at, why := now+int64(c.config.TerminateDelay), endStopped
	if killed := now + int64(max(0, timeout)); killed < at {
		at, why = killed, endKilled
	}
	if m.endAt(at, why) {
		t.save(m)
	}
	return time.Duration(m.endsAt - now), nil
}

// Remove frees the machine's address and room and keeps its id refused.
func (c *Cloud) Remove(ctx context.Context, fence providers.Fence, instance string) error {
	zone := c.zoneOf(ctx, instance)
	if err := c.enter(ctx, OpRemove, instance, zone); err != nil {
		return err
	}
	err := c.do(ctx, func(t *table, now int64) error { return t.remove(now, fence, instance) })
	return c.leave(OpRemove, instance, zone, err)
}

func (t *table) remove(now int64, fence providers.Fence, instance string) error {
	if _, err := t.checkGrave(fence, instance); err != nil {
		return err
	}
	m, err := t.find(fence, instance)
	if err != nil {
		return err
	}
	g, buried := t.graves[instance]
	if buried && (g.cluster != fence.Cluster || g.spoke == fence.Incarnation && g.epoch == fence.Epoch) {
		return nil // it says what we would say, or is of another cluster
	}
	if m != nil {
		t.drop(m)
		if m.id != "" {
			t.lose(m.id)
			t.saveGone(m.id)
		}
	}
	t.bury(instance, grave{cluster: t.intern(fence.Cluster), spoke: t.intern(fence.Incarnation), epoch: fence.Epoch, dug: now})
	t.saveGrave(instance)
	return nil
}

// List answers the cluster's machines in an order that is the same each time.
func (c *Cloud) List(ctx context.Context, cluster string) (providers.Listing, error) {
	if err := c.enter(ctx, OpList, "", ""); err != nil {
		return providers.Listing{}, err
	}
	listing, err := ask(ctx, c, func(t *table, now int64) (providers.Listing, error) {
		l := providers.Listing{Store: t.store, Machines: make([]providers.Machine, 0, len(t.order))}
		for _, m := range t.order {
			if m.cluster == cluster {
				l.Machines = append(l.Machines, m.describe(now))
			}
		}
		return l, nil
	})
	return answered(c, OpList, "", "", listing, err)
}

// wait lets the time pass that something takes in the cloud.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("sim: not waited for the machine: %w", context.Cause(ctx))
	}
}
