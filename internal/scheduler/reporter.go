package scheduler

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/scheduler/plan"
)

const (
	reporters = 2   // one batch is on its way while the next gathers
	maxFacts  = 500 // of one function: entries aim below 1 MiB
)

// fact is one thing to report, and what to do when it is written, or was
// refused; then runs on the loop's goroutine.
type fact struct {
	apply plan.Fact
	then  func(ctx context.Context, err error)
}

// reporter writes facts in batches: those that gather while one batch is on its
// way are the next one.
type reporter struct {
	t     *term
	ready chan struct{}

	mu    sync.Mutex
	facts []fact
}

func newReporter(t *term) *reporter {
	return &reporter{t: t, ready: make(chan struct{}, 1)}
}

func (r *reporter) report(facts ...fact) {
	if len(facts) == 0 {
		return
	}
	r.mu.Lock()
	r.facts = append(r.facts, facts...)
	r.mu.Unlock()
	r.signal()
}

// all reports facts that nobody waits for.
func (r *reporter) all(facts []plan.Fact) {
	for _, f := range facts {
		r.report(fact{apply: f})
	}
}

func (r *reporter) signal() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

func (r *reporter) take() []fact {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.facts), maxFacts)
	taken := r.facts[:n:n]
	r.facts = r.facts[n:]
	if len(r.facts) > 0 {
		r.signal()
	}
	return taken
}

func (r *reporter) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.ready:
		}
		runtime.Gosched() // who is about to report joins this batch
		if facts := r.take(); len(facts) > 0 {
			r.write(ctx, facts)
		}
	}
}

// write writes a batch; when one fact spoils it, each on its own.
func (r *reporter) write(ctx context.Context, facts []fact) {
	r.t.meter.facts.Add(float64(len(facts)))
	err := r.t.do(ctx, func(tx *fsm.Tx, o control.Operations) error {
		for _, f := range facts {
			if err := f.apply(tx, o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && len(facts) > 1 && ctx.Err() == nil && !lost(err) {
		for _, f := range facts {
			r.write(ctx, []fact{f})
		}
		return
	}
	if err != nil && ctx.Err() == nil {
		r.t.complain("fact not written", err)
	}
	r.t.post(func(ctx context.Context) {
		for _, f := range facts {
			if f.then != nil {
				f.then(ctx, err)
			}
		}
	})
}

// complain logs what a person must look at.
func (t *term) complain(message string, err error) {
	var p *panicError
	if errors.As(err, &p) {
		t.log.Error(message, "error", err, "stack", string(p.stack))
		return
	}
	t.log.Warn(message, "error", err)
}
