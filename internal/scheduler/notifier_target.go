package scheduler

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

const (
	// targetLimit is how many failures in a row make a target one that is down: then
	// one attempt at a time is made, at growing distances, whatever waits.
	targetLimit = 3
	targetFirst = time.Second
	targetMost  = 30 * time.Second
	// reviveEvery is how often a target that works again gets at once what it did
	// not take before.
	reviveEvery = time.Minute
	// expireBatch bounds what is given up at once.
	expireBatch = 500
)

// delivering is a line of deliveries that go out one after another: those of
// an instance, or of a group, to one target.
type delivering struct {
	group    autoscaling.UID
	instance autoscaling.InstanceID
}

func lineOf(d *autoscaling.Delivery) delivering {
	if d.Instance != "" {
		return delivering{instance: d.Instance}
	}
	return delivering{group: d.Group}
}

// targetState is what a term remembers of a target to which something goes, or
// that is down.
type targetState struct {
	uid autoscaling.UID
	// busy are the lines with a delivery under way, until what came of it is written.
	busy  map[delivering]struct{}
	calls int
	// allowed is how many calls may be under way: one for a target that failed or
	// that nothing is known of, then with each success twice as many. So a target
	// that hangs holds little of what all share.
	allowed  int
	failures int
	until    autoscaling.Time // nothing but tests before
	expiry   autoscaling.Time // while nothing goes out: when the first is given up; 0: look
	// revived is since when the target works again, or is another one: attempts of
	// before say nothing of what comes of the next. reviving: some may wait for
	// their time that need not.
	revived  autoscaling.Time
	reviving bool
	revision uint64 // of the target's record; 0: not seen
	wake     autoscaling.Time
	queued   bool // in notifier.dirty
}

func newTargetState(uid autoscaling.UID) *targetState {
	return &targetState{uid: uid, busy: map[delivering]struct{}{}, allowed: 1}
}

// answered counts an attempt that the target answered with a success.
func (s *targetState) answered(now autoscaling.Time, most int) (wasDown bool) {
	wasDown = s.failures >= targetLimit
	if wasDown && now >= s.revived.Add(reviveEvery) { // not for each success between events that it never takes
		s.revive(now)
	}
	s.failures, s.until, s.expiry = 0, 0, 0
	s.allowed = min(2*s.allowed, most)
	return wasDown
}

// revive has what failed before tried again at once.
func (s *targetState) revive(now autoscaling.Time) { s.revived, s.reviving = now, true }

// changed looks whether somebody changed the target: its address may be right now.
func (s *targetState) changed(t *autoscaling.NotificationTarget, now autoscaling.Time) {
	if s.revision != 0 && s.revision != t.Revision {
		s.failures, s.until, s.expiry, s.allowed = 0, 0, 0, 1
		s.revive(now)
	}
	s.revision = t.Revision
}

// ready says whether the delivery may be tried: its time has come, or its last
// attempt was made before the target worked again. When that was follows from
// its next time.
func (s *targetState) ready(d *autoscaling.Delivery, now autoscaling.Time) bool {
	return d.NextTime <= now || d.Attempts > 0 && s.reviving &&
		d.NextTime.Add(-autoscaling.RedeliveryDelay(d.Target, d.ID, d.Attempts)) < s.revived
}

// failed counts one that it did not, and may have been told when to come back.
func (s *targetState) failed(now, notBefore autoscaling.Time) (goesDown bool) {
	s.failures++
	s.allowed, s.expiry = 1, 0
	if over := s.failures - targetLimit; over >= 0 {
		s.until = now.Add(min(targetFirst<<min(over, 5), targetMost))
	}
	s.until = max(s.until, min(notBefore, now.Add(autoscaling.MaxRetryAfter)))
	return s.failures == targetLimit
}

// forgettable says that a new record of the target would say the same.
func (s *targetState) forgettable(v fsm.View) bool {
	_, pending := v.NextDelivery(s.uid)
	return !pending && s.calls == 0 && len(s.busy) == 0
}

// expired are heads of lines whose time is over, and when the next one's is.
func expired(v fsm.View, s *targetState, now autoscaling.Time) (over []*autoscaling.Delivery, next autoscaling.Time) {
	for d := range v.DueDeliveries(s.uid, endOfTime) {
		if _, busy := s.busy[lineOf(d)]; busy {
			continue
		}
		if d.GiveUp > now {
			next = autoscaling.Earliest(next, d.GiveUp)
		} else if over = append(over, d); len(over) == expireBatch {
			return over, 0 // the rest when these are written
		}
	}
	return over, next
}

const endOfTime = autoscaling.Time(1<<63 - 1)
