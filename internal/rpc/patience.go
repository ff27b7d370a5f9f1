package rpc

import (
	"context"
	"time"
)

// patience is how long a call waits for a leader, in ever longer pauses. It ends
// with its limit, or with the caller's own.
type patience struct {
	limit time.Duration
	since time.Time // when the call began: waiting on a dead connection counts

	until time.Time
	pause time.Duration
	timer *time.Timer
}

// The first pauses are short: an election after a leader's death takes some ten
// milliseconds.
const (
	firstPause = 2 * time.Millisecond
	longPause  = 50 * time.Millisecond
)

// wait makes a pause; it answers false when there is no more time.
func (p *patience) wait(ctx context.Context) bool {
	now := time.Now()
	if p.timer == nil {
		p.until = p.since.Add(p.limit)
		if least := now.Add(p.limit / 2); least.After(p.until) {
			p.until = least // what was lost after a long time is tried again, too
		}
		p.pause = firstPause
		p.timer = time.NewTimer(p.pause)
	} else {
		p.pause = min(2*p.pause, longPause)
		p.timer.Reset(p.pause)
	}
	if now.Add(p.pause).After(p.until) {
		return false
	}
	select {
	case <-p.timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *patience) end() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
