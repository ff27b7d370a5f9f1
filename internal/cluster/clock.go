package cluster

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
)

// stepPatience is how long a clock that was set forward is not followed: within
// it the others say whether it is right now. A node alone follows it then.
const stepPatience = 5 * time.Second

// maxSkew is how far a clock may be from the cluster's middle clock before it
// is reported and no longer followed.
const maxSkew = time.Second

// clock is replicated time as this node knows it: the wall clock, but never
// before a stamp that was committed. While the wall clock is behind, because an
// earlier leader's was ahead or because somebody set ours back, time goes on at
// nine tenths of its rate until the wall clock has caught up: it neither stands
// still nor jumps.
//
// The wall clock meant is not this node's own when that differs from the middle
// one of the cluster by more than maxSkew: else a leader whose clock is an hour
// ahead would fire every deadline of the next hour. Nor is it followed at once
// when it is set forward by more than that: it takes the others a moment to tell
// that it differs.
type clock struct {
	wall func() time.Time
	mono func() time.Duration // since an arbitrary instant, never set

	// correction is what the cluster's middle clock has over ours, in nanoseconds.
	correction atomic.Int64

	mu sync.Mutex
	// At monotonic time anchorAt it was anchor.
	anchor   autoscaling.Time
	anchorAt time.Duration
	// drift is what the wall clock meant has over the monotonic one; steppedAt is
	// when it was found to be set forward, 0: it was not.
	drift     time.Duration
	known     bool // drift is
	steppedAt time.Duration
}

func newClock(wall func() time.Time) *clock {
	start := time.Now()
	c := &clock{wall: wall, mono: func() time.Duration { return time.Since(start) }}
	c.steady(wall(), c.mono()) // from here on it is known when it is set
	return c
}

// now is the time, given the newest stamp known. It never goes back.
func (c *clock) now(stamp autoscaling.Time) autoscaling.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.mono()
	wall := autoscaling.TimeOf(c.steady(c.wall().Add(time.Duration(c.correction.Load())), at))
	elapsed := max(0, at-c.anchorAt)
	now := c.anchor + autoscaling.Time((elapsed-elapsed/10)/time.Microsecond)
	if ahead := max(wall, stamp); ahead > now {
		c.anchor, c.anchorAt = ahead, at
		return ahead
	}
	return now
}

// steady is the wall clock meant, but one that was set forward only after a while.
func (c *clock) steady(wall time.Time, at time.Duration) time.Time {
	drift := wall.Sub(epoch) - at
	switch {
	case !c.known || drift <= c.drift+maxSkew:
		c.steppedAt = 0
	case c.steppedAt == 0:
		c.steppedAt = max(at, 1)
		return epoch.Add(c.drift + at)
	case at < c.steppedAt+stepPatience:
		return epoch.Add(c.drift + at)
	default:
		c.steppedAt = 0
	}
	c.drift, c.known = drift, true
	return wall
}

// epoch is any fixed instant: durations since it fit.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// follow takes the skews of the other nodes' clocks, of those that are known.
func (c *clock) follow(peers []peer.Peer) {
	skews := []time.Duration{0} // our own
	for _, p := range peers {
		if p.Known && !p.LastContact.IsZero() && p.State.Clock != 0 {
			skews = append(skews, p.Skew)
		}
	}
	slices.Sort(skews)
	// The lower one of two middles: late is safer than early.
	middle := skews[(len(skews)-1)/2]
	if middle.Abs() <= maxSkew {
		middle = 0
	}
	c.correction.Store(int64(middle))
}
