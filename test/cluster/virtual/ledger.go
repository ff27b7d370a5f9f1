package virtual

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// Ledger is the book of what happened outside: every effect, in its order, and
// every rule that one broke. It is told the truth, also where the caller's answer
// is lost.
type Ledger struct {
	lenient bool
	// truth is what the cloud itself says of a machine; "" of none. What is kept
	// here may be behind it: a machine ends by itself, or runs though the call
	// that started it was given up.
	truth func(instance string) providers.MachineState

	mu       sync.Mutex
	machines map[string]*Machine
	groups   map[string]*census
	free     map[string]bool // machines that are nobody's and run, by the platform's name; true: we let them go
	lines    []string        // the newest
	broken   []string
	stale    int // calls that were refused for their epoch
}

// Machine is what was done for one instance, outside.
type Machine struct {
	Instance string
	Group    string
	Made     time.Time // zero of one that was adopted
	Guest    string    // of one that was adopted: the platform's name
	Gone     bool
	// Deeds are the kinds of effects, each once, in the order in which they first
	// happened.
	Deeds []Deed

	running, ended bool
	spared         bool     // attached, and not entrusted to us
	unlisted       []string // lists that it must be in and was not in when it was being started
}

// Deed is an effect on an instance.
type Deed string

const (
	Made     Deed = "made"
	Listed   Deed = "listed"   // its address went into a list
	Started  Deed = "started"  // its machine runs
	Pooled   Deed = "pooled"   // it gets traffic
	Drained  Deed = "drained"  // it gets no new traffic
	Unpooled Deed = "unpooled" // it left a pool
	Stopped  Deed = "stopped"
	Unlisted Deed = "unlisted" // its address left a list
	Removed  Deed = "removed"
)

// census counts the machines of a group.
type census struct{ now, most int }

const keptLines = 400

func newLedger(lenient bool, truth func(string) providers.MachineState) *Ledger {
	return &Ledger{lenient: lenient, truth: truth, machines: map[string]*Machine{}, groups: map[string]*census{}, free: map[string]bool{}}
}

// Machine is the book's page about an instance; the zero page when nothing was
// ever done.
func (l *Ledger) Machine(id autoscaling.InstanceID) Machine {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.machines[string(id)]; m != nil {
		c := *m
		c.Deeds = slices.Clone(m.Deeds)
		return c
	}
	return Machine{}
}

// Machines is how many were ever made.
func (l *Ledger) Machines() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	made := 0
	for _, m := range l.machines {
		if m.Guest == "" {
			made++
		}
	}
	return made
}

// Most is the greatest number of machines that a group ever had at once.
func (l *Ledger) Most(group string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.groups["namespaces/default/groups/"+group]; c != nil {
		return c.most
	}
	return 0
}

// Stale is how many calls were refused because a newer leader had spoken.
func (l *Ledger) Stale() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stale
}

// Broken are the rules that were broken.
func (l *Ledger) Broken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.broken)
}

// Lines are the newest effects, for a person.
func (l *Ledger) Lines() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// write adds a line. l.mu is held.
func (l *Ledger) write(node, format string, args ...any) {
	line := time.Now().UTC().Format("15:04:05.000 ") + node + " " + fmt.Sprintf(format, args...)
	if len(l.lines) >= 2*keptLines {
		l.lines = slices.Delete(l.lines, 0, keptLines)
	}
	l.lines = append(l.lines, line)
}

// must notes a broken rule. l.mu is held.
func (l *Ledger) must(ok bool, format string, args ...any) {
	if !ok {
		rule := time.Now().UTC().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
		l.broken = append(l.broken, rule)
		l.write("--", "BROKEN %s", rule)
	}
}

// did notes a deed. l.mu is held.
func (m *Machine) did(d Deed) {
	if !slices.Contains(m.Deeds, d) {
		m.Deeds = append(m.Deeds, d)
	}
}

// wrote adds the line of a call that is over. l.mu is held.
func (l *Ledger) wrote(node string, epoch uint64, what string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = string(providers.ClassOf(err))
	}
	if providers.ClassOf(err) == providers.StaleEpoch {
		l.stale++
	}
	l.write(node, "%s (epoch %d): %s", what, epoch, outcome)
}

// runs says whether a machine runs, really. l.mu is held.
func (l *Ledger) runs(m *Machine) bool {
	return m.running && l.truth(m.Instance) == providers.MachineRunning
}

// answers says whether a machine runs behind a target.
func (l *Ledger) answers(t providers.Target) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.machines[t.Instance]
	return m != nil && m.running
}

