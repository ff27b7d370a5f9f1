package sim

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Op names a call, for faults.
type Op string

const (
	OpEnsure Op = "ensure"
	OpStart  Op = "start"
	OpStop   Op = "stop"
	OpRemove Op = "remove"
	OpList   Op = "list"
	OpUsage  Op = "usage"

	OpInspect Op = "inspect"
	OpAdopt   Op = "adopt"
	OpRelease Op = "release"
)

// Fault decides whether a call fails: nil lets it go on. Instance and zone are
// empty where the call has none. It may be called from many goroutines.
type Fault func(op Op, instance, zone string) error

// faults are what tests do to the cloud. They are this process's only.
type faults struct {
	before atomic.Pointer[Fault]
	after  atomic.Pointer[Fault]
	outage atomic.Bool
	broken atomic.Bool
}

// SetFault has each call ask f before it does anything; an error is the call's
// answer and nothing has happened. Nil takes it away.
func (c *Cloud) SetFault(f Fault) { store(&c.faults.before, f) }

// SetLostAnswer has each call that did its work ask f; an error takes the
// answer's place, so that the caller does not know. Nil takes it away.
func (c *Cloud) SetLostAnswer(f Fault) { store(&c.faults.after, f) }

func store(p *atomic.Pointer[Fault], f Fault) {
	if f == nil {
		p.Store(nil)
		return
	}
	p.Store(&f)
}

// Outage has every call answer Unavailable while it lasts. Machines live on.
func (c *Cloud) Outage(on bool) { c.faults.outage.Store(on) }

// BornBroken has machines that are started from now on end as soon as they run.
func (c *Cloud) BornBroken(on bool) { c.faults.broken.Store(on) }

// Kill ends the instance's machine now, as a crash would; false when there is
// none that runs or launches.
func (c *Cloud) Kill(instance string) (bool, error) {
	var killed bool
	err := c.do(context.Background(), func(t *table, now int64) error {
		if m := t.machines[instance]; m != nil && m.started() && m.endAt(now, endCrashed) {
			t.save(m)
			killed = true
		}
		return nil
	})
	return killed, err
}

// Vanish takes the instance's machine away as if it had never been; false when
// there is none.
func (c *Cloud) Vanish(instance string) (bool, error) {
	var gone bool
	err := c.do(context.Background(), func(t *table, _ int64) error {
		if m := t.machines[instance]; m != nil {
			t.drop(m)
			if t.recording {
				t.records = appendVanished(t.records, instance)
			}
			gone = true
		}
		return nil
	})
	return gone, err
}

// CreateOutside makes a running machine with the tags and the zone of like, as
// somebody at the platform's console would.
func (c *Cloud) CreateOutside(like providers.Machine) (providers.Machine, error) {
	return ask(context.Background(), c, func(t *table, now int64) (providers.Machine, error) {
		fence := providers.Fence{Cluster: like.Cluster, Incarnation: like.Incarnation}
		m, err := c.ensure(t, now, fence, providers.MachineSpec{Instance: like.Instance, Zone: like.Zone}, noUsage)
		if err != nil {
			return providers.Machine{}, err
		}
		m.runsAt = now
		t.save(m)
		return m.describe(now), nil
	})
}

// enter is what every call passes first.
func (c *Cloud) enter(ctx context.Context, op Op, instance, zone string) error {
	if ctx.Err() != nil {
		return providers.Errorf(providers.Unavailable, "sim: %s not begun: %w", op, context.Cause(ctx))
	}
	if c.faults.outage.Load() {
		return providers.Errorf(providers.Unavailable, "sim: outage")
	}
	if c.limiter != nil {
		now := time.Now()
		if r := c.limiter.ReserveN(now, 1); r.DelayFrom(now) > 0 {
			delay := r.DelayFrom(now)
			r.CancelAt(now)
			return &providers.Error{
				Class:      providers.Throttled,
				Message:    "sim: more than the allowed calls per second",
				RetryAfter: delay,
			}
		}
	}
	if f := c.faults.before.Load(); f != nil {
		return (*f)(op, instance, zone)
	}
	return nil
}

// leave loses the answer of a call that worked, where a test wants that.
func (c *Cloud) leave(op Op, instance, zone string, err error) error {
	if f := c.faults.after.Load(); f != nil && err == nil {
		return (*f)(op, instance, zone)
	}
	return err
}

// answered is leave for calls with an answer: with an error there is none.
func answered[T any](c *Cloud, op Op, instance, zone string, answer T, err error) (T, error) {
	if err = c.leave(op, instance, zone, err); err != nil {
		var none T
		return none, err
	}
	return answer, nil
}

// zoneOf is for faults only: calls without one do not pay for it.
func (c *Cloud) zoneOf(ctx context.Context, instance string) string {
	if c.faults.before.Load() == nil && c.faults.after.Load() == nil {
		return ""
	}
	zone, err := ask(ctx, c, func(t *table, _ int64) (string, error) {
		if m := t.machines[instance]; m != nil {
			return m.zone, nil
		}
		return "", nil
	})
	if err != nil {
		return "" // the call itself will meet the same error
	}
	return zone
}
