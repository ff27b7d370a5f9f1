package metrics

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asctl/as/internal/autoscaling"
)

const start = autoscaling.Time(1_800_000_000_000_000)

// clock is moved by hand.
type clock struct{ now autoscaling.Time }

func newTestStore() (*Store, *clock) {
	c := &clock{now: start}
	s := NewStore(func() autoscaling.Time { return c.now })
	s.Listen(start.Add(-24 * time.Hour))
	return s, c
}

func at(seconds int) autoscaling.Time { return start.Add(time.Duration(seconds) * time.Second) }

func put(t *testing.T, s *Store, metric string, values map[int]float64) {
	t.Helper()
	for second, v := range values {
		if n, err := s.Put("g", []Sample{{Metric: metric, Value: v, Time: at(second)}}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestStatisticsFoldTheSamplesOfAPeriod(t *testing.T) {
	s, c := newTestStore()
	c.now = at(60)
	for n := range 100 {
		put(t, s, "m", map[int]float64{n % 60: float64(n + 1)})
	}
	for statistic, want := range map[autoscaling.Statistic]float64{
		autoscaling.StatisticAverage: 50.5, autoscaling.StatisticMinimum: 1, autoscaling.StatisticMaximum: 100,
		autoscaling.StatisticSum: 5050, autoscaling.StatisticP50: 50, autoscaling.StatisticP90: 90, autoscaling.StatisticP99: 99,
	} {
		points, err := s.Query("g", Query{Source: "push", Metric: "m", Statistic: statistic, From: start, To: at(60), Period: time.Minute})
		if err != nil || len(points) != 1 || points[0].Samples != 100 {
			t.Fatalf("%s: %v %v", statistic, points, err)
		}
		if got := points[0].Value; math.Abs(got-want) > want*2*sketchAccuracy {
			t.Errorf("%s is %v, want %v", statistic, got, want)
		}
	}
}

func TestPeriodsWithoutSamplesHaveNoDatapoint(t *testing.T) {
	s, c := newTestStore()
	c.now = at(30)
	put(t, s, "m", map[int]float64{2: 1, 3: 3, 25: 10})
	got := s.Datapoints("g", Window{Metric: autoscaling.Metric{Source: "push", Name: "m", Statistic: autoscaling.StatisticAverage}, Period: 10 * time.Second, Periods: 3, Until: at(29)})
	want := []autoscaling.Datapoint{{Value: 2, Present: true}, {}, {Value: 10, Present: true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, other := range []autoscaling.Metric{{Source: "provider", Name: "m"}, {Source: "push", Name: "n"}} {
		for _, p := range s.Datapoints("g", Window{Metric: other, Period: 10 * time.Second, Periods: 3, Until: at(29)}) {
			if p.Present {
				t.Errorf("%v has data of another metric", other)
			}
		}
	}
}

func TestSampleOfThisSecondIsInTheNewestPeriod(t *testing.T) {
	s, c := newTestStore()
	c.now = at(100)
	put(t, s, "m", map[int]float64{100: 7})
	got := s.Datapoints("g", Window{Metric: autoscaling.Metric{Source: "push", Name: "m", Statistic: autoscaling.StatisticAverage}, Period: time.Second, Periods: 1, Until: at(100)})
	if !got[0].Present || got[0].Value != 7 {
		t.Errorf("%v: a breach would show a period late", got)
	}
}

func TestPeriodIsWholeHoweverYoungTheSecondIs(t *testing.T) {
	s, c := newTestStore()
	c.now = at(100)
	put(t, s, "m", map[int]float64{98: 1, 99: 7})
	for statistic, want := range map[autoscaling.Statistic]float64{autoscaling.StatisticAverage: 7, autoscaling.StatisticSum: 7} {
		got := s.Datapoints("g", Window{Metric: autoscaling.Metric{Source: "push", Name: "m", Statistic: statistic}, Period: time.Second, Periods: 1, Until: at(100).Add(time.Millisecond)})
		if !got[0].Present || got[0].Value != want {
			t.Errorf("%s of the last second, a millisecond into the next: %v", statistic, got)
		}
	}
	put(t, s, "m", map[int]float64{100: 9})
	got := s.Datapoints("g", Window{Metric: autoscaling.Metric{Source: "push", Name: "m", Statistic: autoscaling.StatisticSum}, Period: time.Second, Periods: 1, Until: at(100).Add(time.Millisecond)})
	if got[0].Value != 7 {
		t.Errorf("the sum over a second takes more than that: %v", got)
	}
}

func TestLongWindowsComeFromTheMinutes(t *testing.T) {
	s, c := newTestStore()
	for n := range 3 * 60 * 60 {
		c.now = at(n)
		put(t, s, "m", map[int]float64{n: float64(n / 3600)})
	}
	got := s.Datapoints("g", Window{Metric: autoscaling.Metric{Source: "push", Name: "m", Statistic: autoscaling.StatisticMaximum}, Period: time.Hour, Periods: 3, Until: c.now})
	for n, p := range got {
		if !p.Present || p.Value != float64(n) {
			t.Errorf("hour %d: %v", n, p)
		}
	}
}

func TestBadSamplesAreRefusedAndTheBatchStopsThere(t *testing.T) {
	for name, bad := range map[string]struct {
		sample Sample
		reason autoscaling.Reason
	}{
		"no metric":    {Sample{Value: 1}, autoscaling.InvalidArgument},
		"not a number": {Sample{Metric: "m", Value: math.NaN()}, autoscaling.InvalidArgument},
		"infinite":     {Sample{Metric: "m", Value: math.Inf(1)}, autoscaling.InvalidArgument},
		"too old":      {Sample{Metric: "m", Value: 1, Time: start.Add(-3 * time.Hour)}, autoscaling.OutOfRange},
		"ahead":        {Sample{Metric: "m", Value: 1, Time: start.Add(time.Hour)}, autoscaling.OutOfRange},
	} {
		s, _ := newTestStore()
		n, err := s.Put("g", []Sample{{Metric: "m", Value: 1}, bad.sample, {Metric: "m", Value: 1}})
		var e *autoscaling.Error
		if n != 1 || !errors.As(err, &e) || e.Reason != bad.reason {
			t.Errorf("%s: took %d, %v", name, n, err)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s, c := newTestStore()
	for n := range maxSeriesPerGroup {
		put(t, s, string(rune('a'+n%26))+string(rune('a'+n/26)), map[int]float64{0: 1})
	}
	if _, err := s.Put("g", []Sample{{Metric: "one-more", Value: 1}}); err == nil {
		t.Error("a group may have any number of metrics")
	}
	for n := range 2 * fineKept {
		c.now = at(n)
		put(t, s, "aa", map[int]float64{n: 1})
	}
	found := s.groups["g"].series[seriesKey{"push", "aa"}]
	if n := len(found.fine.buckets); n > fineKept+fineKept/8+1 {
		t.Errorf("%d buckets of a second, want about %d", n, fineKept)
	}
	s.Forget(func(autoscaling.UID) bool { return false })
	if s.pushed != 0 || len(s.groups) != 0 {
		t.Errorf("%d series of groups that are no more", s.pushed)
	}
}

func TestLoadIsKnownForAMinute(t *testing.T) {
	s, c := newTestStore()
	s.SetLoad("i-1", 42, c.now)
	if v, ok := s.Load("i-1"); !ok || v != 42 {
		t.Error(v, ok)
	}
	c.now = at(61)
	if _, ok := s.Load("i-1"); ok {
		t.Error("an old measurement still counts")
	}
}

func BenchmarkPut(b *testing.B) {
	s, c := newTestStore()
	batch := make([]Sample, 1000)
	for n := range batch {
		batch[n] = Sample{Metric: "requests", Value: float64(n)}
	}
	for b.Loop() {
		c.now += 10_000 // 100 batches a second
		if _, err := s.Put("g", batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "samples/s")
}
