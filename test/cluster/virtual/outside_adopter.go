package virtual

import (
	"context"

	"github.com/asctl/as/internal/providers"
)

// Calls about machines that somebody else made, or that are let go alive.
const (
	Inspect Op = "inspect"
	Adopt   Op = "adopt"
	Release Op = "release"
)

func (c compute) Inspect(ctx context.Context, machineID string) (m providers.Machine, err error) {
	err = c.r.call(ctx, Call{Op: Inspect, Key: machineID}, func(ctx context.Context) (err error) {
		m, err = c.r.w.Cloud.Inspect(ctx, machineID)
		return err
	})
	return answer(m, err)
}

func (c compute) Adopt(ctx context.Context, fence providers.Fence, spec providers.AdoptSpec) (m providers.Machine, err error) {
	err = c.r.call(ctx, Call{Op: Adopt, Key: spec.Instance, Epoch: fence.Epoch}, func(ctx context.Context) (err error) {
		intent := c.r.instance(spec.Instance)
		m, err = c.r.w.Cloud.Adopt(ctx, fence, spec)
		c.r.w.Books.adopted(c.r.node, fence.Epoch, intent, spec, err)
		return err
	})
	return answer(m, err)
}

func (c compute) Release(ctx context.Context, fence providers.Fence, instance string) error {
	return c.r.call(ctx, Call{Op: Release, Key: instance, Epoch: fence.Epoch}, func(ctx context.Context) error {
		record, w := c.r.instance(instance), c.r.w
		m, there := w.machine(instance)
		err := w.Cloud.Release(ctx, fence, instance)
		if !there {
			m = providers.Machine{}
		}
		w.Books.released(c.r.node, fence.Epoch, record, instance, m, w.Lists.in(instance), w.Pools.serving(instance), err)
		return err
	})
}

// machine is the instance's, as the cloud itself has it.
func (w *World) machine(instance string) (providers.Machine, bool) {
	for _, m := range w.machines() {
		if m.Instance == instance {
			return m, true
		}
	}
	return providers.Machine{}, false
}

var _ providers.Adopter = compute{}
