package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// notifier sends what is in the outboxes. It shares nothing with the loop over
// groups but the writer: neither waits for the other.
//
// What is to be sent, and in which order, is in the state; what came of it is
// written before the next of the same line goes out. Fields belong to run's
// goroutine.
type notifier struct {
	t       *term
	cluster *autoscaling.Cluster
	inbox   *inbox // bounded by what is under way
	results *batcher[delivered]

	targets map[autoscaling.UID]*targetState
	dirty   []*targetState
	calls   int // under way, to all targets
	open    int // not yet written, calls included
	// rest is until when nothing is sent, because what came of it could not be written.
	rest autoscaling.Time
}

func newNotifier(t *term, cluster *autoscaling.Cluster) *notifier {
	n := &notifier{t: t, cluster: cluster, inbox: newInbox(), targets: map[autoscaling.UID]*targetState{}}
	n.results = newDeliveryResults(n)
	return n
}

// maxOpen bounds deliveries from their call to the fact that came of it.
const maxOpen = 1024

func (n *notifier) run(ctx context.Context) {
	changes := n.t.State.Subscribe().OnlyTargets()
	defer changes.Close()
	n.all()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(n.turn(ctx))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-changes.Ready:
			change := changes.Take()
			if change.All {
				n.all()
			}
			for _, uid := range change.Targets {
				n.mark(n.target(uid))
			}
		case <-n.inbox.ready:
			for _, fn := range n.inbox.take() {
				fn(ctx)
			}
		}
	}
}

// all looks at every target.
func (n *notifier) all() {
	for t := range n.t.State.View().NotificationTargets("") {
		n.mark(n.target(t.UID))
	}
}

func (n *notifier) target(uid autoscaling.UID) *targetState {
	s := n.targets[uid]
	if s == nil {
		s = newTargetState(uid)
		n.targets[uid] = s
	}
	return s
}

func (n *notifier) mark(s *targetState) {
	if !s.queued {
		s.queued = true
		n.dirty = append(n.dirty, s)
	}
}

// turn looks at the targets that changed or whose time has come; it answers how
// long nothing is to be done.
func (n *notifier) turn(ctx context.Context) time.Duration {
	now, next := n.t.Now(), autoscaling.Time(0)
	for _, s := range n.targets { // few have anything to send
		if s.wake != 0 && s.wake <= now {
			n.mark(s)
		}
	}
	dirty := n.dirty
	n.dirty = nil
	view := n.t.State.View()
	for _, s := range dirty {
		s.queued, s.wake = false, 0
		n.look(ctx, view, s, now)
	}
	for _, s := range n.targets {
		next = autoscaling.Earliest(next, s.wake)
	}
	if next == 0 {
		return time.Hour
	}
	// The clock may be set forward while it sleeps.
	return min(max(next.Sub(n.t.Now()), time.Millisecond), time.Minute)
}

// look sends what can be sent to a target now, and says when to look again.
// Whatever else changes that marks it.
func (n *notifier) look(ctx context.Context, view fsm.View, s *targetState, now autoscaling.Time) {
	target := view.NotificationTarget(s.uid)
	if target == nil || s.forgettable(view) && s.failures == 0 {
		if s.calls == 0 && len(s.busy) == 0 {
			delete(n.targets, s.uid)
		}
		return
	}
	s.changed(target, now)
	if now < n.rest {
		s.wake = n.rest
		return
	}
	// A test goes whatever the target is like: somebody waits for what comes of it.
	for d := range view.LaneDeliveries(s.uid, "", "") {
		if d.NextTime <= now {
			n.send(ctx, target, s, d, now)
		} else {
			s.wake = d.NextTime
		}
		break
	}
	if target.Disabled || now < s.until {
		n.giveUp(view, s, now)
		if s.expiry > now {
			s.wake = autoscaling.Earliest(s.wake, s.expiry)
		}
		if !target.Disabled {
			s.wake = autoscaling.Earliest(s.wake, s.until)
		}
		return
	}
	until := now
	if s.reviving {
		until = endOfTime
	}
	for d := range view.DueDeliveries(s.uid, until) {
		if !s.ready(d, now) {
			continue
		}
		if s.calls >= s.allowed || n.crowded(s) {
			return // who ends marks it
		}
		n.send(ctx, target, s, d, now)
	}
	s.reviving = false
	// Those that are due and not sent are busy; who ends marks it.
	s.wake = autoscaling.Earliest(s.wake, nextAfter(view, s.uid, now))
}

