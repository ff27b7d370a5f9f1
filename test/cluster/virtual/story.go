package virtual

import (
	"sync"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// story is what the event log told, read before its oldest part is dropped.
type story struct {
	mu      sync.Mutex
	read    uint64
	intents map[autoscaling.InstanceID]bool
	ends    map[autoscaling.ActivityID]int // how often each activity ended
}

func newStory() story {
	return story{intents: map[autoscaling.InstanceID]bool{}, ends: map[autoscaling.ActivityID]int{}}
}

// follow reads on.
func (s *story) follow(v fsm.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := range v.Events(s.read) {
		s.read = e.Index
		switch {
		case e.Type == autoscaling.EventInstanceState && e.State == autoscaling.Initial:
			s.intents[e.Instance] = true
		case e.Type == autoscaling.EventActivityEnded:
			s.ends[e.Activity]++
		}
	}
}
