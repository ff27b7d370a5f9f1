package metrics

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

func average(period time.Duration, n int32, until autoscaling.Time) Window {
	return Window{Metric: autoscaling.Metric{Source: "push", Name: "m", Statistic: autoscaling.StatisticAverage}, Period: period, Periods: n, Until: until}
}

// partials shows which points are partial, one letter each.
func partials(points []autoscaling.Datapoint) string {
	s := ""
	for _, p := range points {
		s += map[bool]string{true: "p", false: "w"}[p.Partial]
	}
	return s
}

func TestPeriodsThatBeginBeforeTheStoreListensArePartial(t *testing.T) {
	s, c := newTestStore()
	c.now = at(60)
	put(t, s, "m", map[int]float64{5: 1, 25: 1, 45: 1})
	for since, want := range map[autoscaling.Time]string{
		at(-10): "wwwwww", at(0): "wwwwww", at(1): "pwwwww", at(20): "ppwwww", at(20) + 1: "pppwww", at(59): "pppppp", at(60): "pppppp",
	} {
		s.Listen(since)
		if got := partials(s.Datapoints("g", average(10*time.Second, 6, at(60)))); got != want {
			t.Errorf("listening since %s: %s, want %s", since, got, want)
		}
	}
	w := average(10*time.Second, 6, at(60))
	s.Listen(at(20))
	if w.Born = at(20); partials(s.Datapoints("g", w)) != "wwwwww" {
		t.Error("a group made since the store listens has samples of before")
	}
	if w.Born = at(20) - 1; partials(s.Datapoints("g", w)) != "ppwwww" {
		t.Error("samples of a group that was there before the store listened are not missing")
	}
	if got := partials(NewStore(s.now).Datapoints("g", w)); got != "pppppp" {
		t.Errorf("a store that does not listen: %s", got)
	}
}

func TestPeriodsWhoseBeginIsForgottenArePartial(t *testing.T) {
	s, c := newTestStore()
	for n := range 2 * fineKept {
		c.now = at(n)
		put(t, s, "m", map[int]float64{n: 1})
	}
	if got := partials(s.Datapoints("g", average(59*time.Second, 18, c.now))); got != "wwpwwwwwwwwwwwwwww" {
		t.Errorf("%s: a part of the third period is not kept, of the first two nothing is", got)
	}
}

// lives is a metric whose samples go to one leader after the other, beside a
// store that has them all.
type lives struct {
	all, leader *Store
	now         autoscaling.Time
}

func (l *lives) clock() autoscaling.Time { return l.now }

func (l *lives) change() {
	l.leader = NewStore(l.clock)
	l.leader.Listen(l.now)
}

func (l *lives) put(t *rapid.T, v float64) {
	for _, s := range []*Store{l.all, l.leader} {
		if _, err := s.Put("g", []Sample{{Metric: "m", Value: v}}); err != nil {
			t.Fatal(err)
		}
	}
}

// Under any leaders and gaps an alarm finds what one with all samples finds, or
// nothing.
func TestLeaderDecidesOnlyWhatAllSamplesWouldDecide(t *testing.T) {
	decided := 0
	rapid.Check(t, func(t *rapid.T) {
		l := &lives{now: start.Add(time.Duration(rapid.IntRange(0, 999).Draw(t, "ms")) * time.Millisecond)}
		l.all = NewStore(l.clock)
		l.all.Listen(start.Add(-48 * time.Hour))
		l.change()
		n := rapid.Int32Range(1, 4).Draw(t, "n")
		a := &autoscaling.AlarmTask{
			Metric: autoscaling.Metric{Source: "push", Name: "m", Statistic: rapid.SampledFrom([]autoscaling.Statistic{
				autoscaling.StatisticAverage, autoscaling.StatisticMinimum, autoscaling.StatisticMaximum, autoscaling.StatisticSum,
				autoscaling.StatisticP50, autoscaling.StatisticP90, autoscaling.StatisticP99}).Draw(t, "statistic")},
			Comparison: rapid.SampledFrom([]autoscaling.Comparison{
				autoscaling.GreaterThan, autoscaling.GreaterThanOrEqual, autoscaling.LessThan, autoscaling.LessThanOrEqual}).Draw(t, "comparison"),
			Period: time.Duration(rapid.IntRange(1, 20).Draw(t, "period")) * time.Second, EvaluationPeriods: n,
			DatapointsToAlarm: rapid.Int32Range(1, n).Draw(t, "m"), Threshold: float64(rapid.IntRange(0, 60).Draw(t, "threshold")),
		}
		for range rapid.IntRange(10, 200).Draw(t, "steps") {
			l.now = l.now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "pause")) * time.Millisecond)
			switch what := rapid.IntRange(0, 19).Draw(t, "what"); {
			case what == 0:
				l.change()
			case what < 14:
				l.put(t, float64(rapid.IntRange(0, 40).Draw(t, "value")))
			}
			w := Window{Metric: a.Metric, Period: a.Period, Periods: n, Until: l.now}
			got, want := autoscaling.EvaluateAlarm(a, l.leader.Datapoints("g", w)), autoscaling.EvaluateAlarm(a, l.all.Datapoints("g", w))
			if !got.Undecided {
				decided++
			}
			if !got.Undecided && got.State != want.State || !got.Partial && got != want {
				t.Fatal(fmt.Sprintf("the leader finds %+v, all samples %+v", got, want))
			}
		}
	})
	if decided == 0 {
		t.Error("no leader ever decided anything")
	}
}

func TestSamplesAreTakenAfterTimeWasSetBack(t *testing.T) {
	s, c := newTestStore()
	c.now = start.Add(10 * 365 * 24 * time.Hour)
	for _, metric := range []string{"m", "other"} {
		if _, err := s.Put("g", []Sample{{Metric: metric, Value: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	s.SetLoad("i-1", 50, c.now)
	c.now = at(60)
	s.Listen(c.now)
	if _, known := s.Load("i-1"); known {
		t.Error("a load of the future is known")
	}
	c.now = at(120)
	put(t, s, "m", map[int]float64{60: 7})
	points, err := s.Query("g", Query{Source: "push", Metric: "m", Statistic: autoscaling.StatisticAverage, From: at(60), To: at(120), Period: time.Minute})
	if err != nil || len(points) != 1 || points[0].Value != 7 {
		t.Error(points, err)
	}
}