// nextAfter is the time of the first head that is not due yet, 0 when there is
// none. Before it come only those that are busy.
func nextAfter(view fsm.View, target autoscaling.UID, now autoscaling.Time) autoscaling.Time {
	for d := range view.DueDeliveries(target, endOfTime) {
		if d.NextTime > now {
			return d.NextTime
		}
	}
	return 0
}

// full says that all targets together have enough under way.
func (n *notifier) full() bool { return n.calls >= n.t.Limits.Notices || n.open >= maxOpen }

// crowded says that there is no room for the target: those that failed leave a
// quarter to others, so that many that hang do not hold up one that works.
func (n *notifier) crowded(s *targetState) bool {
	return n.full() || s.failures > 0 && n.calls >= n.t.Limits.Notices-n.t.Limits.Notices/4
}

// giveUp ends deliveries whose time is over, to a target that nothing is sent to.
func (n *notifier) giveUp(view fsm.View, s *targetState, now autoscaling.Time) {
	if s.expiry != 0 && now < s.expiry || n.open >= maxOpen {
		return
	}
	over, next := expired(view, s, now)
	s.expiry = next
	for _, d := range over {
		s.busy[lineOf(d)] = struct{}{}
		n.open++
		n.results.put(delivered{target: s, delivery: d, expired: true})
	}
}

// send starts an attempt, unless one of its line is under way.
func (n *notifier) send(ctx context.Context, target *autoscaling.NotificationTarget, s *targetState, d *autoscaling.Delivery, now autoscaling.Time) {
	line := lineOf(d)
	if _, busy := s.busy[line]; busy || n.full() {
		return
	}
	s.busy[line] = struct{}{}
	s.calls++
	n.calls++
	n.open++
	to := plan.Endpoint(target, now)
	n.t.calls.Go(func() {
		err := n.attempt(ctx, to, d)
		if ctx.Err() != nil {
			return // the next leader sends it again
		}
		n.inbox.put(func(context.Context) { n.sent(s, d, err) })
	})
}

func (n *notifier) attempt(ctx context.Context, to providers.Endpoint, d *autoscaling.Delivery) (err error) {
	defer recovered(&err)
	notice, err := plan.Notice(n.cluster, d)
	if err != nil {
		return err
	}
	return n.t.Notifier.Notify(ctx, to, notice)
}

// sent goes on after an attempt.
func (n *notifier) sent(s *targetState, d *autoscaling.Delivery, err error) {
	s.calls--
	n.calls--
	n.roomMade()
	now := n.t.Now()
	r := delivered{target: s, delivery: d}
	if err == nil {
		n.t.meter.delivered.Inc()
		if s.answered(now, n.t.Limits.NoticesPerTarget) {
			n.t.log.Info("notification target takes notices again", "target", n.nameOf(s))
		}
	} else {
		n.t.meter.undelivered.Inc()
		r.failure = failureOf(err, now)
		r.failure.DeliveryKey = control.DeliveryKey{Target: s.uid, ID: d.ID}
		// A test says nothing of others: it is made because the target is not right yet.
		if !d.IsTest() && !r.failure.Final && s.failed(now, r.failure.NotBefore) {
			n.t.log.Warn("notification target takes no notices", "target", n.nameOf(s), "error", err)
		}
	}
	n.results.put(r)
	n.mark(s)
}

// roomMade looks at the targets that found no room, now that a call ended.
func (n *notifier) roomMade() {
	if most := n.t.Limits.Notices; n.calls == most-1 || n.calls == most-most/4-1 {
		n.everyone()
	}
}

func (n *notifier) everyone() {
	for _, s := range n.targets {
		n.mark(s)
	}
}

// written goes on after what came of deliveries was written, or was not: then
// they are sent again.
func (n *notifier) written(results []delivered, err error) {
	wasFull := n.open >= maxOpen
	for _, r := range results {
		delete(r.target.busy, lineOf(r.delivery))
		n.open--
		r.target.expiry = 0
		n.mark(r.target)
	}
	if err != nil {
		n.rest = n.t.Now().Add(unchangedPause)
	}
	if wasFull {
		n.everyone()
	}
}

// nameOf is what people call the target.
func (n *notifier) nameOf(s *targetState) string {
	if t := n.t.State.View().NotificationTarget(s.uid); t != nil {
		return t.Namespace + "/" + t.ID
	}
	return string(s.uid)
}

func failureOf(err error, now autoscaling.Time) control.DeliveryFailure {
	f := control.DeliveryFailure{Message: err.Error()}
	if e, ok := errors.AsType[*providers.Error](err); ok {
		f.Final = e.Class == providers.Gone
		if e.RetryAfter > 0 {
			f.NotBefore = now.Add(e.RetryAfter)
		}
	}
	return f
}
