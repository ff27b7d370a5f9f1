package virtual

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Op names a call to the outside.
type Op string

const (
	Ensure     Op = "ensure"
	Start      Op = "start"
	Stop       Op = "stop"
	Remove     Op = "remove"
	List       Op = "list machines"
	Usage      Op = "usage"
	SetEntries Op = "set entries"
	SetTargets Op = "set targets"
	Status     Op = "status"
	Notify     Op = "notify"
)

// Call is one call to the outside.
type Call struct {
	Node  string
	Epoch uint64 // 0 for calls that change nothing
	Op    Op
	Key   string // instance, list, pool or URL
}

// faults are what tests do to calls.
type faults struct {
	before atomic.Pointer[func(Call) error]
	after  atomic.Pointer[func(Call) error]
}

// Refuse has calls ask f before they have any effect; its error is the answer.
// Nil ends it.
func (w *World) Refuse(f func(Call) error) { store(&w.faults.before, f) }

// LoseAnswers has calls that had their effect ask f; its error takes the
// answer's place. Nil ends it.
func (w *World) LoseAnswers(f func(Call) error) { store(&w.faults.after, f) }

func store(p *atomic.Pointer[func(Call) error], f func(Call) error) {
	if f == nil {
		p.Store(nil)
		return
	}
	p.Store(&f)
}

func ask(p *atomic.Pointer[func(Call) error], c Call) error {
	if f := p.Load(); f != nil {
		return (*f)(c)
	}
	return nil
}

// Unknown is the error of a call of which nobody knows what came of it.
func Unknown(c Call) error {
	return providers.Errorf(providers.UnknownOutcome, "the answer to %s %s was lost", c.Op, c.Key)
}

// call carries a call to the outside and its answer back. do has the effect and
// keeps the answer, unless call answers an error.
func (r *run) call(ctx context.Context, c Call, do func(ctx context.Context) error) error {
	c.Node = r.node
	r.trip()
	way := ctx // a call that was on its way when the process froze is not given up
	pass := func() error {
		held, err := r.gate.wait(ctx)
		if held {
			way = context.WithoutCancel(ctx)
		}
		return err
	}
	if err := pass(); err != nil {
		return err
	}
	if !travel(way, r.w.opts.Latency/2) {
		return Unknown(c)
	}
	if err := ask(&r.w.faults.before, c); err != nil {
		return err
	}
	if err := pass(); err != nil {
		return err
	}
	err := do(way)
	if err == nil {
		r.tripAfter(c)
	}
	if err := pass(); err != nil {
		return err
	}
	if !travel(way, r.w.opts.Latency/2) {
		return Unknown(c)
	}
	if err := pass(); err != nil {
		return err
	}
	if err == nil {
		err = ask(&r.w.faults.after, c)
	}
	return err
}

// travel is the time on the way; false: the caller gave up.
func travel(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
