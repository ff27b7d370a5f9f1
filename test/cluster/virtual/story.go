package virtual

import (
	"fmt"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// story is what the event log told, read before its oldest part is dropped.
type story struct {
	mu      sync.Mutex
	read    uint64
	intents map[autoscaling.InstanceID]bool
	ends    map[autoscaling.ActivityID]int // how often each activity ended
	waits   map[string]*wait               // by token
	// unbalanced are groups whose LOAD_BALANCER may have been suspended: who came
	// then is in no pool, for good.
	unbalanced map[autoscaling.UID]bool
	broken     []string
}

// wait is one hook's hold on one instance, as it was told.
type wait struct {
	hook            string
	instance        autoscaling.InstanceID
	opened          autoscaling.Time
	deadline        autoscaling.Time // the newest that was told
	ended           autoscaling.Time // 0: not yet
	result, endedBy string
}

func newStory() story {
	return story{
		intents: map[autoscaling.InstanceID]bool{}, ends: map[autoscaling.ActivityID]int{}, waits: map[string]*wait{},
		unbalanced: map[autoscaling.UID]bool{},
	}
}

// follow reads on.
func (s *story) follow(v fsm.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := range v.Events(s.read) {
		s.read = e.Index
		switch e.Type {
		case autoscaling.EventInstanceState:
			if e.State == autoscaling.Initial {
				s.intents[e.Instance] = true
			}
		case autoscaling.EventProcessesSuspended:
			s.unbalanced[e.Group] = true
		case autoscaling.EventActivityEnded:
			s.ends[e.Activity]++
		case autoscaling.EventHookWaiting, autoscaling.EventHookHeartbeat, autoscaling.EventHookEnded:
			s.hook(e)
		}
	}
}

// hook follows a wait: opened once, ended once, and by its deadline not before
// the last one that anybody was told.
func (s *story) hook(e *autoscaling.Event) {
	token := e.Details["token"]
	w := s.waits[token]
	must := func(ok bool, format string, args ...any) {
		if !ok {
			s.broken = append(s.broken, fmt.Sprintf("%s: hook %s of %s ", e.Time, e.Subject, e.Instance)+fmt.Sprintf(format, args...))
		}
	}
	if e.Type == autoscaling.EventHookWaiting {
		must(w == nil, "was opened twice")
		s.waits[token] = &wait{hook: e.Subject, instance: e.Instance, opened: e.Time, deadline: deadlineIn(e)}
		return
	}
	if w == nil {
		must(false, "was never opened")
		return
	}
	must(w.ended == 0, "went on after its end at %s (%s)", w.ended, e.Type)
	if e.Type == autoscaling.EventHookHeartbeat {
		must(deadlineIn(e) >= w.deadline, "waits for a shorter time after a heartbeat: until %s, not %s", deadlineIn(e), w.deadline)
		w.deadline = deadlineIn(e)
		return
	}
	w.ended, w.result, w.endedBy = e.Time, e.Details["result"], e.Details["ended_by"]
	must(w.endedBy != "deadline" || e.Time >= w.deadline, "was ended by its deadline, %s, too early", w.deadline)
}

// deadlineIn is the deadline that an event told.
func deadlineIn(e *autoscaling.Event) autoscaling.Time {
	at, err := time.Parse(time.RFC3339Nano, e.Details["deadline"])
	if err != nil {
		return 0
	}
	return autoscaling.TimeOf(at)
}

// mayLackBalancers says whether an instance of the group may be in no pool.
func (s *story) mayLackBalancers(group autoscaling.UID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unbalanced[group]
}

// open are the waits of which no end was told.
func (s *story) open() (open []wait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waits {
		if w.ended == 0 {
			open = append(open, *w)
		}
	}
	return open
}
