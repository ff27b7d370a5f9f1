package cluster

import (
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

const (
	// maxSkew is how far a clock may be from the cluster's middle clock before it
	// is reported and no longer followed. A clock that is set forward by less is
	// followed at once.
	maxSkew = time.Second
	// stepPatience is how long a clock that was set forward is not followed: in
	// that time the other nodes tell whether it is right now.
	stepPatience = 5 * time.Second
	// leap is the longest step that one wall clock is believed. A longer one needs
	// the wall clocks of a quorum, and leapPatience: a time service that boots, or
	// a machine that was paused, sets its clock right within it.
	leap         = time.Minute
	leapPatience = 30 * time.Second
	// longStop is the longest time that the cluster may have been off to come to
	// the present at once when it starts. After a longer one the wall clock is as
	// likely wrong as right, and is followed after leapPatience.
	longStop = 31 * 24 * time.Hour
)

// clock is replicated time as this node knows it: the wall clock, but never
// before a stamp that was committed. While the wall clock is behind, because it
// was set back or an earlier leader's was ahead, time goes on at nine tenths of
// its rate until the wall clock has caught up: it neither stands still nor jumps.
//
// The wall clock meant is the cluster's middle one, see walls: a leader whose own
// is an hour ahead would fire every deadline of the next hour. When it is ahead of
// replicated time by more than maxSkew, time goes on at the rate of the monotonic
// clock, and the wall clock is followed after a while, see patience.
//
// A clock that is not settled yet follows no wall clock: it goes on from the
// newest stamp. Before there is a stamp it shows the wall clock and forgets it.
type clock struct {
	wall func() time.Time
	mono func() time.Duration // since an arbitrary instant, never set

	mu    sync.Mutex
	walls walls
	// At monotonic time anchorAt it was anchor; 0: not known.
	anchor   autoscaling.Time
	anchorAt time.Duration
	settled  bool
	// drift is what the wall clock that is followed has over the monotonic one;
	// steppedAt is when one was found ahead that is not followed yet, 0: none is.
	drift     time.Duration
	known     bool // drift is
	steppedAt time.Duration
	// own is what our own wall clock has over the monotonic one, and ownSetAt when
	// that last changed, 0: never. The differences to the other nodes' clocks were
	// measured before, and say nothing about it until they are measured anew.
	own      time.Duration
	ownKnown bool
	ownSetAt time.Duration
	// sets is how often replicated time had been set when the rest was known.
	sets uint64
}

func newClock(wall func() time.Time) *clock {
	start := time.Now()
	return &clock{wall: wall, mono: func() time.Duration { return time.Since(start) }}
}

// epoch is any fixed instant: durations since it fit.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// follow takes the wall clocks that are known. With those of a quorum, and
// everything applied that was committed when the node started, the clock is
// settled; follow reports whether it is.
func (c *clock) follow(w walls, applied bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.walls = w
	c.settled = c.settled || w.quorum && applied
	return c.settled
}

// now is the time, given the newest stamp known and how often time was set until
// then. It never goes back, but when time was set since the call before: then it
// counts from the stamp.
func (c *clock) now(stamp autoscaling.Time, sets uint64) autoscaling.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case sets < c.sets:
		stamp = 0 // a reader that holds a state of before: too late for it to count
	case sets > c.sets:
		c.anchor, c.known, c.steppedAt, c.sets = 0, false, 0, sets
	}
	at := c.mono()
	c.look(at)
	now := c.floor(at)
	ahead := stamp
	switch wall := c.meant(); {
	case c.settled:
		ahead = max(ahead, c.steady(wall, max(stamp, now), at))
	case max(stamp, now) == 0:
		return autoscaling.TimeOf(wall)
	}
	if ahead > now {
		c.anchor, c.anchorAt = ahead, at
		return ahead
	}
	return now
}

// ahead is what replicated time has over the wall clock; below 0 when the wall
// clock is ahead and not followed yet, 0 while that is not known.
func (c *clock) ahead(stamp autoscaling.Time, sets uint64) time.Duration {
	now := c.now(stamp, sets)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled {
		return 0
	}
	return now.Sub(autoscaling.TimeOf(c.meant()))
}

// meant is the wall clock that counts.
func (c *clock) meant() time.Time { return c.wall().Add(c.walls.middle) }

// floor is the earliest that it can be.
func (c *clock) floor(at time.Duration) autoscaling.Time {
	if c.anchor == 0 {
		return 0
	}
	elapsed := max(0, at-c.anchorAt)
	return c.anchor + autoscaling.Time((elapsed-elapsed/10)/time.Microsecond)
}

// steady is the wall clock, or while that is not followed the time that goes on
// from before it was set.
func (c *clock) steady(wall time.Time, past autoscaling.Time, at time.Duration) autoscaling.Time {
	if goesOn := autoscaling.TimeOf(epoch.Add(c.drift + at)); c.known && goesOn >= past {
		past = goesOn
	} else if c.known {
		c.drift = past.Std().Sub(epoch) - at
	}
	step := autoscaling.TimeOf(wall).Sub(past)
	switch {
	case past == 0, step <= maxSkew, !c.known && step <= longStop && c.believed(step) && c.steadyOwn(at):
	case c.steppedAt == 0:
		c.steppedAt = max(at, 1)
		fallthrough
	case at < c.steppedAt+patience(step) || !c.believed(step):
		if !c.known {
			c.drift, c.known = past.Std().Sub(epoch)-at, true
		}
		return past
	}
	c.drift, c.known, c.steppedAt = wall.Sub(epoch)-at, true, 0
	return autoscaling.TimeOf(wall)
}

// look notices that our own wall clock was set.
func (c *clock) look(at time.Duration) {
	own := c.wall().Sub(epoch) - at
	if c.ownKnown && (own-c.own).Abs() > maxSkew {
		c.ownSetAt = max(at, 1)
	}
	c.own, c.ownKnown = own, true
}

// steadyOwn reports whether our own wall clock has not been set for a while.
func (c *clock) steadyOwn(at time.Duration) bool {
	return c.ownSetAt == 0 || at >= c.ownSetAt+leapPatience
}

// patience is how long a wall clock that is ahead is not followed.
func patience(step time.Duration) time.Duration {
	if step > leap {
		return leapPatience
	}
	return stepPatience
}

// believed reports whether enough wall clocks are there for a step.
func (c *clock) believed(step time.Duration) bool { return step <= leap || c.walls.agree }
