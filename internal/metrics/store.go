package metrics

import (
	"math"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// Sample is one measurement.
type Sample struct {
	Metric   string
	Instance autoscaling.InstanceID // empty: of the group as a whole
	Value    float64
	Time     autoscaling.Time // 0: now
}

// What a Store holds at most. A series of a day with a sample each second and
// percentiles is about a megabyte, one with a sample a minute 100 KiB.
const (
	maxSeriesPerGroup = 200
	maxSeries         = 50_000
	// Samples may be this old, and this far ahead of the clock.
	maxAge   = 2 * time.Hour
	maxAhead = time.Minute
)

// Store keeps the samples of all groups. It is safe for concurrent use.
type Store struct {
	now func() autoscaling.Time

	mu     sync.RWMutex
	since  autoscaling.Time // all samples since then are here; never: it does not listen
	groups map[autoscaling.UID]*group
	count  int // of series
	loads  loads
}

// group is the series of one group.
type group struct {
	mu     sync.Mutex
	series map[seriesKey]*series
}

type seriesKey struct {
	source, metric string
}

// NewStore makes an empty store that does not listen yet; now is the clock that
// samples are judged by.
func NewStore(now func() autoscaling.Time) *Store {
	return &Store{now: now, since: never, groups: map[autoscaling.UID]*group{}}
}

// Put takes pushed samples of one group; it answers how many it took. An
// *autoscaling.Error refuses the first that it did not take, and the rest.
func (s *Store) Put(uid autoscaling.UID, batch []Sample) (int, error) {
	return s.put(uid, autoscaling.MetricSourcePush, batch)
}

// PutProvider takes samples that a compute provider measured.
func (s *Store) PutProvider(uid autoscaling.UID, batch []Sample) (int, error) {
	return s.put(uid, autoscaling.MetricSourceProvider, batch)
}

func (s *Store) put(uid autoscaling.UID, source string, batch []Sample) (int, error) {
	now := s.now()
	g := s.group(uid)
	g.mu.Lock()
	defer g.mu.Unlock()
	var last *series
	for n := range batch {
		sample := &batch[n]
		at := sample.Time
		if at == 0 {
			at = now
		}
		if err := check(sample, at, now); err != nil {
			return n, err
		}
		if last == nil || sample.Metric != batch[n-1].Metric {
			var err error
			if last, err = s.find(g, seriesKey{source, sample.Metric}); err != nil {
				return n, err
			}
		}
		last.add(int64(at/1e6), sample.Value)
	}
	return len(batch), nil
}

func check(sample *Sample, at, now autoscaling.Time) error {
	switch {
	case sample.Metric == "":
		return autoscaling.FieldErrorf("samples.metric", "is required")
	case math.IsNaN(sample.Value) || math.IsInf(sample.Value, 0):
		return autoscaling.FieldErrorf("samples.value", "is not a number")
	case at < now.Add(-maxAge):
		return autoscaling.Errorf(autoscaling.OutOfRange, "a sample of %s is more than %s old", at, maxAge)
	case at > now.Add(maxAhead):
		return autoscaling.Errorf(autoscaling.OutOfRange, "a sample of %s is more than %s ahead of the cluster's clock", at, maxAhead)
	}
	return nil
}

func (s *Store) group(uid autoscaling.UID) *group {
	s.mu.RLock()
	g := s.groups[uid]
	s.mu.RUnlock()
	if g != nil {
		return g
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g = s.groups[uid]; g == nil {
		g = &group{series: map[seriesKey]*series{}}
		s.groups[uid] = g
	}
	return g
}

// find is the series, made if there is room. g.mu is held.
func (s *Store) find(g *group, key seriesKey) (*series, error) {
	if found := g.series[key]; found != nil {
		return found, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(g.series) >= maxSeriesPerGroup || s.count >= maxSeries {
		return nil, autoscaling.Errorf(autoscaling.LimitExceeded, "no room for metric %q: at most %d metrics of a group, %d over all", key.metric, maxSeriesPerGroup, maxSeries)
	}
	s.count++
	made := newSeries()
	g.series[key] = made
	return made, nil
}

// Forget drops everything of groups that keep says no of, and what has had no
// sample for a day.
func (s *Store) Forget(keep func(autoscaling.UID) bool) {
	stale := int64(s.now()/1e6) - coarseKept*coarseWidth
	s.mu.RLock()
	all := make(map[autoscaling.UID]*group, len(s.groups))
	for uid, g := range s.groups {
		all[uid] = g
	}
	s.mu.RUnlock()
	for uid, g := range all {
		dropped, empty := g.forget(stale, !keep(uid))
		s.mu.Lock()
		s.count -= dropped
		if empty && !keep(uid) {
			delete(s.groups, uid)
		}
		s.mu.Unlock()
	}
}

func (g *group) forget(stale int64, all bool) (dropped int, empty bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, series := range g.series {
		if all || series.coarse.newest() < stale {
			delete(g.series, key)
			dropped++
		}
	}
	return dropped, len(g.series) == 0
}
