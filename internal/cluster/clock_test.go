package cluster

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
)

// fakeClock is a wall clock that can be set and a monotonic one that cannot.
type fakeClock struct {
	wall time.Time
	mono time.Duration
}

func (f *fakeClock) pass(d time.Duration) { f.wall, f.mono = f.wall.Add(d), f.mono+d }

// newFakeClock is of a cluster of one node that has started.
func newFakeClock() (*fakeClock, *clock) {
	f := &fakeClock{wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), mono: 5 * time.Hour}
	c := &clock{wall: func() time.Time { return f.wall }, mono: func() time.Duration { return f.mono }}
	c.follow(wallsOf(nil), true)
	return f, c
}

func wantTime(t *testing.T, got autoscaling.Time, want time.Time) {
	t.Helper()
	if got != autoscaling.TimeOf(want) {
		t.Errorf("it is %s, want %s", got, want.Format(time.RFC3339Nano))
	}
}

func TestReplicatedTimeIsWallTime(t *testing.T) {
	f, c := newFakeClock()
	for range 3 {
		wantTime(t, c.now(0, 0), f.wall)
		f.pass(1500 * time.Millisecond)
	}
}

func TestReplicatedTimeGoesOnWhereAnEarlierLeaderWas(t *testing.T) {
	f, c := newFakeClock()
	start := f.wall
	stamp := autoscaling.TimeOf(start.Add(time.Hour)) // its clock was an hour ahead
	wantTime(t, c.now(stamp, 0), start.Add(time.Hour))
	f.pass(100 * time.Second)
	wantTime(t, c.now(stamp, 0), start.Add(time.Hour+90*time.Second))
	// An hour is bled off in ten.
	f.pass(10*time.Hour - 100*time.Second)
	wantTime(t, c.now(stamp, 0), f.wall)
	f.pass(time.Second)
	wantTime(t, c.now(stamp, 0), f.wall)
}

// A clock that is set forward while it leads is not followed before the others
// had time to tell whether it is right.
func TestAClockThatIsSetForwardIsNotFollowedAtOnce(t *testing.T) {
	f, c := newFakeClock()
	right := f.wall
	pass := func(d time.Duration) { f.pass(d); right = right.Add(d) }
	c.now(0, 0)
	pass(time.Second)
	f.wall = f.wall.Add(time.Hour)
	wantTime(t, c.now(0, 0), right)
	pass(time.Second)
	wantTime(t, c.now(0, 0), right)
	c.follow(wallsOf(skewed(-time.Hour, -time.Hour)), true) // the others have told
	pass(time.Second)
	wantTime(t, c.now(0, 0), right)
	pass(time.Minute)
	wantTime(t, c.now(0, 0), right)

	// It is set right again, and only then do the others find it so.
	f.wall = f.wall.Add(-time.Hour)
	pass(time.Second)
	c.now(0, 0)
	c.follow(wallsOf(skewed(0, 0)), true)
	pass(time.Second)
	if late := right.Sub(c.now(0, 0).Std()); late < 0 || late > time.Second {
		t.Errorf("%s late after it was set back", late)
	}
}

// All clocks of a quorum are set forward: they are followed after a while, which
// is longer when the step is.
func TestAStepOfAllClocksIsFollowedAfterAWhile(t *testing.T) {
	for step, patience := range map[time.Duration]time.Duration{
		500 * time.Millisecond: 0, 10 * time.Second: stepPatience, time.Hour: leapPatience, 10 * 24 * time.Hour: leapPatience,
	} {
		f, c := newFakeClock()
		c.now(0, 0)
		f.wall = f.wall.Add(step)
		if patience > 0 {
			wantTime(t, c.now(0, 0), f.wall.Add(-step))
			f.pass(patience - time.Second)
			wantTime(t, c.now(0, 0), f.wall.Add(-step))
			f.pass(time.Second)
		}
		wantTime(t, c.now(0, 0), f.wall)
	}
}

// B2, B12: what is put right within leapPatience leaves no trace.
func TestAStepThatIsTakenBackLeavesNoTrace(t *testing.T) {
	f, c := newFakeClock()
	c.now(0, 0)
	f.wall = f.wall.Add(10 * 24 * time.Hour)
	for range 80 {
		f.pass(100 * time.Millisecond)
		c.now(0, 0)
	}
	f.wall = f.wall.Add(-10 * 24 * time.Hour)
	wantTime(t, c.now(0, 0), f.wall)
	f.pass(time.Hour)
	wantTime(t, c.now(0, 0), f.wall)
}

