package metrics

import (
	"math"

	"github.com/asctl/as/internal/autoscaling"
)

// never is the start of a store that has not listened yet.
const never = autoscaling.Time(math.MaxInt64)

// Listen notes that all samples reach this store from now on. What was measured
// before may have gone to another node: a period that begins earlier is partial.
func (s *Store) Listen(now autoscaling.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = now
}

// knownSince is the first second whose samples are all here. A group that was
// made since the store listens has no samples of before. negative reports whether
// a sample of the series was below zero.
func (s *Store) knownSince(uid autoscaling.UID, key seriesKey, born autoscaling.Time) (second int64, negative bool) {
	s.mu.RLock()
	since, g := s.since, s.groups[uid]
	s.mu.RUnlock()
	if g != nil {
		g.mu.Lock()
		if found := g.series[key]; found != nil {
			negative = found.negative
		}
		g.mu.Unlock()
	}
	switch {
	case since == never:
		return math.MaxInt64, negative
	case born >= since:
		return math.MinInt64, negative
	}
	return int64((since + 1e6 - 1) / 1e6), negative
}
