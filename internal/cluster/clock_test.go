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

func newFakeClock() (*fakeClock, *clock) {
	f := &fakeClock{wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), mono: 5 * time.Hour}
	return f, &clock{
		wall: func() time.Time { return f.wall }, mono: func() time.Duration { return f.mono },
	}
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
		wantTime(t, c.now(0), f.wall)
		f.pass(1500 * time.Millisecond)
	}
}

func TestReplicatedTimeGoesOnWhereAnEarlierLeaderWas(t *testing.T) {
	f, c := newFakeClock()
	start := f.wall
	stamp := autoscaling.TimeOf(start.Add(time.Hour)) // its clock was an hour ahead
	wantTime(t, c.now(stamp), start.Add(time.Hour))
	f.pass(100 * time.Second)
	wantTime(t, c.now(stamp), start.Add(time.Hour+90*time.Second))
	// An hour is bled off in ten.
	f.pass(10*time.Hour - 100*time.Second)
	wantTime(t, c.now(stamp), f.wall)
	f.pass(time.Second)
	wantTime(t, c.now(stamp), f.wall)
}

// A clock that is set forward while it leads is not followed before the others
// had time to say what they think of it.
func TestAClockThatIsSetForwardIsNotFollowedAtOnce(t *testing.T) {
	f, c := newFakeClock()
	right := f.wall
	pass := func(d time.Duration) { f.pass(d); right = right.Add(d) }
	c.now(0)
	pass(time.Second)
	f.wall = f.wall.Add(time.Hour)
	wantTime(t, c.now(0), right)
	pass(time.Second)
	wantTime(t, c.now(0), right)
	c.correction.Store(int64(-time.Hour)) // the others have said it
	pass(time.Second)
	wantTime(t, c.now(0), right)
	pass(time.Minute)
	wantTime(t, c.now(0), right)

	// It is set right again, and only then do the others find it so.
	f.wall = f.wall.Add(-time.Hour)
	pass(time.Second)
	c.now(0)
	c.correction.Store(0)
	pass(time.Second)
	if late := right.Sub(c.now(0).Std()); late < 0 || late > time.Second {
		t.Errorf("%s late after it was set back", late)
	}

	// Nobody says anything: it is followed, a while later.
	pass(time.Minute)
	c.now(0)
	f.wall, right = f.wall.Add(time.Hour), right.Add(time.Hour)
	wantTime(t, c.now(0), right.Add(-time.Hour))
	pass(stepPatience)
	wantTime(t, c.now(0), right)
}

func TestReplicatedTimeDoesNotFreezeUnderFrequentReading(t *testing.T) {
	f, c := newFakeClock()
	start := f.wall
	stamp := autoscaling.TimeOf(start.Add(time.Hour))
	c.now(stamp)
	for range 10_000 {
		f.pass(100 * time.Nanosecond)
		c.now(stamp)
	}
	wantTime(t, c.now(stamp), start.Add(time.Hour+900*time.Microsecond))
}

func TestReplicatedTimeSurvivesAClockThatIsSetBack(t *testing.T) {
	f, c := newFakeClock()
	before := c.now(0)
	f.wall = f.wall.Add(-time.Hour)
	if now := c.now(0); now != before {
		t.Errorf("it jumped from %s to %s", before, now)
	}
	f.pass(10 * time.Second)
	if got := c.now(0).Sub(before); got != 9*time.Second {
		t.Errorf("%s passed, want 9 s", got)
	}
}

func TestAClockThatIsOffIsNotFollowed(t *testing.T) {
	skewed := func(skews ...time.Duration) []peer.Peer {
		var peers []peer.Peer
		for _, s := range skews {
			peers = append(peers, peer.Peer{
				Known: true, Skew: s, LastContact: time.Unix(1, 0), State: peer.State{Clock: 1},
			})
		}
		return peers
	}
	for name, c := range map[string]struct {
		peers []peer.Peer
		want  time.Duration // what is added to our own clock
	}{
		"alone":                            {nil, 0},
		"all alike":                        {skewed(time.Millisecond, -300*time.Millisecond), 0},
		"ours is an hour ahead of two":     {skewed(-time.Hour, -time.Hour-time.Second), -time.Hour},
		"ours is an hour behind two":       {skewed(time.Hour, time.Hour+time.Second), time.Hour},
		"one other is an hour ahead":       {skewed(time.Hour, 0), 0},
		"of two clocks the later one":      {skewed(time.Hour), 0},
		"of two clocks the earlier one":    {skewed(-time.Hour), -time.Hour},
		"nothing is known of the other":    {[]peer.Peer{{Skew: -time.Hour}}, 0},
		"nothing was heard from the other": {[]peer.Peer{{Known: true, Skew: -time.Hour}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, clock := newFakeClock()
			clock.follow(c.peers)
			wantTime(t, clock.now(0), f.wall.Add(c.want))
		})
	}
}
