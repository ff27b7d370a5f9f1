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
	s.each(uid, seriesKey{q.Source, q.Metric}, from, to, to, period, func(start int64, b *bucket) {
		if b.count > 0 {
			points = append(points, Point{Time: autoscaling.Time(start * 1e6), Value: b.statistic(q.Statistic), Samples: int32(min(b.count, 1<<30))})
		}
	})
	return points, nil
}

// Datapoints are the last n periods up to now, oldest first; a period without
// samples has none. The newest one ends now, so a breach shows within a second;
// but each has all of its seconds: the one that is not over yet comes on top.
// Otherwise a period of a second would be as long as the second is old, which is
// always the same for who looks each second. A sum takes whole seconds only.
func (s *Store) Datapoints(uid autoscaling.UID, m autoscaling.Metric, period time.Duration, n int32, now autoscaling.Time) []autoscaling.Datapoint {
	points := make([]autoscaling.Datapoint, n)
	width := max(1, int64(period/time.Second))
	to := int64(now / 1e6)
	end := to + 1
	if m.Statistic == autoscaling.StatisticSum {
		end = to
	}
	at := 0
	s.each(uid, seriesKey{m.Source, m.Name}, to-int64(n)*width, to, end, width, func(_ int64, b *bucket) {
		if b.count > 0 {
			points[at] = autoscaling.Datapoint{Value: b.statistic(m.Statistic), Present: true}
		}
		at++
	})
	return points
}

// each folds period after period of a series, from..to; the last one goes on
// until end. What lies further back than the
// fine line reaches comes from the coarse one, where its minutes fit the periods
// or come close.
func (s *Store) each(uid autoscaling.UID, key seriesKey, from, to, end, period int64, do func(start int64, b *bucket)) {
	s.mu.RLock()
	g := s.groups[uid]
	s.mu.RUnlock()
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
		do(start, &b)
	}
}