// ended is the end of a machine by itself, or by a test.
func (l *Ledger) ended(instance, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("--", "machine %s ends: %s", instance, why)
	if m := l.machines[instance]; m != nil {
		m.running, m.ended = false, true
	}
}

// vanished forgets that there ever was a machine: another may be made.
func (l *Ledger) vanished(instance string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("--", "machine %s vanishes", instance)
	if m := l.machines[instance]; m != nil {
		m.running, m.ended, m.Made = false, true, time.Time{}
		l.gone(m)
	}
}

func (l *Ledger) gone(m *Machine) {
	if !m.Gone {
		m.Gone = true
		l.groups[m.Group].now--
	}
}

func (l *Ledger) ensured(node string, epoch uint64, intent *autoscaling.Instance, spec providers.MachineSpec, made providers.Machine, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, "ensure "+spec.Instance, err)
	if err != nil {
		return
	}
	l.must(intent != nil, "node %s made machine %s without an intent", node, spec.Instance)
	m := l.machines[spec.Instance]
	if m == nil {
		m = &Machine{Instance: spec.Instance, Group: spec.Group, Gone: true}
		l.machines[spec.Instance] = m
	}
	if m.Made.Equal(made.CreateTime) {
		return // the one that is there
	}
	l.must(m.Made.IsZero(), "machine %s was made twice: at %s and at %s", spec.Instance, m.Made, made.CreateTime)
	m.Made, m.Gone, m.running, m.ended = made.CreateTime, false, false, false
	m.did(Made)
	l.enter(m)
}

// enter counts a machine to its group. l.mu is held.
func (l *Ledger) enter(m *Machine) {
	c := l.groups[m.Group]
	if c == nil {
		c = &census{}
		l.groups[m.Group] = c
	}
	c.now++
	c.most = max(c.most, c.now)
}

// starting looks at what must be before a machine runs.
func (l *Ledger) starting(intent *autoscaling.Instance, instance string, lists *Lists) {
	in := lists.in(instance)
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.machines[instance]
	if m == nil || intent == nil {
		return
	}
	m.unlisted = nil
	for _, a := range intent.AccessLists {
		if !slices.Contains(in, a.List) {
			m.unlisted = append(m.unlisted, a.List)
		}
	}
}

func (l *Ledger) started(node string, epoch uint64, instance string, is providers.Machine, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, strings.TrimSpace("start "+instance+" "+string(is.State)), err)
	m := l.machines[instance]
	if m == nil {
		return
	}
	unknown := err != nil && providers.ClassOf(err) == providers.UnknownOutcome // it may run, later
	switch {
	case err != nil && providers.ClassOf(err) == providers.Failed || err == nil && is.State == providers.MachineStopped:
		m.running, m.ended = false, true
	case (err == nil || unknown) && !m.running && !m.ended:
		m.running = true
		m.did(Started)
		l.must(l.lenient || len(m.unlisted) == 0, "node %s started machine %s before its address was in %v", node, instance, m.unlisted)
	}
}

// stopping looks at what must be before a machine is stopped.
func (l *Ledger) stopping(node string, record *autoscaling.Instance, instance string, serving []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.machines[instance]
	if m == nil {
		return
	}
	l.spares(node, "stops", record, m)
	if len(serving) == 0 || record == nil || record.State.Final() || !l.runs(m) {
		return
	}
	for _, b := range record.Balancers {
		if slices.Contains(serving, b.Pool) {
			l.must(l.lenient && b.State != autoscaling.AttachmentRemoved, "node %s stops machine %s while it gets traffic from %s", node, instance, b.Pool)
		}
	}
}

func (l *Ledger) stopped(node string, epoch uint64, instance string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, "stop "+instance, err)
	m := l.machines[instance]
	if m == nil || err != nil {
		return
	}
	m.running, m.ended = false, true
	m.did(Stopped)
}

// removing looks at what must be before a machine is removed.
func (l *Ledger) removing(node string, record *autoscaling.Instance, instance string, lists *Lists) {
	in := lists.in(instance)
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.machines[instance]
	if m == nil || m.Gone {
		return
	}
	l.spares(node, "removes", record, m)
	if record == nil || record.State.Final() { // it is an orphan's removal
		return
	}
	l.must(!l.runs(m), "node %s removes machine %s while it runs", node, instance)
	l.must(len(in) == 0, "node %s removes machine %s while its address is in %v", node, instance, in)
}

func (l *Ledger) removed(node string, epoch uint64, instance string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, "remove "+instance, err)
	m := l.machines[instance]
	if m == nil || err != nil {
		return
	}
	m.running, m.ended = false, true
	m.did(Removed)
	l.gone(m)
}

// instances are those for which a machine was ever made.
func (l *Ledger) instances() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.machines))
	for id := range l.machines {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
