package virtual

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// notices is what the soak's notification target was told so far.
type notices struct {
	url  string
	read int // of what was taken
	last map[autoscaling.InstanceID]uint64
	seen map[string]bool
}

// receiver takes the notification target down, or back.
func (s *soaking) receiver(down bool) {
	if !down {
		s.w.Receivers.Answer(s.notices.url, nil)
		return
	}
	s.w.Receivers.Answer(s.notices.url, func(context.Context) error {
		return providers.Errorf(providers.Failed, "it answered 503 Service Unavailable")
	})
}

// delivered wants the outbox empty, nothing dead, and what was told about each
// instance in order, the first time.
func (s *soaking) delivered() {
	s.w.t.Helper()
	s.w.Within(20*time.Minute, "the outbox is empty", func() bool { return s.w.outbox("ops").Pending == 0 })
	if dead := s.w.outbox("ops").Dead; dead > 0 {
		s.w.fail("%d notifications are dead letters", dead)
	}
	taken := s.w.Receivers.Taken(s.notices.url)
	for _, n := range taken[s.notices.read:] {
		if n.Instance == "" || s.notices.seen[n.ID] {
			continue
		}
		s.notices.seen[n.ID] = true
		if n.Index < s.notices.last[n.Instance] {
			s.w.fail("event %d of %s was told after event %d", n.Index, n.Instance, s.notices.last[n.Instance])
		}
		s.notices.last[n.Instance] = n.Index
	}
	s.notices.read = len(taken)
}
