package metrics

import (
	"sync"

	"github.com/asctl/as/internal/autoscaling"
)

// What a Store holds at most. A series of a day with a sample each second and
// percentiles is about a megabyte, one with a sample a minute 100 KiB.
const (
	maxSeriesPerGroup = 200    // pushed ones
	maxSeries         = 50_000 // pushed ones, of all groups
	// maxProviderSeries of each group are apart: pushes cannot take their room.
	maxProviderSeries = 16
	// silentAfter is how many seconds without a sample let a series make room for
	// another one of its group.
	silentAfter = 60 * 60
)

// group is the series of one group. The map and the counts are changed only with
// Store.mu held for writing; mu guards what the series hold.
type group struct {
	mu       sync.Mutex
	series   map[seriesKey]*series
	pushed   int // of series
	provided int
	// evicted is when a series last had to make room. A series made later does not
	// have the samples of before.
	evicted autoscaling.Time
}

type seriesKey struct {
	source, metric string
}

func (k seriesKey) pushed() bool { return k.source == autoscaling.MetricSourcePush }

// create makes a series with its first sample, if there is room. s.mu is held for
// writing.
func (s *Store) create(g *group, key seriesKey, sample *Sample, at, now autoscaling.Time) error {
	if err := s.makeRoom(g, key, now); err != nil {
		return err
	}
	made := newSeries()
	if key.pushed() {
		made.since = g.evicted
	}
	made.add(second(at, now), sample.Value)
	g.series[key] = made
	if key.pushed() {
		g.pushed++
		s.pushed++
	} else {
		g.provided++
	}
	return nil
}

// makeRoom finds room for one more series. A group with all the series that it
// may have gives up a silent one. When the store is full, a group below its share
// takes the room of the group that has the most; there is one above the share
// then. So no group can refuse another's first sample, and none loses a series to
// a group that has as many.
func (s *Store) makeRoom(g *group, key seriesKey, now autoscaling.Time) error {
	if !key.pushed() {
		if g.provided >= maxProviderSeries {
			return autoscaling.Errorf(autoscaling.LimitExceeded, "no room for metric %q: a group has at most %d metrics of its provider", key.metric, maxProviderSeries)
		}
		return nil
	}
	if g.pushed >= maxSeriesPerGroup {
		silent := g.mostSilent()
		if g.series[silent].newest() > int64(now/1e6)-silentAfter {
			return autoscaling.Errorf(autoscaling.LimitExceeded, "no room for metric %q: a group has at most %d pushed metrics", key.metric, maxSeriesPerGroup)
		}
		s.evict(g, silent, now)
	}
	if s.pushed < s.limit {
		return nil
	}
	share, heaviest := s.share(g)
	if g.pushed >= share || heaviest.pushed <= share {
		return autoscaling.Errorf(autoscaling.LimitExceeded,
			"no room for metric %q: there are %d pushed metrics of all groups, the most there may be, and this group has its share of %d", key.metric, s.limit, share)
	}
	s.evict(heaviest, heaviest.mostSilent(), now)
	return nil
}

// share returns how many pushed series each group may have in a full store, g
// counted in, and the group that has the most.
func (s *Store) share(g *group) (share int, heaviest *group) {
	groups := 0
	for _, other := range s.groups {
		if other.pushed > 0 || other == g {
			groups++
		}
		if heaviest == nil || other.pushed > heaviest.pushed {
			heaviest = other
		}
	}
	return max(1, s.limit/groups), heaviest
}

// mostSilent is the pushed series, of a group that has any, whose newest sample
// is the oldest.
func (g *group) mostSilent() (silent seriesKey) {
	found := false
	for key, candidate := range g.series {
		if key.pushed() && (!found || candidate.newest() < g.series[silent].newest()) {
			silent, found = key, true
		}
	}
	return silent
}

func (s *Store) evict(g *group, key seriesKey, now autoscaling.Time) {
	s.drop(g, key)
	g.evicted = now
}

func (s *Store) drop(g *group, key seriesKey) {
	delete(g.series, key)
	if key.pushed() {
		g.pushed--
		s.pushed--
	} else {
		g.provided--
	}
}

// Forget drops everything of groups that keep returns false for, and the series
// that had no sample for a day.
func (s *Store) Forget(keep func(autoscaling.UID) bool) {
	stale := int64(s.now()/1e6) - coarseKept*coarseWidth
	s.mu.Lock()
	defer s.mu.Unlock()
	for uid, g := range s.groups {
		kept := keep(uid)
		for key, series := range g.series {
			if !kept || series.newest() < stale {
				s.drop(g, key)
			}
		}
		if !kept {
			delete(s.groups, uid)
		}
	}
}
