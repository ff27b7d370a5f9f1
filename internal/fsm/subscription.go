package fsm

import (
	"maps"
	"slices"
	"sync"

	"github.com/asctl/as/internal/autoscaling"
)

// Change says what one or more applied batches touched since the last look.
type Change struct {
	Groups  []autoscaling.UID // groups whose records, or whose children's, changed; sorted
	Targets []autoscaling.UID // notification targets that changed, or whose deliveries did; sorted
	All     bool              // a snapshot was restored: everything may have changed
	Events  bool
	Nodes   bool
}

// Subscription gathers applied changes without a bound on their number but
// without repetition (a set of groups); Take hands them over; Ready is signalled
// (capacity 1) when there is something to take.
type Subscription struct {
	Ready <-chan struct{}
	ready chan struct{}
	m     *Machine

	mu          sync.Mutex
	gathered    touched
	targetsOnly bool
}

// Subscribe returns a subscription to applied changes.
func (m *Machine) Subscribe() *Subscription {
	s := &Subscription{ready: make(chan struct{}, 1), m: m}
	s.Ready = s.ready
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subscriptions = append(slices.Clone(m.subscriptions), s)
	return s
}

// Take hands over what gathered since the last Take; it may be nothing.
func (s *Subscription) Take() Change {
	s.mu.Lock()
	t := s.gathered
	s.gathered = touched{}
	s.mu.Unlock()
	return Change{Groups: slices.Sorted(maps.Keys(t.groups)), Targets: slices.Sorted(maps.Keys(t.targets)), All: t.all, Events: t.events, Nodes: t.nodes}
}

// Close ends the subscription; Ready is not signalled any more.
func (s *Subscription) Close() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.subscriptions = slices.DeleteFunc(slices.Clone(s.m.subscriptions), func(other *Subscription) bool { return other == s })
}

// OnlyTargets has it gather changes of notification targets and nothing else: who
// waits for them is not woken by all that goes on. It answers the subscription.
func (s *Subscription) OnlyTargets() *Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targetsOnly = true
	return s
}

func (s *Subscription) add(t *touched) {
	s.mu.Lock()
	if s.targetsOnly {
		t = &touched{targets: t.targets, all: t.all}
		if t.nothing() {
			s.mu.Unlock()
			return
		}
	}
	s.gathered.merge(t)
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default: // it is signalled already
	}
}

// touched is what batches changed.
type touched struct {
	groups, targets    map[autoscaling.UID]struct{}
	all, events, nodes bool
}

func (t *touched) group(uid autoscaling.UID) {
	if t.groups == nil {
		t.groups = map[autoscaling.UID]struct{}{}
	}
	t.groups[uid] = struct{}{}
}

func (t *touched) target(uid autoscaling.UID) {
	if t.targets == nil {
		t.targets = map[autoscaling.UID]struct{}{}
	}
	t.targets[uid] = struct{}{}
}

func (t *touched) add(k recordKey) {
	switch k.kind {
	case kindGroup, kindRule, kindAlarm, kindTask, kindHook, kindNotification, kindInstance, kindActivity:
		t.group(autoscaling.UID(k.a))
	case kindTarget, kindDelivery:
		t.target(autoscaling.UID(k.a))
	case kindEvent:
		t.events = true
	case kindNode:
		t.nodes = true
	}
}

func (t *touched) merge(other *touched) {
	for uid := range other.groups {
		t.group(uid)
	}
	for uid := range other.targets {
		t.target(uid)
	}
	t.all = t.all || other.all
	t.events = t.events || other.events
	t.nodes = t.nodes || other.nodes
}

func (t *touched) nothing() bool {
	return len(t.groups) == 0 && len(t.targets) == 0 && !t.all && !t.events && !t.nodes
}
