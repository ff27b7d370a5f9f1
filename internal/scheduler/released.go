package scheduler

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// Released machines bear no mark, so that no listing has them: some are looked at
// after a listing, in turn. There is time: see control.ReleasedPatience.
const (
	releasedPerLook  = 20
	releasedInterval = 10 * time.Second
)

// lookAtReleased finds out whether released machines are still there. One that
// bears a mark again, or does not run, is released no more.
func (o *observer) lookAtReleased(ctx context.Context, v fsm.View) {
	adopter, ok := o.compute.(providers.Adopter)
	if !ok || time.Since(o.lookedAtReleased) < releasedInterval {
		return
	}
	o.lookedAtReleased = time.Now()
	for _, r := range o.nextReleased(v) {
		calling, cancel := context.WithTimeout(ctx, o.t.Limits.CallTimeout)
		m, err := adopter.Inspect(calling, r.MachineID)
		cancel()
		if ctx.Err() != nil || err != nil && providers.ClassOf(err) != providers.NotFound {
			return // that says nothing of the machine
		}
		seen := control.ReleasedSeen{
			Provider: o.provider, MachineID: r.MachineID,
			There: err == nil && m.State == providers.MachineRunning && m.Instance == "",
		}
		if seen.There && r.MissingSince == 0 {
			continue // nothing new
		}
		o.t.reporter.report(fact{apply: func(tx *fsm.Tx, op control.Operations) error { return op.ReportReleasedSeen(tx, seen) }})
	}
}

// nextReleased are the provider's released machines whose turn it is.
func (o *observer) nextReleased(v fsm.View) []*autoscaling.Released {
	var first, next []*autoscaling.Released
	for r := range v.AllReleased() {
		switch {
		case r.Provider != o.provider:
		case r.MachineID > o.lastReleased && len(next) < releasedPerLook:
			next = append(next, r)
		case r.MachineID <= o.lastReleased && len(first) < releasedPerLook:
			first = append(first, r)
		}
	}
	next = append(next, first[:min(len(first), releasedPerLook-len(next))]...)
	if len(next) > 0 {
		o.lastReleased = next[len(next)-1].MachineID
	}
	return next
}