// A minority that is ahead, among walls that are all known or not, cannot have
// time set forward by more than a leap.
func TestALeapNeedsAQuorumOfWalls(t *testing.T) {
	for name, peers := range map[string][]peer.Peer{
		"the other two are not known":      {{}, {}},
		"the others have not answered yet": {{Up: true}, {Up: true}},
		"the others are gone":              {{Measured: true}, {Measured: true}},
		"three of five, one is behind":     append(skewed(-time.Hour, 0), peer.Peer{}, peer.Peer{}),
	} {
		t.Run(name, func(t *testing.T) {
			f, c := newFakeClock()
			c.now(0, 0)
			right := f.wall
			f.wall = f.wall.Add(time.Hour)
			c.follow(wallsOf(peers), true)
			c.now(0, 0)
			f.pass(time.Minute)
			wantTime(t, c.now(0, 0), right.Add(time.Minute))
			f.pass(time.Hour)
			wantTime(t, c.now(0, 0), right.Add(time.Hour+time.Minute))
		})
	}
}

// A cluster that was off comes to the present at once, unless that is so far away
// that a clock with an empty battery is as likely.
func TestAClusterThatWasOffComesToThePresent(t *testing.T) {
	for off, patience := range map[time.Duration]time.Duration{
		time.Minute: 0, 2 * time.Hour: 0, 20 * 24 * time.Hour: 0, 10 * 365 * 24 * time.Hour: leapPatience,
	} {
		f, c := newFakeClock()
		stamp := autoscaling.TimeOf(f.wall.Add(-off))
		if patience > 0 {
			wantTime(t, c.now(stamp, 0), f.wall.Add(-off))
			f.pass(patience)
		}
		wantTime(t, c.now(stamp, 0), f.wall)
	}
}

// A node that does not know yet how late it is goes on from the newest stamp, and
// what its wall clock shows meanwhile binds nothing.
func TestAClockThatIsNotSettledFollowsNoWall(t *testing.T) {
	f, c := newFakeClock()
	c.settled = false
	right := f.wall
	f.wall = f.wall.Add(10 * 365 * 24 * time.Hour)
	wantTime(t, c.now(0, 0), f.wall) // nothing has a stamp: no harm
	stamp := autoscaling.TimeOf(right.Add(-time.Hour))
	wantTime(t, c.now(stamp, 0), right.Add(-time.Hour))
	f.pass(10 * time.Second)
	wantTime(t, c.now(stamp, 0), right.Add(-time.Hour+9*time.Second))
	c.follow(wallsOf(skewed(-10*365*24*time.Hour, -10*365*24*time.Hour)), true)
	wantTime(t, c.now(stamp, 0), right.Add(10*time.Second))
}

func TestReplicatedTimeDoesNotFreezeUnderFrequentReading(t *testing.T) {
	f, c := newFakeClock()
	start := f.wall
	stamp := autoscaling.TimeOf(start.Add(time.Hour))
	c.now(stamp, 0)
	for range 10_000 {
		f.pass(100 * time.Nanosecond)
		c.now(stamp, 0)
	}
	wantTime(t, c.now(stamp, 0), start.Add(time.Hour+900*time.Microsecond))
}

func TestReplicatedTimeSurvivesAClockThatIsSetBack(t *testing.T) {
	f, c := newFakeClock()
	before := c.now(0, 0)
	f.wall = f.wall.Add(-time.Hour)
	if now := c.now(0, 0); now != before {
		t.Errorf("it jumped from %s to %s", before, now)
	}
	f.pass(10 * time.Second)
	if got := c.now(0, 0).Sub(before); got != 9*time.Second {
		t.Errorf("%s passed, want 9 s", got)
	}
}

// skewed are peers whose clocks have this over ours.
func skewed(skews ...time.Duration) []peer.Peer {
	var peers []peer.Peer
	for _, s := range skews {
		peers = append(peers, peer.Peer{Up: true, Measured: true, Skew: s})
	}
	return peers
}

func TestAClockThatIsOffIsNotFollowed(t *testing.T) {
	for name, c := range map[string]struct {
		peers []peer.Peer
		want  time.Duration // what is added to our own clock
	}{
		"alone":                          {nil, 0},
		"all alike":                      {skewed(time.Millisecond, -300*time.Millisecond), 0},
		"ours is an hour ahead of two":   {skewed(-time.Hour, -time.Hour-time.Second), -time.Hour},
		"ours is an hour behind two":     {skewed(time.Hour, time.Hour+time.Second), time.Hour},
		"one other is an hour ahead":     {skewed(time.Hour, 0), 0},
		"of two clocks the later one":    {skewed(time.Hour), 0},
		"of two clocks the earlier one":  {skewed(-time.Hour), -time.Hour},
		"one of the two others is known": {append(skewed(-time.Hour), peer.Peer{Skew: 2 * time.Hour}), -time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			f, clock := newFakeClock()
			clock.follow(wallsOf(c.peers), true)
			wantTime(t, clock.now(0, 0), f.wall.Add(c.want))
		})
	}
}
