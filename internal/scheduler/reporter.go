package scheduler

import (
	"context"
	"errors"

	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/scheduler/plan"
)

const reporters = 2 // one batch is on its way while the next gathers

// fact is one thing to report, and what to do when it is written, or was
// refused; then runs on the loop's goroutine.
type fact struct {
	apply plan.Fact
	then  func(ctx context.Context, err error)
}

// reporter writes facts, in batches.
type reporter struct {
	*batcher[fact]
}

func newReporter(t *term) *reporter {
	apply := func(tx *fsm.Tx, o control.Operations, facts []fact) error {
		for _, f := range facts {
			if err := f.apply(tx, o); err != nil {
				return err
			}
		}
		return nil
	}
	then := func(facts []fact, err error) {
		t.post(func(ctx context.Context) {
			for _, f := range facts {
				if f.then != nil {
					f.then(ctx, err)
				}
			}
		})
	}
	return &reporter{newBatcher(t, "fact not written", apply, then)}
}

func (r *reporter) report(f fact) {
	r.t.meter.facts.Inc()
	r.put(f)
}

// all reports facts that nobody waits for.
func (r *reporter) all(facts []plan.Fact) {
	for _, f := range facts {
		r.report(fact{apply: f})
	}
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
