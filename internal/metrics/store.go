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

// Samples may be this old, and this far ahead of the clock.
const (
	maxAge   = 2 * time.Hour
	maxAhead = time.Minute
)

// Store keeps the samples of all groups. It is safe for concurrent use.
type Store struct {
	now   func() autoscaling.Time
	limit int // of pushed series

	mu     sync.RWMutex     // held for reading while a group's mu is taken
	since  autoscaling.Time // all samples since then are here; never: it does not listen
	groups map[autoscaling.UID]*group
	pushed int // series
	loads  loads

	received received
}

// NewStore makes an empty store that does not listen yet; now is the clock that
// samples are judged by.
func NewStore(now func() autoscaling.Time) *Store {
	return &Store{now: now, limit: maxSeries, since: never, groups: map[autoscaling.UID]*group{}}
}

// Put takes pushed samples of one group; it returns how many it took. An
// *autoscaling.Error refuses the first that it did not take, and the rest.
func (s *Store) Put(uid autoscaling.UID, batch []Sample) (int, error) {
	return s.put(uid, autoscaling.MetricSourcePush, batch, s.now())
}

// PutProvider takes samples that a compute provider measured.
func (s *Store) PutProvider(uid autoscaling.UID, batch []Sample) (int, error) {
	return s.put(uid, autoscaling.MetricSourceProvider, batch, s.now())
}

func (s *Store) put(uid autoscaling.UID, source string, batch []Sample, now autoscaling.Time) (int, error) {
	for n := 0; n < len(batch); n++ {
		taken, err := s.addTo(uid, source, batch[n:], now)
		if n += taken; err != nil || n == len(batch) {
			return n, err
		}
		if err := s.addNew(uid, source, &batch[n], now); err != nil {
			return n, err
		}
	}
	return len(batch), nil
}

// addTo adds samples to series that are there, up to the first that has none or
// is refused.
func (s *Store) addTo(uid autoscaling.UID, source string, batch []Sample, now autoscaling.Time) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.groups[uid]
	if g == nil {
		return 0, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var last *series
	for n := range batch {
		sample := &batch[n]
		at := sample.at(now)
		if err := check(sample, at, now); err != nil {
			return n, err
		}
		if last == nil || sample.Metric != batch[n-1].Metric {
			if last = g.series[seriesKey{source, sample.Metric}]; last == nil {
				return n, nil
			}
		}
		last.add(second(at, now), sample.Value)
	}
	return len(batch), nil
}

// addNew adds a sample whose series may have to be made first.
func (s *Store) addNew(uid autoscaling.UID, source string, sample *Sample, now autoscaling.Time) error {
	at, key := sample.at(now), seriesKey{source, sample.Metric}
	if err := check(sample, at, now); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[uid]
	if g == nil {
		g = &group{series: map[seriesKey]*series{}}
		s.groups[uid] = g
	}
	if found := g.series[key]; found != nil {
		found.add(second(at, now), sample.Value)
		return nil
	}
	return s.create(g, key, sample, at, now)
}

// second is that of a sample. One from a clock that is ahead of the cluster's
// counts as of now: nothing that was measured is missing from a later period.
func second(at, now autoscaling.Time) int64 { return int64(min(at, now) / 1e6) }

// at is when the sample was measured.
func (m *Sample) at(now autoscaling.Time) autoscaling.Time {
	if m.Time == 0 {
		return now
	}
	return m.Time
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
