package metrics

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// Query names the points of one metric in [From, To).
type Query struct {
	Source    string
	Metric    string
	Statistic autoscaling.Statistic
	From, To  autoscaling.Time
	Period    time.Duration
}

// Point is a metric's value over the period that begins at Time.
type Point struct {
	Time    autoscaling.Time
	Value   float64
	Samples int32
}

// maxPoints bounds an answer.
const maxPoints = 10_000

// Query answers a metric's points, oldest first; periods without samples have
// none.
func (s *Store) Query(uid autoscaling.UID, q Query) ([]Point, error) {
	period := int64(q.Period / time.Second)
	from, to := int64(q.From/1e6), int64(q.To/1e6)
	switch {
	case period < 1:
		return nil, autoscaling.FieldErrorf("period", "must be at least a second")
	case from >= to:
		return nil, autoscaling.FieldErrorf("to", "must be after from")
	case (to-from)/period > maxPoints:
		return nil, autoscaling.FieldErrorf("period", "would answer more than %d points", maxPoints)
	}
	var points []Point
	s.each(uid, seriesKey{q.Source, q.Metric}, from, to, to, period, func(start int64, b *bucket, _ bool) {
		if b.count > 0 {
			points = append(points, Point{Time: autoscaling.Time(start * 1e6), Value: b.statistic(q.Statistic), Samples: int32(min(b.count, 1<<30))})
		}
	})
	return points, nil
}

// Window names the newest periods of a metric, as an alarm looks at them.
type Window struct {
	Metric  autoscaling.Metric
	Period  time.Duration
	Periods int32
	Until   autoscaling.Time // now
	// Born is when the group was made: there are no samples of before.
	Born autoscaling.Time
}

// Datapoints are the last periods of a window, oldest first; a period without
// samples has none. The newest one ends now, so a breach shows within a second;
// but each has all of its seconds: the one that is not over yet comes on top.
// Otherwise a period of a second would be as long as the second is old, which is
// always the same for who looks each second. A sum takes whole seconds only.
func (s *Store) Datapoints(uid autoscaling.UID, w Window) []autoscaling.Datapoint {
	points := make([]autoscaling.Datapoint, w.Periods)
	width := max(1, int64(w.Period/time.Second))
	to := int64(w.Until / 1e6)
	from, end := to-int64(w.Periods)*width, to+1
	if w.Metric.Statistic == autoscaling.StatisticSum {
		end = to
	}
	key := seriesKey{w.Metric.Source, w.Metric.Name}
	since, negative := s.knownSince(uid, key, w.Born)
	at := 0
	s.each(uid, key, from, to, end, width, func(_ int64, b *bucket, cut bool) {
		if points[at].Partial = cut; b.count > 0 {
			points[at].Value, points[at].Present = b.statistic(w.Metric.Statistic), true
		}
		at++
	})
	for at := range points {
		points[at].Partial = points[at].Partial || from+int64(at)*width < since
		points[at].Negative = points[at].Partial && negative
	}
	return points
}

// each folds period after period of a series, from..to; the last one goes on
// until end. What lies further back than the fine line reaches comes from the
// coarse one, where its minutes fit the periods or come close. A period is cut
// when only its end is kept.
func (s *Store) each(uid autoscaling.UID, key seriesKey, from, to, end, period int64, do func(start int64, b *bucket, cut bool)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.groups[uid]
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.series[key]
	if found == nil {
		return
	}
	fineFrom := found.fine.newest() - fineKept
	for start := from; start < to; start += period {
		l := &found.fine
		if start < fineFrom && period >= coarseWidth {
			l = &found.coarse
		}
		until := start + period
		if until >= to {
			until = end
		}
		b := l.fold(start, until)
		oldest := l.newest() - int64(l.kept)*l.width
		do(start, &b, start < oldest && oldest < until)
	}
}
