package plan_test

import (
	"cmp"
	"container/heap"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

var monthDays = flag.Int("sim.days", 30, "days that the simulated month has")

const monthGroups = 50

// TestAMonthOfFiftyGroups runs fifty groups through thirty days of everything that
// people, programs, machines, providers and leaders do, from event to event: time
// jumps to the next. What must hold of a group is checked after each change of it,
// the whole state once a day, and in the end everything has to come to rest.
// Replay a month with -sim.seed.
func TestAMonthOfFiftyGroups(t *testing.T) {
	if testing.Short() {
		t.Skip("a month takes a while")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = 1
	}
	m := newMonth(t, seed)
	began := time.Now()
	m.run(controltest.Start.Add(time.Duration(*monthDays) * 24 * time.Hour))
	m.comeToRest()
	t.Logf("seed %d: %d days, %d groups, %d instances, %d activities kept, %d writes in %s; did %v",
		seed, *monthDays, m.born, m.ids.instances, m.activities(), m.index, time.Since(began).Round(time.Second), m.did)
	if *monthDays >= 30 && *seedFlag == 0 {
		m.checkNothingIsMissing()
	}
}

// month is a simulation that knows when something happens next.
type month struct {
	*simulation
	events  eventHeap
	count   int
	dirty   []autoscaling.UID
	queued  map[autoscaling.UID]bool
	wakes   map[autoscaling.UID]autoscaling.Time
	chief   *chief
	lists   map[string]*guarded // access lists and pools, by name
	outside map[string]*providers.Machine
	did     map[string]int // what happened how often
	reached map[autoscaling.InstanceState]bool
	ended   map[autoscaling.ActivityKind]map[autoscaling.ActivityStatus]bool
	program map[autoscaling.UID]bool // a hooks' program will look at the group
}

// chief is what a leader has in memory.
type chief struct {
	term     uint64
	grace    autoscaling.Time
	released bool // its first listing has been compared
	busy     map[autoscaling.InstanceID]bool
	missing  plan.Missing
	waiting  []func() // for a listing that begins later
	listing  bool     // one is on its way
	shares   map[autoscaling.UID][]plan.Share
	sets     map[plan.SetKey]*monthSet
}

type monthSet struct {
	shares      map[autoscaling.UID]plan.Share
	whole       plan.Whole
	busy, again bool
	polled      bool
}

type event struct {
	at autoscaling.Time
	n  int
	fn func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(a, b int) bool {
	return h[a].at < h[b].at || h[a].at == h[b].at && h[a].n < h[b].n
}
func (h eventHeap) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func newMonth(t judge, seed uint64) *month {
	m := &month{
		simulation: newSimulation(t, seed), queued: map[autoscaling.UID]bool{}, wakes: map[autoscaling.UID]autoscaling.Time{},
		lists: map[string]*guarded{}, outside: map[string]*providers.Machine{}, did: map[string]int{},
		reached: map[autoscaling.InstanceState]bool{}, ended: map[autoscaling.ActivityKind]map[autoscaling.ActivityStatus]bool{},
		program: map[autoscaling.UID]bool{},
	}
	m.check = func() {} // groups are checked one by one
	m.old = 12 * time.Hour
	p := m.ops.Platform.(*controltest.Platform)
	for n := range monthSets {
		p.Pools["edge/"+setName(n)] = control.PoolStatus{HasHealthCheck: true}
		p.Lists["files/"+setName(n)] = control.ListStatus{}
		m.lists["edge/"+setName(n)], m.lists["files/"+setName(n)] = newGuarded(), newGuarded()
	}
	m.cloud.started, m.cloud.stopping = m.starts, m.stops
	m.takeOver()
	for range monthGroups {
		m.bear()
	}
	m.often(15*time.Minute, m.somebody)
	m.often(45*time.Minute, m.misfortune)
	m.often(3*time.Hour, m.fault)
	m.often(4*time.Hour, m.takeOver)
	m.every(6*time.Hour, m.sweep)
	m.every(24*time.Hour, m.checkEverything)
	return m
}

// after has something happen later.
func (m *month) after(d time.Duration, fn func()) {
	m.count++
	heap.Push(&m.events, event{m.now.Add(d), m.count, fn})
}

// often has something happen again and again, on average so far apart, until the
// month is over.
func (m *month) often(mean time.Duration, fn func()) {
	m.after(time.Duration(m.rng.ExpFloat64()*float64(mean)), func() {
		if !m.calm {
			fn()
			m.often(mean, fn)
		}
	})
}

func (m *month) every(d time.Duration, fn func()) {
	m.after(d, func() {
		fn()
		m.every(d, fn)
	})
}

func (m *month) between(low, high time.Duration) time.Duration {
	return low + time.Duration(m.rng.Int64N(int64(high-low)))
}

// run lets everything happen until then.
func (m *month) run(end autoscaling.Time) {
	for {
		m.lookAround()
		if len(m.events) == 0 || m.events[0].at > end {
			m.now = end
			return
		}
		e := heap.Pop(&m.events).(event)
		m.now = max(m.now, e.at)
		m.steps++
		e.fn()
	}
}

// mark has a group looked at.
func (m *month) mark(group autoscaling.UID) {
	if !m.queued[group] {
		m.queued[group] = true
		m.dirty = append(m.dirty, group)
	}
}

func (m *month) lookAround() {
	for n := 0; len(m.dirty) > 0; n++ {
		if n > 10_000 {
			m.fail("decisions about group %s do not come to an end", m.dirty[0])
		}
		group := m.dirty[0]
		m.dirty = m.dirty[1:]
		delete(m.queued, group)
		m.look(group)
	}
}

// write commits what fn writes about a group; it answers whether it wrote.
func (m *month) write(group autoscaling.UID, what string, fn func(*fsm.Tx) error) bool {
	if !m.do(what, fn) {
		return false
	}
	m.checkGroup(group)
	m.mark(group)
	return true
}

func (m *month) look(group autoscaling.UID) {
	c := m.chief
	p := plan.Look(m.view().Reader, group, m.now, plan.Hold{Replacements: m.now < c.grace})
	m.share(c, group, p.Shares)
	if c.released {
		for _, effect := range p.Machines {
			m.call(c, effect)
		}
	}
	for _, d := range p.Decisions {
		before := m.view().Counts(group)
		if m.write(group, d.Name, func(tx *fsm.Tx) error { return d.Apply(tx, m.ops) }) {
			m.checkDecision(group, d.Name, before)
		}
	}
	if p.Wake == 0 {
		return
	}
	if p.Wake <= m.now && len(p.Decisions) == 0 {
		m.fail("group %s wants to be woken at %s, which is past, and has nothing to do", group, p.Wake)
	}
	if at, set := m.wakes[group]; !set || p.Wake < at {
		m.wakes[group] = p.Wake
		m.after(p.Wake.Sub(m.now), func() {
			if m.wakes[group] <= m.now {
				delete(m.wakes, group)
			}
			m.mark(group)
		})
	}
}

// takeOver begins a new term. What the old leader had called has its effect yet.
func (m *month) takeOver() {
	m.did["leader"]++
	m.term++
	m.note("leader of term %d", m.term)
	m.chief = &chief{
		term: m.term, grace: m.now.Add(10 * time.Second), busy: map[autoscaling.InstanceID]bool{}, missing: plan.Missing{},
		shares: map[autoscaling.UID][]plan.Share{}, sets: map[plan.SetKey]*monthSet{},
	}
	for _, g := range m.groups() { // no set is written before all of its parts are known
		m.gather(m.chief, g.UID, plan.Shares(m.view().Reader, g.UID))
	}
	for _, key := range slices.SortedFunc(maps.Keys(m.chief.sets), compareKeys) {
		m.rewrite(m.chief, key)
	}
	m.list(m.chief, time.Second)
	m.after(10*time.Second, m.markAll)
	m.markAll()
}

func (m *month) markAll() {
	for _, g := range m.groups() {
		m.mark(g.UID)
	}
}

func compareKeys(a, b plan.SetKey) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
}

// call is a call about a machine. It is checked again before it is made.
func (m *month) call(c *chief, effect plan.Machine) {
	if c.busy[effect.Key()] {
		return
	}
	c.busy[effect.Key()] = true
	group := effect.Instance.Group
	m.after(m.between(50*time.Millisecond, 8*time.Second), func() {
		i := m.view().Instance(group, effect.Instance.ID)
		if i == nil {
			delete(c.busy, effect.Key())
			return
		}
		now, ok, _ := plan.MachineOf(i, m.now)
		if c != m.chief { // nobody waits for the answer any more
			if m.rng.IntN(2) == 0 {
				m.act(c.term, effect, true)
			}
			return
		}
		if !ok || now.Action != effect.Action {
			delete(c.busy, effect.Key())
			m.mark(group)
			return
		}
		answer, err := m.tryTo(c, now)
		fact, unknown := now.Outcome(answer, err)
		report := func() {
			delete(c.busy, effect.Key())
			m.write(group, "fact", func(tx *fsm.Tx) error { return fact(tx, m.ops) })
			m.mark(group)
		}
		if unknown {
			c.waiting = append(c.waiting, report)
			m.list(c, 3*time.Second)
			return
		}
		report()
	})
}

func (m *month) tryTo(c *chief, effect plan.Machine) (providers.Machine, error) {
	switch {
	case m.cloud.down:
		return providers.Machine{}, providers.Errorf(providers.Unavailable, "connection refused")
	case m.chance(1):
		if m.chance(50) {
			m.act(c.term, effect, false)
		}
		return providers.Machine{}, providers.Errorf(providers.UnknownOutcome, "time-out")
	case m.chance(1):
		return providers.Machine{}, providers.Errorf(providers.Throttled, "slow down")
	case effect.Action == plan.Ensure && m.chance(1):
		return providers.Machine{}, providers.Errorf(providers.Failed, "the platform failed")
	}
	return m.act(c.term, effect, false)
}

func (m *month) act(term uint64, effect plan.Machine, late bool) (providers.Machine, error) {
	switch effect.Action {
	case plan.Adopt:
		return m.adopt(term, plan.AdoptSpec(m.view().Reader, effect.Instance))
	case plan.Release:
		return providers.Machine{}, m.release(term, string(effect.Instance.ID))
	}
	return m.effect(term, effect, late)
}

// list has the provider's machines compared with the state, once for all who ask.
func (m *month) list(c *chief, in time.Duration) {
	if c.listing || c != m.chief {
		return
	}
	c.listing = true
	m.after(in, func() {
		if c != m.chief {
			return
		}
		c.listing = false
		if m.cloud.down {
			m.list(c, 15*time.Second)
			return
		}
		waiting := c.waiting
		c.waiting = nil
		l := plan.Listing{
			Provider: "sim", Machines: m.cloud.list(), Before: m.view(),
			Began: time.Duration(m.now-controltest.Start) * time.Microsecond, Lag: 2 * time.Second,
		}
		c.listing = true
		m.after(time.Second, func() {
			if c == m.chief {
				m.compare(c, l, waiting)
			}
		})
	})
}

func (m *month) compare(c *chief, l plan.Listing, waiting []func()) {
	c.listing = false
	before := l.Before
	l.Now = m.view()
	facts, strangers := l.Compare(c.missing)
	if len(facts) > 0 {
		m.do("listing", func(tx *fsm.Tx) error {
			for _, f := range facts {
				if err := f(tx, m.ops); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, fn := range waiting {
		fn()
	}
	again := len(c.missing) > 0 || len(c.waiting) > 0
	if m.now >= c.grace {
		for _, x := range strangers {
			if plan.IsStranger(before, "sim", x, m.incarnation()) {
				m.stranger(c, x)
				again = true
			}
		}
	} else if len(strangers) > 0 {
		again = true
	}
	if !c.released || len(facts) > 0 {
		c.released = true
		m.markAll()
	}
	if again {
		m.list(c, 15*time.Second)
	}
}

// stranger is quarantined, and removed after that.
func (m *month) stranger(c *chief, x providers.Machine) {
	id := autoscaling.InstanceID(x.Instance)
	for known := range m.view().Orphans() {
		if known.Instance != id {
			continue
		}
		if m.now >= known.RemoveAfter {
			m.cloud.remove(c.term, x.Instance)
			m.do("orphan removed", func(tx *fsm.Tx) error { return m.ops.ReportOrphanGone(tx, "sim", id, true) })
		}
		return
	}
	m.did["orphan"]++
	m.do("orphan found", func(tx *fsm.Tx) error {
		return m.ops.ReportOrphan(tx, autoscaling.Orphan{
			Provider: "sim", Instance: id, MachineID: x.ID, FirstSeen: tx.Now(), RemoveAfter: m.now.Add(time.Minute),
		})
	})
}

// gather takes over a group's parts of lists and pools.
func (m *month) gather(c *chief, group autoscaling.UID, shares []plan.Share) {
	for _, old := range c.shares[group] {
		delete(c.sets[old.Key].shares, group)
	}
	for _, sh := range shares {
		set := c.sets[sh.Key]
		if set == nil {
			set = &monthSet{shares: map[autoscaling.UID]plan.Share{}}
			c.sets[sh.Key] = set
		}
		set.shares[group] = sh
	}
	c.shares[group] = shares
}

// share takes them over and has what changed written.
func (m *month) share(c *chief, group autoscaling.UID, shares []plan.Share) {
	was := c.shares[group]
	m.gather(c, group, shares)
	for n := range shares {
		sh := &shares[n]
		at := slices.IndexFunc(was, func(o plan.Share) bool { return o.Key == sh.Key })
		if sh.Waiting() || at < 0 || !was[at].SameMembers(sh) {
			m.rewrite(c, sh.Key)
		}
		if len(sh.Draining)+len(sh.Checking) > 0 {
			m.ask(c, sh.Key)
		}
	}
	for _, old := range was {
		if !slices.ContainsFunc(shares, func(n plan.Share) bool { return n.Key == old.Key }) {
			m.rewrite(c, old.Key)
		}
	}
}

// rewrite writes a list or pool, one write at a time.
func (m *month) rewrite(c *chief, key plan.SetKey) {
	set := c.sets[key]
	if set.busy {
		set.again = true
		return
	}
	set.busy, set.again = true, false
	m.after(m.between(100*time.Millisecond, time.Second), func() {
		whole := plan.WholeOf(key, set.shares)
		var waiting []autoscaling.UID
		for _, group := range slices.Sorted(maps.Keys(set.shares)) {
			if sh := set.shares[group]; sh.Waiting() {
				waiting = append(waiting, group)
			}
		}
		err := m.put(c, key, &whole)
		m.after(m.between(10*time.Millisecond, time.Second), func() {
			if c != m.chief {
				return
			}
			set.busy = false
			if err != nil {
				set.again = true
			} else {
				set.whole = whole
				for n, f := range whole.Written() {
					m.write(waiting[n], "fact of a set", func(tx *fsm.Tx) error { return f(tx, m.ops) })
				}
			}
			if set.again {
				m.rewrite(c, key)
			}
		})
	})
}

func (m *month) put(c *chief, key plan.SetKey, whole *plan.Whole) error {
	if m.chance(1) && m.chance(50) {
		return providers.Errorf(providers.UnknownOutcome, "time-out, not written")
	}
	if c == m.chief {
		m.checkSet(key, whole)
	}
	if err := m.lists[key.Provider+"/"+key.Name].set(c.term, whole.Entries, whole.Targets); err != nil {
		return err
	}
	if m.chance(1) {
		return providers.Errorf(providers.UnknownOutcome, "time-out, written")
	}
	return nil
}

// ask asks a pool about those who wait for its answer.
func (m *month) ask(c *chief, key plan.SetKey) {
	set := c.sets[key]
	if set.polled {
		return
	}
	set.polled = true
	m.after(m.between(time.Second, 4*time.Second), func() {
		if c != m.chief {
			return
		}
		set.polled = false
		var statuses []providers.TargetStatus
		more := false
		for _, group := range slices.Sorted(maps.Keys(set.shares)) {
			sh := set.shares[group]
			for _, id := range slices.Concat(sh.Draining, sh.Checking) {
				statuses = append(statuses, m.targetStatus(string(id)))
				m.mark(group)
				more = true
			}
		}
		m.hear(key, set, statuses)
		if more {
			m.after(2*time.Second, func() {
				if c == m.chief {
					m.ask(c, key)
				}
			})
		}
	})
}

func (m *month) targetStatus(id string) providers.TargetStatus {
	status := providers.TargetStatus{Instance: id, Health: providers.TargetHealthy}
	if machine := m.cloud.machines[id]; machine == nil || machine.State != providers.MachineRunning {
		status.Health, status.Message = providers.TargetUnhealthy, "connection refused"
	} else if m.chance(10) {
		status.OpenRequests = 1
	}
	return status
}

func (m *month) hear(key plan.SetKey, set *monthSet, statuses []providers.TargetStatus) {
	heard := plan.PoolStatus{Key: key, Statuses: statuses, HasHealthCheck: true, Drains: set.whole.Drains}
	for _, f := range heard.Heard(m.view()) {
		m.do("pool says", func(tx *fsm.Tx) error { return f(tx, m.ops) })
	}
	for _, s := range statuses {
		if i := m.view().FindInstance(autoscaling.InstanceID(s.Instance)); i != nil {
			m.checkGroup(i.Group)
			m.mark(i.Group)
		}
	}
}

// sweep forgets what is old.
func (m *month) sweep() {
	for _, state := range [][]*autoscaling.Group{m.groups(), slices.Collect(m.view().DeletedGroups("", ""))} {
		for _, g := range state {
			m.do("sweep", func(tx *fsm.Tx) error { m.ops.SweepGroup(tx, g.UID, 500); return nil })
		}
	}
}
