package plan_test

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// leader is what a leader has in memory: all of it is dropped when the next one
// begins.
type leader struct {
	term     uint64
	grace    autoscaling.Time
	busy     map[autoscaling.InstanceID]bool
	calls    []*call
	facts    []queued
	listings []*listing
	released bool
	missing  plan.Missing
	waiting  []func() // for a listing that begins later
	shares   map[autoscaling.UID][]plan.Share
	sets     map[plan.SetKey]*simSet
}

// call is a call on its way: land makes it have its effect; answer is what the
// caller hears.
type call struct {
	land   func() func()
	landed bool
	after  func()
}

type queued struct {
	fact plan.Fact
	then func()
}

type listing struct {
	before   fsm.View
	machines []providers.Machine
	began    time.Duration
	waiting  []func()
}

type simSet struct {
	shares  map[autoscaling.UID]plan.Share
	whole   plan.Whole
	force   bool
	writing bool
}

// lead begins a new term. What the old leader had called may still have its
// effect.
func (s *simulation) lead() {
	if s.leader != nil {
		for _, c := range s.leader.calls {
			s.late = append(s.late, func() { c.land() })
		}
	}
	s.term++
	s.note("leader of term %d", s.term)
	s.leader = &leader{
		term: s.term, grace: s.now.Add(10 * time.Second), busy: map[autoscaling.InstanceID]bool{}, missing: plan.Missing{},
		shares: map[autoscaling.UID][]plan.Share{}, sets: map[plan.SetKey]*simSet{},
	}
	for _, g := range s.groups() { // no set is written before all of its parts are known
		s.gather(s.leader, g.UID, plan.Shares(s.view().Reader, g.UID))
	}
}

func (s *simulation) incarnation() string { return string(s.view().Cluster().Incarnation) }

// pass is what the scheduler does with one look at a group.
func (s *simulation) pass(g *autoscaling.Group) {
	if g == nil {
		return
	}
	l := s.leader
	p := plan.Look(s.view().Reader, g.UID, s.now, plan.Hold{Replacements: s.now < l.grace})
	for _, m := range p.Machines {
		if !l.busy[m.Key()] {
			l.busy[m.Key()] = true
			l.calls = append(l.calls, s.machineCall(l, m))
		}
	}
	s.share(l, g.UID, p.Shares)
	for _, d := range p.Decisions {
		if !s.chance(10) { // else the leader lost the thread here
			s.do(g.ID+": "+d.Name, func(tx *fsm.Tx) error { return d.Apply(tx, s.ops) })
		}
	}
}

// gather takes over a group's parts.
func (s *simulation) gather(l *leader, group autoscaling.UID, shares []plan.Share) {
	for _, old := range l.shares[group] {
		delete(l.sets[old.Key].shares, group)
	}
	for _, sh := range shares {
		set := l.sets[sh.Key]
		if set == nil {
			set = &simSet{shares: map[autoscaling.UID]plan.Share{}, force: true}
			l.sets[sh.Key] = set
		}
		set.shares[group] = sh
	}
	l.shares[group] = shares
}

// share takes over a group's parts and has what changed written.
func (s *simulation) share(l *leader, group autoscaling.UID, shares []plan.Share) {
	s.gather(l, group, shares)
	for _, key := range []plan.SetKey{{Kind: plan.List, Provider: "files", Name: "db"}, {Kind: plan.Pool, Provider: "edge", Name: "web"}} {
		if set := l.sets[key]; set != nil && !set.writing {
			s.write(l, key, set)
		}
	}
}

