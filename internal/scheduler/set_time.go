package scheduler

import (
	"context"
	"time"

	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// adaptAtOnce is how many records one change adapts.
const adaptAtOnce = 500

// adaptTimes adapts the times in all records to replicated time that was set. It
// ends before the term's work begins: whoever set it, and whichever leader died
// with half of it done.
func (t *term) adaptTimes(ctx context.Context) {
	for ctx.Err() == nil {
		view := t.State.View()
		count := view.TimeSets()
		if count == 0 || view.Cluster().TimeSet.Adapted {
			return
		}
		left := control.AdaptTimes(view.Reader)
		t.log.Info("adapt the times in records", "records", len(left))
		var err error
		for len(left) > 0 && err == nil {
			some := left[:min(adaptAtOnce, len(left))]
			err = t.do(ctx, func(tx *fsm.Tx, _ control.Operations) error {
				for _, adapt := range some {
					adapt(tx)
				}
				return nil
			})
			left = left[len(some):]
		}
		if err == nil {
			err = t.do(ctx, func(tx *fsm.Tx, _ control.Operations) error { control.FinishAdapting(tx, count); return nil })
		}
		if err != nil && ctx.Err() == nil {
			t.complain("times not adapted, trying again", err)
			sleep(ctx, time.Second)
		}
	}
}
