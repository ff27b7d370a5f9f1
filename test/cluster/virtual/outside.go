package virtual

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// The types here are the outside as one run of a node sees it: the shared cloud,
// lists and pools behind the run's gate, with every effect in the books.

type compute struct{ r *run }

func (c compute) ValidateSpec(spec providers.MachineSpec) error {
	return c.r.w.Cloud.ValidateSpec(spec)
}

func (c compute) Ensure(ctx context.Context, fence providers.Fence, spec providers.MachineSpec) (m providers.Machine, err error) {
	err = c.r.call(ctx, Call{Op: Ensure, Key: spec.Instance, Epoch: fence.Epoch}, func(ctx context.Context) (err error) {
		m, err = c.r.w.Cloud.Ensure(ctx, fence, spec)
		c.r.w.Books.ensured(c.r.node, fence.Epoch, c.r.instance(spec.Instance), spec, m, err)
		return err
	})
	return answer(m, err)
}

func (c compute) Start(ctx context.Context, fence providers.Fence, instance string) (m providers.Machine, err error) {
	err = c.r.call(ctx, Call{Op: Start, Key: instance, Epoch: fence.Epoch}, func(ctx context.Context) (err error) {
		c.r.w.Books.starting(c.r.instance(instance), instance, c.r.w.Lists)
		m, err = c.r.w.Cloud.Start(ctx, fence, instance)
		c.r.w.Books.started(c.r.node, fence.Epoch, instance, m, err)
		return err
	})
	return answer(m, err)
}

func (c compute) Stop(ctx context.Context, fence providers.Fence, instance string, timeout time.Duration) error {
	return c.r.call(ctx, Call{Op: Stop, Key: instance, Epoch: fence.Epoch}, func(ctx context.Context) error {
		c.r.w.Books.stopping(c.r.node, c.r.instance(instance), instance, c.r.w.Pools.serving(instance))
		err := c.r.w.Cloud.Stop(ctx, fence, instance, timeout)
		c.r.w.Books.stopped(c.r.node, fence.Epoch, instance, err)
		return err
	})
}

func (c compute) Remove(ctx context.Context, fence providers.Fence, instance string) error {
	return c.r.call(ctx, Call{Op: Remove, Key: instance, Epoch: fence.Epoch}, func(ctx context.Context) error {
		c.r.w.Books.removing(c.r.node, c.r.instance(instance), instance, c.r.w.Lists)
		err := c.r.w.Cloud.Remove(ctx, fence, instance)
		c.r.w.Books.removed(c.r.node, fence.Epoch, instance, err)
		return err
	})
}

func (c compute) List(ctx context.Context, cluster string) (l providers.Listing, err error) {
	err = c.r.call(ctx, Call{Op: List}, func(ctx context.Context) (err error) {
		l, err = c.r.w.Cloud.List(ctx, cluster)
		return err
	})
	return answer(l, err)
}

func (c compute) Usage(ctx context.Context, cluster string) (u []providers.Usage, err error) {
	err = c.r.call(ctx, Call{Op: Usage}, func(ctx context.Context) (err error) {
		u, err = c.r.w.Cloud.Usage(ctx, cluster)
		return err
	})
	return answer(u, err)
}

// answer is nothing beside an error.
func answer[T any](a T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return a, nil
}

type accessList struct{ r *run }

func (a accessList) CheckList(ctx context.Context, list string) error {
	return a.r.w.Lists.CheckList(ctx, list)
}

func (a accessList) SetEntries(ctx context.Context, fence providers.Fence, list string, entries []providers.Entry) error {
	known := a.r.view() // when it was put together: it may want another set by the time it arrives
	return a.r.call(ctx, Call{Op: SetEntries, Key: list, Epoch: fence.Epoch}, func(ctx context.Context) error {
		was, err := a.r.w.Lists.replace(ctx, fence, list, entries)
		a.r.w.Books.listed(a.r.node, fence.Epoch, list, was, entries, func(id string) bool { return wantsList(known, id, list) }, err)
		return err
	})
}

type balancer struct{ r *run }

func (b balancer) CheckPool(ctx context.Context, pool string) (providers.Pool, error) {
	return b.r.w.Pools.CheckPool(ctx, pool)
}

func (b balancer) SetTargets(ctx context.Context, fence providers.Fence, pool string, set providers.TargetSet) error {
	known := b.r.view()
	return b.r.call(ctx, Call{Op: SetTargets, Key: pool, Epoch: fence.Epoch}, func(ctx context.Context) error {
		was := b.r.w.Pools.Targets(pool)
		err := b.r.w.Pools.SetTargets(ctx, fence, pool, set)
		b.r.w.Books.pooled(b.r.node, fence.Epoch, pool, was, set, func(id string) *autoscaling.Instance { return known.FindInstance(autoscaling.InstanceID(id)) }, err)
		return err
	})
}

func (b balancer) Status(ctx context.Context, pool string) (s []providers.TargetStatus, err error) {
	err = b.r.call(ctx, Call{Op: Status, Key: pool}, func(ctx context.Context) (err error) {
		s, err = b.r.w.Pools.Status(ctx, pool)
		return err
	})
	return answer(s, err)
}

var (
	_ providers.Compute       = compute{}
	_ providers.UsageReporter = compute{}
	_ providers.Balancer      = balancer{}
	_ providers.AccessList    = accessList{}
)
