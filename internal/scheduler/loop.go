package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/scheduler/plan"
)

const (
	// maxWrites bounds the decisions that are on their way to the writer.
	maxWrites = 256
	// turnBudget is how long the loop looks at groups before it listens again.
	turnBudget = 5 * time.Millisecond
	// passShare is how much of the time passes over one large group may take: a
	// tenth.
	passShare = 10
	// unchangedPause is when a decision that wrote nothing is tried again.
	unchangedPause = time.Second
)

// groupState is what a term remembers of a group.
type groupState struct {
	uid   autoscaling.UID
	queue bool             // in term.dirty
	wake  autoscaling.Time // in term.wakes
	place int              // in term.wakes; -1: not in it

	shares    []plan.Share
	deciding  int       // decisions on their way
	again     bool      // it changed meanwhile
	notBefore time.Time // the next pass, see passShare
	hold      time.Time // decisions that failed are not tried before
	failures  int
	degraded  bool // DEGRADED was reported
	overdue   [autoscaling.StateCount]int32
}

func (t *term) group(uid autoscaling.UID) *groupState {
	g := t.groups[uid]
	if g == nil {
		g = &groupState{uid: uid, place: -1}
		t.groups[uid] = g
	}
	return g
}

// mark queues a group for a pass.
func (t *term) mark(g *groupState) {
	if !g.queue {
		g.queue = true
		t.dirty = append(t.dirty, g)
	}
}

// wakeAt has a group looked at then, or earlier.
func (t *term) wakeAt(g *groupState, at autoscaling.Time) {
	t.wakes.set(g, autoscaling.Earliest(g.wake, at))
}

func (t *term) wakeIn(g *groupState, d time.Duration) { t.wakeAt(g, t.Now().Add(d)) }

// loop looks at groups until ctx ends. It owns what the term remembers.
func (t *term) loop(ctx context.Context) {
	changes := t.State.Subscribe()
	defer changes.Close()
	defer t.stopTimers()
	t.watchdog.show()
	defer t.watchdog.end()
	t.survey()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		t.turn(ctx)
		timer.Reset(t.pause())
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-changes.Ready:
			change := changes.Take()
			if change.All {
				t.survey()
			}
			for _, uid := range change.Groups {
				t.mark(t.group(uid))
			}
		case <-t.inbox.ready:
			for _, fn := range t.inbox.take() {
				fn(ctx)
			}
		}
	}
}

// survey gathers every group's parts of lists and pools, before any is written,
// and queues all groups.
func (t *term) survey() {
	view := t.State.View()
	for record := range view.Groups("") {
		g := t.group(record.UID)
		t.gather(g, plan.Shares(view.Reader, g.uid))
		if !g.degraded && control.Holds(record, autoscaling.ConditionDegraded) {
			t.degrade(g, nil) // an earlier term's; what still fails says so again
		}
		t.mark(g)
	}
}

// pause is how long the loop may sleep. The wall clock may run ahead of
// replicated time: then it wakes, sees that it is early, and sleeps again.
func (t *term) pause() time.Duration {
	if len(t.dirty) > 0 {
		return 0
	}
	next := t.wakes.next()
	if next == nil {
		return time.Hour
	}
	return max(next.wake.Sub(t.Now()), 100*time.Microsecond)
}

// turn passes over the groups that are due, for a while.
func (t *term) turn(ctx context.Context) {
	now := t.Now()
	for next := t.wakes.next(); next != nil && next.wake <= now; next = t.wakes.next() {
		t.wakes.remove(next)
		t.mark(next)
	}
	began := time.Now()
	for len(t.dirty) > 0 && time.Since(began) < turnBudget {
		g := t.dirty[0]
		t.dirty[0] = nil
		t.dirty = t.dirty[1:]
		g.queue = false
		if early := time.Until(g.notBefore); early > 0 {
			t.wakeIn(g, early)
			continue
		}
		t.pass(ctx, g)
	}
}