func (s *simulation) write(l *leader, key plan.SetKey, set *simSet) {
	whole := plan.WholeOf(key, set.shares)
	same := !set.force && whole.SameMembers(&set.whole)
	if same && !whole.Waiting() {
		return
	}
	set.writing = true
	outside := s.list
	if key.Kind == plan.Pool {
		outside = s.pool
	}
	l.calls = append(l.calls, &call{land: func() func() {
		var err error
		switch {
		case same:
		case s.chance(5):
			err = providers.Errorf(providers.UnknownOutcome, "time-out, not written")
		default:
			if key.Kind == plan.Pool {
				s.onTargets(whole.Targets)
			}
			if err = outside.set(l.term, whole.Entries, whole.Targets); err == nil && s.chance(5) {
				err = providers.Errorf(providers.UnknownOutcome, "time-out, written")
			}
			s.note("set %s of term %d: %d entries, %d targets: %v", key.Name, l.term, len(whole.Entries), len(whole.Targets), err)
			s.checkOutside()
		}
		return func() {
			if err != nil {
				set.writing, set.force = false, true
				for _, f := range whole.NotWritten(s.view(), err) {
					l.facts = append(l.facts, queued{fact: f})
				}
				return
			}
			if !same {
				set.force, set.whole = false, whole
			}
			facts := whole.Written()
			if len(facts) == 0 {
				set.writing = false
			}
			for n, f := range facts {
				q := queued{fact: f}
				if n == len(facts)-1 {
					q.then = func() { set.writing = false }
				}
				l.facts = append(l.facts, q)
			}
		}
	}})
}

// machineCall is a call about a machine: as in the scheduler it is checked again
// before it is made.
func (s *simulation) machineCall(l *leader, m plan.Machine) *call {
	release := func() { delete(l.busy, m.Key()) }
	return &call{land: func() func() {
		v := s.view()
		i := v.Instance(m.Instance.Group, m.Instance.ID)
		if i == nil {
			return release
		}
		now, ok, _ := plan.MachineOf(i, s.now)
		if !ok || now.Action != m.Action {
			return release
		}
		answer, err := s.callMachine(l, now)
		fact, unknown := now.Outcome(answer, err)
		report := func() { l.facts = append(l.facts, queued{fact: fact, then: release}) }
		if unknown {
			return func() { l.waiting = append(l.waiting, report) }
		}
		return report
	}}
}

func (s *simulation) callMachine(l *leader, m plan.Machine) (providers.Machine, error) {
	effect := func(late bool) (providers.Machine, error) { return s.effect(l.term, m, late) }
	switch {
	case s.cloud.down && s.chance(50):
		return providers.Machine{}, providers.Errorf(providers.Unavailable, "connection refused")
	case s.cloud.down, s.chance(3):
		if s.chance(50) {
			s.late = append(s.late, func() { effect(true) })
		}
		return providers.Machine{}, providers.Errorf(providers.UnknownOutcome, "time-out")
	case s.chance(3):
		effect(false)
		return providers.Machine{}, providers.Errorf(providers.UnknownOutcome, "time-out after the effect")
	case s.chance(2):
		return providers.Machine{}, providers.Errorf(providers.Throttled, "slow down")
	case m.Action == plan.Ensure && s.chance(2):
		return providers.Machine{}, providers.Errorf(providers.Failed, "the platform failed")
	}
	return effect(false)
}

func (s *simulation) effect(term uint64, m plan.Machine, late bool) (answer providers.Machine, err error) {
	id := string(m.Instance.ID)
	switch m.Action {
	case plan.Ensure:
		spec, broken := plan.Spec(s.view().Reader, m.Instance)
		if broken != nil {
			s.fail("spec: %v", broken)
		}
		answer, err = s.cloud.ensure(term, s.incarnation(), spec)
	case plan.Start:
		answer, err = s.cloud.start(term, id, late)
	case plan.Stop:
		err = s.cloud.stop(term, id)
	case plan.Remove:
		err = s.cloud.remove(term, id)
	case plan.Adopt:
		answer, err = s.cloud.adopt(term, string(s.view().Cluster().ID), s.incarnation(), plan.AdoptSpec(s.view().Reader, m.Instance))
	case plan.Release:
		err = s.cloud.release(term, id)
	}
	s.note("%s %s term %d late %v: %s %v", m.Action, id, term, late, answer.State, err)
	s.check()
	return answer, err
}

