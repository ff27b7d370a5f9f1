package metrics

import (
	"math"

	"github.com/asctl/as/internal/autoscaling"
)

// never is the start of a store that has not listened yet.
const never = autoscaling.Time(math.MaxInt64)

// Listen notes that all samples reach this store from now on. What was measured
// before may have gone to another node: a period that begins earlier is partial.
// Series with a sample that is too far ahead are dropped: the cluster's time was
// set back, and what is measured now would count as older than all there is.
func (s *Store) Listen(now autoscaling.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = now
	for _, g := range s.groups {
		g.evicted = min(g.evicted, now)
		for key, series := range g.series {
			if series.newest() > int64(now.Add(maxAhead)/1e6) {
				s.drop(g, key)
			}
		}
	}
	s.loads.rewind(now)
}

// knownSince returns the first second from which on all samples of a series are
// here. A group that was made since the store listens has no samples of before.
// negative reports whether a sample of the series was below zero.
func (s *Store) knownSince(uid autoscaling.UID, key seriesKey, born autoscaling.Time) (second int64, negative bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	since := s.since
	if born >= since && since != never {
		since = math.MinInt64
	}
	if g := s.groups[uid]; g != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		switch found := g.series[key]; {
		case found != nil:
			negative = found.negative
			since = max(since, found.since)
		case key.pushed():
			since = max(since, g.evicted)
		}
	}
	return ceilSeconds(since), negative
}

// ceilSeconds is the first second that does not begin before t.
func ceilSeconds(t autoscaling.Time) int64 {
	if t > never-1e6 {
		return math.MaxInt64
	}
	return int64((t + 1e6 - 1) / 1e6)
}