// pass looks at a group once and starts what is to be done.
func (t *term) pass(ctx context.Context, g *groupState) {
	began := time.Now()
	now := t.Now()
	p, err := t.look(g, now)
	if err != nil {
		t.complain("pass over group failed", err)
		t.degrade(g, err)
		return
	}
	t.meter.passes.Inc()
	t.wakes.set(g, 0)
	t.wakeAt(g, p.Wake)
	for _, m := range p.Machines {
		t.enqueue(ctx, m)
	}
	t.share(ctx, g, p.Shares)
	t.prober.set(g.uid, p.Probes)
	t.watchdog.see(g, p.Overdue)
	t.decide(ctx, g, p.Decisions)
	// A large group that changes with every entry is not read with every entry.
	g.notBefore = began.Add(passShare * time.Since(began))
}

func (t *term) look(g *groupState, now autoscaling.Time) (p *plan.Pass, err error) {
	defer recovered(&err)
	view := t.State.View()
	hold := plan.Hold{Replacements: t.grace()}
	p = plan.Look(view.Reader, g.uid, now, hold)
	if p.Held {
		p.Wake = autoscaling.Earliest(p.Wake, now.Add(t.Limits.TakeoverGrace-time.Since(t.began)))
	}
	if view.Group(g.uid) == nil {
		t.forget(g)
	}
	t.alarms.note(view, g.uid)
	return p, nil
}

// forget drops a group that is no more, after this pass.
func (t *term) forget(g *groupState) {
	if g.deciding == 0 {
		delete(t.groups, g.uid)
	}
}

// decide has decisions written, each on its own.
func (t *term) decide(ctx context.Context, g *groupState, decisions []plan.Decision) {
	switch held := time.Until(g.hold); {
	case g.deciding > 0:
		g.again = true
		return
	case len(decisions) == 0:
		return
	case held > 0:
		t.wakeIn(g, held)
		return
	}
	for _, d := range decisions {
		select {
		case t.writes <- struct{}{}:
		default:
			g.again = true // the rest is seen by the next pass
			if g.deciding == 0 {
				t.wakeIn(g, unchangedPause/100)
			}
			return
		}
		g.deciding++
		t.calls.Go(func() {
			err := t.do(ctx, d.Apply)
			<-t.writes
			t.post(func(context.Context) { t.decided(g, d, err) })
		})
	}
}

// decided goes on after a decision was written, or refused.
func (t *term) decided(g *groupState, d plan.Decision, err error) {
	g.deciding--
	switch {
	case err == nil:
		g.failures = 0
		if g.degraded {
			t.degrade(g, nil)
		}
	case lost(err):
		t.wakeIn(g, unchangedPause)
	default:
		t.log.Debug("decision not taken", "group", g.uid, "decision", d.Name, "error", err)
		g.failures++
		g.hold = time.Now().Add(retryAfter(g.failures))
		t.wakeIn(g, time.Until(g.hold))
		if !errors.Is(err, control.ErrNothingChanged) {
			t.degrade(g, err)
		}
	}
	if g.deciding > 0 {
		return
	}
	if g.again {
		g.again = false
		t.mark(g)
		return
	}
	t.wakeIn(g, unchangedPause)
}

// degrade says on the group why the service cannot do its work for it; nil: it
// can again.
func (t *term) degrade(g *groupState, err error) {
	message := ""
	if err != nil {
		message = err.Error()
		var p *panicError
		if errors.As(err, &p) {
			t.complain("internal error, the group is quarantined", err)
			g.hold = time.Now().Add(quarantine)
			t.wakeIn(g, quarantine)
		}
	}
	g.degraded = err != nil
	t.reporter.report(fact{apply: reportDegraded(g.uid, message)})
}

// quarantine is how long an object on which the service itself fails rests.
const quarantine = 30 * time.Second

// retryAfter is the pause after failures in a row: 1 s to 30 s.
func retryAfter(failures int) time.Duration {
	return min(time.Second<<min(max(failures-1, 0), 5), 30*time.Second)
}

// lost says that the leadership, not the function, was the problem.
func lost(err error) bool {
	e, ok := errors.AsType[*autoscaling.Error](err)
	return (ok && (e.Reason == autoscaling.NoLeader || e.Reason == autoscaling.OutcomeUnknown)) ||
		errors.Is(err, context.Canceled)
}
