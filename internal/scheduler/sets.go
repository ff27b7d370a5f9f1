package scheduler

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
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
	force    bool // write it even if it is as it was written: once a term, and now and then
	entries  []providers.Entry
	targets  []providers.Target
	written  time.Time // when entries or targets were confirmed; zero: not in this term
	failures int
	retry    *time.Timer

	// Of pools, see pools.go.
	polling bool
	again   bool // a look was asked for while one was under way
	poll    *time.Timer
}

// share takes over a group's parts of its lists and pools.
func (t *term) share(ctx context.Context, g *groupState, shares []plan.Share) {
	for _, old := range g.shares {
		if !slices.ContainsFunc(shares, func(s plan.Share) bool { return s.Key == old.Key }) {
			s := t.set(old.Key)
			delete(s.shares, g.uid)
			t.touch(ctx, s)
		}
	}
	for n := range shares {
		s := t.set(shares[n].Key)
		old, had := s.shares[g.uid]
		s.shares[g.uid] = shares[n]
		if !had || shares[n].Waiting() || !shares[n].SameMembers(&old) {
			t.touch(ctx, s)
		}
		t.lookAtPool(ctx, s)
	}
	g.shares = shares
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

// waiting are those that a write is a fact about, by group.
type waiting struct {
	group            autoscaling.UID
	adding, removing []autoscaling.InstanceID
}

// write writes what the groups want now.
func (t *term) write(ctx context.Context, s *set) {
	s.dirty = false
	var wait []waiting
	var entries []providers.Entry
	var targets []providers.Target
	for _, uid := range slices.Sorted(maps.Keys(s.shares)) {
		share := s.shares[uid]
		entries = append(entries, share.Entries...)
		targets = append(targets, share.Targets...)
		if share.Waiting() {
			wait = append(wait, waiting{uid, share.Adding, share.Removing})
		}
	}
	same := !s.force && slices.Equal(entries, s.entries) && slices.Equal(targets, s.targets)
	if same && len(wait) == 0 {
		return
	}
	s.writing = true
	index := t.Index() // after the views that the shares were read from
	t.calls.Go(func() {
		var err error
		if !same {
			err = t.callSet(ctx, s.key, entries, providers.TargetSet{Index: index, Targets: targets})
		}
		t.post(func(ctx context.Context) { t.wrote(ctx, s, err, same, entries, targets, wait) })
	})
}

func (t *term) callSet(ctx context.Context, key plan.SetKey, entries []providers.Entry, targets providers.TargetSet) error {
	ctx, cancel := context.WithTimeout(ctx, t.Limits.CallTimeout)
	defer cancel()
	if key.Kind == plan.List {
		if l := t.AccessLists[key.Provider]; l != nil {
			return l.SetEntries(ctx, t.fence, key.Name, entries)
		}
		return providers.Errorf(providers.NotFound, "no access list provider %s is configured on this node", key.Provider)
	}
	if b := t.Balancers[key.Provider]; b != nil {
		return b.SetTargets(ctx, t.fence, key.Name, targets)
	}
	return providers.Errorf(providers.NotFound, "no balancer %s is configured on this node", key.Provider)
}

// wrote reports what a write is a fact about. The set stays busy until that is
// written, so that the next write does not wait for the same again.
func (t *term) wrote(ctx context.Context, s *set, err error, same bool, entries []providers.Entry, targets []providers.Target, wait []waiting) {
	action := "set list"
	if s.key.Kind == plan.Pool {
		action = "set pool"
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		t.meter.effects.WithLabelValues(action, string(providers.ClassOf(err))).Inc()
		t.notWritten(s, err, wait)
		return
	}
	s.failures = 0
	if !same {
		t.meter.effects.WithLabelValues(action, "OK").Inc()
		s.force = false
		s.entries, s.targets, s.written = entries, targets, time.Now()
	}
	if len(wait) == 0 {
		t.wroteAll(ctx, s)
		return
	}
	facts := make([]fact, len(wait))
	for n, w := range wait {
		facts[n] = fact{apply: t.setFact(s.key, w)}
	}
	facts[len(facts)-1].then = func(ctx context.Context, _ error) { t.wroteAll(ctx, s) }
	t.reporter.report(facts...)
	t.lookAtPool(ctx, s)
}

func (t *term) setFact(key plan.SetKey, w waiting) apply {
	if key.Kind == plan.List {
		return func(tx *fsm.Tx, o control.Operations) error {
			return o.ReportAccess(tx, control.AccessReport{Group: w.group, Provider: key.Provider, List: key.Name, Added: w.adding, Removed: w.removing})
		}
	}
	return func(tx *fsm.Tx, o control.Operations) error {
		return o.ReportTargets(tx, control.TargetsReport{Group: w.group, Provider: key.Provider, Pool: key.Name, Added: w.adding, Removed: w.removing})
	}
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

// notWritten tries again after a pause, and tells those that wait.
func (t *term) notWritten(s *set, err error, wait []waiting) {
	s.writing, s.dirty, s.force = false, true, true
	s.failures++
	pause := max(retryAfter(s.failures)/2, retryAfterOf(err))
	s.retry = time.AfterFunc(pause, func() {
		t.post(func(ctx context.Context) {
			if !s.writing && ctx.Err() == nil {
				t.write(ctx, s)
			}
		})
	})
	view := t.State.View()
	for _, w := range wait {
		for _, id := range slices.Concat(w.adding, w.removing) {
			i := view.Instance(w.group, id)
			if i != nil && i.Step != autoscaling.StepNone && i.StatusReason != err.Error() {
				t.reporter.report(fact{apply: reportEffectFailed(control.EffectFailure{
					Group: w.group, Instance: id, State: i.State, Step: i.Step, Message: err.Error(), RetryAfter: pause,
				})})
			}
		}
	}
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