// progress lands a call, or brings its answer.
func (s *simulation) progress() {
	l := s.leader
	if len(l.calls) == 0 || (!l.released && !s.calm) {
		return
	}
	n := s.rng.IntN(len(l.calls))
	c := l.calls[n]
	if !c.landed {
		c.landed, c.after = true, c.land()
		if s.rng.IntN(2) == 0 {
			return
		}
	}
	l.calls = append(l.calls[:n], l.calls[n+1:]...)
	c.after()
}

// writeFacts writes some of the facts that wait, in any order, some twice.
func (s *simulation) writeFacts() {
	l := s.leader
	for range min(len(l.facts), 1+s.rng.IntN(8)) {
		n := s.rng.IntN(len(l.facts))
		q := l.facts[n]
		l.facts = append(l.facts[:n], l.facts[n+1:]...)
		s.do("fact", func(tx *fsm.Tx) error { return q.fact(tx, s.ops) })
		if s.chance(5) {
			l.facts = append(l.facts, queued{fact: q.fact})
		}
		if q.then != nil {
			q.then()
		}
	}
}

func (s *simulation) startListing() {
	if s.cloud.down {
		return
	}
	l := s.leader
	l.listings = append(l.listings, &listing{
		before: s.view(), machines: s.cloud.list(), began: time.Duration(s.now-controltest.Start) * time.Microsecond, waiting: l.waiting,
	})
	l.waiting = nil
}

// compareListing brings a listing's answer, perhaps long after.
func (s *simulation) compareListing() {
	l := s.leader
	if len(l.listings) == 0 {
		return
	}
	got := l.listings[0]
	l.listings = l.listings[1:]
	compared := plan.Listing{
		Provider: "sim", Machines: got.machines, Before: got.before, Now: s.view(), Began: got.began, Lag: 2 * time.Second,
	}
	facts, strangers := compared.Compare(l.missing)
	for _, f := range facts {
		l.facts = append(l.facts, queued{fact: f})
	}
	for _, fn := range got.waiting {
		fn()
	}
	l.released = true
	if s.now < l.grace {
		return
	}
	for _, m := range strangers {
		if plan.IsStranger(got.before, "sim", m, s.incarnation()) {
			s.orphan(l, m)
		}
	}
}

// orphan quarantines a machine, and removes it after the quarantine.
func (s *simulation) orphan(l *leader, m providers.Machine) {
	id := autoscaling.InstanceID(m.Instance)
	for known := range s.view().Orphans() {
		if known.Instance == id {
			if s.now >= known.RemoveAfter {
				s.cloud.remove(l.term, m.Instance)
				l.facts = append(l.facts, queued{fact: func(tx *fsm.Tx, o control.Operations) error { return o.ReportOrphanGone(tx, "sim", id, true) }})
			}
			return
		}
	}
	after := s.now.Add(time.Minute)
	l.facts = append(l.facts, queued{fact: func(tx *fsm.Tx, o control.Operations) error {
		return o.ReportOrphan(tx, autoscaling.Orphan{Provider: "sim", Instance: id, MachineID: m.ID, FirstSeen: tx.Now(), RemoveAfter: after})
	}})
}

// poolStatus asks the pool.
func (s *simulation) poolStatus() {
	l := s.leader
	key := plan.SetKey{Kind: plan.Pool, Provider: "edge", Name: "web"}
	set := l.sets[key]
	if set == nil || set.force {
		return
	}
	var statuses []providers.TargetStatus
	for _, t := range set.whole.Targets {
		status := providers.TargetStatus{Instance: t.Instance, Health: providers.TargetHealthy, OpenRequests: int32(s.rng.IntN(2))}
		if s.calm {
			status.OpenRequests = 0
		}
		if m := s.cloud.machines[t.Instance]; m == nil || m.State != providers.MachineRunning || s.unhealthy || s.chance(3) {
			status.Health, status.Message = providers.TargetUnhealthy, "connection refused"
		} else if s.chance(20) {
			status.Health = providers.TargetUnknown
		}
		statuses = append(statuses, status)
	}
	heard := plan.PoolStatus{Key: key, Statuses: statuses, HasHealthCheck: true, Drains: set.whole.Drains}
	for _, f := range heard.Heard(s.view()) {
		l.facts = append(l.facts, queued{fact: f})
	}
}
