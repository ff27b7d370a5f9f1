package scheduler

import (
	"context"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// set is an access list or a pool: what it should hold, gathered from all
// groups, and what was written last. It is always written as a whole, one write
// at a time; what changes meanwhile goes with the next.
type set struct {
	key    plan.SetKey
	shares map[autoscaling.UID]plan.Share

	dirty    bool
	writing  bool
	force    bool       // write it even if it is as it was written: once a term, and now and then
	whole    plan.Whole // as it was written last
	written  time.Time  // when that was confirmed; zero: not in this term
	failures int
	retry    *time.Timer

	// Of pools, see pools.go.
	polling bool
	again   bool // a look was asked for while one was under way
	poll    *time.Timer
}

// gather takes over a group's parts of its lists and pools; it answers the sets
// that have something to write, or to look at.
func (t *term) gather(g *groupState, shares []plan.Share) (changed, watched []*set) {
	for _, old := range g.shares {
		if !slices.ContainsFunc(shares, func(s plan.Share) bool { return s.Key == old.Key }) {
			s := t.set(old.Key)
			delete(s.shares, g.uid)
			changed = append(changed, s)
		}
	}
	for n := range shares {
		s := t.set(shares[n].Key)
		old, had := s.shares[g.uid]
		s.shares[g.uid] = shares[n]
		if s.force || !had || shares[n].Waiting() || !shares[n].SameMembers(&old) {
			changed = append(changed, s)
		}
		watched = append(watched, s)
	}
	g.shares = shares
	return changed, watched
}

// share takes over a group's parts and has what changed written.
func (t *term) share(ctx context.Context, g *groupState, shares []plan.Share) {
	changed, watched := t.gather(g, shares)
	for _, s := range changed {
		t.touch(ctx, s)
	}
	for _, s := range watched {
		t.lookAtPool(ctx, s)
	}
}

func (t *term) set(key plan.SetKey) *set {
	s := t.sets[key]
	if s == nil {
		s = &set{key: key, shares: map[autoscaling.UID]plan.Share{}, force: true}
		t.sets[key] = s
	}
	return s
}

// touch has the set written, now or after the write that is under way.
func (t *term) touch(ctx context.Context, s *set) {
	s.dirty = true
	if !s.writing && s.failures == 0 {
		t.write(ctx, s)
	}
}

// rewrite has every set written again, in case somebody else changed it.
func (t *term) rewrite(ctx context.Context) {
	for _, s := range t.sets {
		s.force = true
		t.touch(ctx, s)
	}
}

// write writes what the groups want now.
func (t *term) write(ctx context.Context, s *set) {
	s.dirty = false
	whole := plan.WholeOf(s.key, s.shares)
	same := !s.force && whole.SameMembers(&s.whole)
	if same && !whole.Waiting() {
		if len(s.shares) == 0 {
			t.dropSet(s)
		}
		return
	}
	s.writing = true
	index := t.Index() // after the views that the shares were read from
	t.calls.Go(func() {
		var err error
		if !same {
			err = t.callSet(ctx, &whole, index)
		}
		t.post(func(ctx context.Context) { t.wrote(ctx, s, &whole, same, err) })
	})
}

func (t *term) callSet(ctx context.Context, w *plan.Whole, index uint64) error {
	ctx, cancel := context.WithTimeout(ctx, t.Limits.CallTimeout)
	defer cancel()
	if w.Key.Kind == plan.List {
		if l := t.AccessLists[w.Key.Provider]; l != nil {
			return l.SetEntries(ctx, t.fence, w.Key.Name, w.Entries)
		}
		return providers.Errorf(providers.NotFound, "no access list provider %s is configured on this node", w.Key.Provider)
	}
	if b := t.Balancers[w.Key.Provider]; b != nil {
		return b.SetTargets(ctx, t.fence, w.Key.Name, providers.TargetSet{Index: index, Targets: w.Targets})
	}
	return providers.Errorf(providers.NotFound, "no balancer %s is configured on this node", w.Key.Provider)
}

// wrote reports what a write is a fact about. The set stays busy until that is
// written, so that the next write does not wait for the same again.
func (t *term) wrote(ctx context.Context, s *set, w *plan.Whole, same bool, err error) {
	if ctx.Err() != nil {
		return
	}
	action := "set list"
	if s.key.Kind == plan.Pool {
		action = "set pool"
	}
	if err != nil {
		t.meter.effects.WithLabelValues(action, string(providers.ClassOf(err))).Inc()
		t.notWritten(s, w, err)
		return
	}
	s.failures = 0
	if !same {
		t.meter.effects.WithLabelValues(action, "OK").Inc()
		s.force = false
		s.whole, s.written = *w, time.Now()
	}
	facts := w.Written()
	if len(facts) == 0 {
		t.wroteAll(ctx, s)
		return
	}
	for n, f := range facts {
		report := fact{apply: f}
		if n == len(facts)-1 {
			report.then = func(ctx context.Context, _ error) { t.wroteAll(ctx, s) }
		}
		t.reporter.report(report)
	}
	t.lookAtPool(ctx, s)
}

// wroteAll goes on with what changed meanwhile.
func (t *term) wroteAll(ctx context.Context, s *set) {
	s.writing = false
	switch {
	case s.dirty:
		t.write(ctx, s)
	case len(s.shares) == 0 && s.failures == 0:
		t.dropSet(s)
	}
}

// notWritten tries again after a pause, and tells those that wait. A set that is
// gone and has no members left is forgotten.
func (t *term) notWritten(s *set, w *plan.Whole, err error) {
	view := t.State.View()
	if len(s.shares) == 0 && plan.Gone(view, err) {
		t.dropSet(s)
		return
	}
	s.writing, s.dirty, s.force = false, true, true
	s.failures++
	s.retry = time.AfterFunc(max(retryAfter(s.failures)/2, plan.RetryAfter(err)), func() {
		t.post(func(ctx context.Context) {
			if !s.writing && ctx.Err() == nil {
				t.write(ctx, s)
			}
		})
	})
	t.log.Warn("list or pool not written", "provider", s.key.Provider, "name", s.key.Name, "error", err)
	t.reporter.all(w.NotWritten(view, err))
}

// dropSet forgets a set that no group has a part in.
func (t *term) dropSet(s *set) {
	s.stop()
	delete(t.sets, s.key)
}

func (s *set) stop() {
	for _, timer := range []*time.Timer{s.retry, s.poll} {
		if timer != nil {
			timer.Stop()
		}
	}
}

func (t *term) stopTimers() {
	for _, s := range t.sets {
		s.stop()
	}
}
