package metrics

import (
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// received is how far a store has the samples of the leader's stream, its own
// included.
type received struct {
	mu       sync.Mutex // taken before Store.mu
	mark     mark
	exchange uint64
	// heard is when the newest exchange arrived first, before when the one before
	// it did. Zero: there was none while attached.
	heard, before time.Time
}

// take adds what a parcel brings that is not here yet. A sample that is found to
// be missing makes the periods of before partial.
func (s *Store) take(p *parcel) reply {
	r := &s.received
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case p.Stream.Term < r.mark.Stream.Term:
		return reply{}
	case p.Probe && p.Stream != r.mark.Stream:
		return reply{Taken: true, Next: 1}
	case p.Probe:
		return reply{Taken: true, Next: r.mark.Next}
	}
	s.follow(p)
	for n := range p.Entries {
		if p.First+uint64(n) != r.mark.Next {
			continue // it is here already
		}
		r.mark.Next++
		e := &p.Entries[n]
		if _, err := s.put(e.Group, e.Source, e.samples(), e.Time); err != nil {
			s.missing(e.Time) // there was no room for it
		}
	}
	switch {
	case !p.Attached:
		r.heard, r.before = time.Time{}, time.Time{}
	case p.Exchange > r.exchange: // no old one that was late
		r.exchange, r.heard, r.before = p.Exchange, time.Now(), r.heard
	}
	return reply{Taken: true, Next: r.mark.Next}
}

// follow goes on with the parcel's stream, and notes whether samples are missing
// between what is here and the parcel. s.received.mu is held.
func (s *Store) follow(p *parcel) {
	r := &s.received
	if p.Stream == r.mark.Stream {
		if p.First > r.mark.Next {
			r.mark.Next = p.First
			s.missing(p.Now)
		}
		return
	}
	follows := p.Follows.Stream.Term != 0 && p.Follows.Stream == r.mark.Stream && p.Follows.Next <= r.mark.Next
	if follows && p.First == 1 {
		s.mu.Lock()
		if s.since != never {
			s.since = max(s.since, p.Since) // where the leader misses something, so may we
		}
		s.mu.Unlock()
	} else {
		s.missing(p.Now)
	}
	r.mark, r.exchange = mark{p.Stream, p.First}, 0
	r.heard, r.before = time.Time{}, time.Time{}
}

// missing notes that samples up to a time may not be here.
func (s *Store) missing(until autoscaling.Time) { s.Listen(until + 1) }

// lead begins a stream of this node's own. It returns since when all samples are
// here and what of the stream before is: nothing when samples that an earlier
// leader confirmed may be missing. They are not if its term was the one just
// before and its promise to wait for this node holds, see Shipper.
func (s *Store) lead(own stream, now autoscaling.Time, lease time.Duration) (since autoscaling.Time, follows mark) {
	r := &s.received
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.mark.Stream
	promised := was.Node == own.Node && was.Boot == own.Boot || !r.before.IsZero() && time.Since(r.before) < lease
	s.mu.Lock()
	defer s.mu.Unlock()
	if whole := s.since != never && was.Term != 0 && was.Term+1 == own.Term && promised; whole {
		follows = r.mark
	} else {
		s.since = now
	}
	r.mark, r.exchange = mark{own, 1}, 0
	r.heard, r.before = time.Time{}, time.Time{}
	return s.since, follows
}

// advance notes that this node's own stream goes on.
func (s *Store) advance(own stream, next uint64) {
	r := &s.received
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mark.Stream == own {
		r.mark.Next = next
	}
}
