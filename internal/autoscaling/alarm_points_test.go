package autoscaling

import (
	"testing"

	"pgregory.net/rapid"
)

// What a partial point of each statistic proves: 1 is below, 2 on and 3 above the
// threshold. "b" is a breach, "h" holds, "?" is left to the missing samples.
func TestPartialPointsProveWhatMoreSamplesCannotUndo(t *testing.T) {
	const negative = "negative "
	for statistic, want := range map[string]map[Comparison]string{
		"MAXIMUM":        {GreaterThan: "??b", GreaterThanOrEqual: "?bb", LessThan: "?hh", LessThanOrEqual: "??h"},
		"SUM":            {GreaterThan: "??b", GreaterThanOrEqual: "?bb", LessThan: "?hh", LessThanOrEqual: "??h"},
		negative + "SUM": {GreaterThan: "???", GreaterThanOrEqual: "???", LessThan: "???", LessThanOrEqual: "???"},
		"MINIMUM":        {GreaterThan: "hh?", GreaterThanOrEqual: "h??", LessThan: "b??", LessThanOrEqual: "bb?"},
		"AVERAGE":        {GreaterThan: "???", GreaterThanOrEqual: "???", LessThan: "???", LessThanOrEqual: "???"},
		"P50":            {GreaterThan: "???", GreaterThanOrEqual: "???", LessThan: "???", LessThanOrEqual: "???"},
		"P90":            {GreaterThan: "???", GreaterThanOrEqual: "???", LessThan: "???", LessThanOrEqual: "???"},
		"P99":            {GreaterThan: "???", GreaterThanOrEqual: "???", LessThan: "???", LessThanOrEqual: "???"},
	} {
		for comparison, letters := range want {
			a := &AlarmTask{Metric: Metric{Statistic: Statistic(statistic)}, Comparison: comparison, Threshold: 2, EvaluationPeriods: 1}
			p := Datapoint{Present: true, Partial: true}
			if statistic == negative+"SUM" {
				a.Metric.Statistic, p.Negative = StatisticSum, true
			}
			for n, letter := range letters {
				p.Value = float64(n + 1)
				e := EvaluateAlarm(a, []Datapoint{p})
				got := '?'
				switch {
				case e.State == AlarmAlarm:
					got = 'b'
				case e.State == AlarmOK:
					got = 'h'
				}
				if got != letter || e.Undecided != (letter == '?') || !e.Partial {
					t.Errorf("%s %v %s 2: %c (%+v), want %c", statistic, p.Value, comparison.Sign(), got, e, letter)
				}
			}
		}
	}
}

func TestPartialPointsAmongOthers(t *testing.T) {
	some := func(v float64) Datapoint { return Datapoint{Value: v, Present: true, Partial: true} }
	nothing := Datapoint{Partial: true}
	for name, c := range map[string]struct {
		m      int32
		points []Datapoint
		want   AlarmEvaluation
	}{
		"whole points decide without it": {2, append(points(80, 90), nothing),
			AlarmEvaluation{State: AlarmAlarm, Value: 90, Partial: true, Reason: "2 of 3 datapoints > 70 (2 needed): 80, 90, –"}},
		"whole points hold without it": {3, append(points(60, 60), some(90)),
			AlarmEvaluation{State: AlarmOK, Value: 60, Partial: true, Reason: "0 of 3 datapoints > 70 (3 needed): 60, 60, 90 so far"}},
		"it decides": {2, append(points(80, 60), some(90)),
			AlarmEvaluation{State: AlarmInsufficientData, Undecided: true, Value: 60, Partial: true, Reason: "samples of 1 of 3 datapoints may be missing: 80, 60, 90 so far"}},
		"it cannot make up for the missing": {3, append(points(nil, 80), nothing),
			AlarmEvaluation{State: AlarmInsufficientData, Undecided: true, Value: 80, Partial: true, Reason: "samples of 1 of 3 datapoints may be missing: –, 80, –"}},
		"whatever it says data is insufficient": {2, append(points(nil, nil), nothing),
			AlarmEvaluation{State: AlarmInsufficientData, Partial: true, Reason: "2 of 3 datapoints are missing"}},
	} {
		a := &AlarmTask{Metric: Metric{Statistic: StatisticAverage}, Comparison: GreaterThan, Threshold: 70, EvaluationPeriods: 3, DatapointsToAlarm: c.m}
		if got := EvaluateAlarm(a, c.points); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// An evaluation of partial points decides exactly if all completions agree.
func TestPartialEvaluationIsThatOfEveryCompletion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(1, 6).Draw(t, "n")
		a := &AlarmTask{Comparison: GreaterThan, Threshold: 50, EvaluationPeriods: n, DatapointsToAlarm: rapid.Int32Range(1, n).Draw(t, "m"),
			Metric: Metric{Statistic: StatisticAverage}}
		seen := make([]Datapoint, n)
		for i := range seen {
			seen[i] = Datapoint{Present: rapid.Bool().Draw(t, "present"), Partial: rapid.Bool().Draw(t, "partial"),
				Value: float64(rapid.IntRange(49, 52).Draw(t, "value"))}
		}
		found := map[AlarmState]bool{}
		complete(seen, 0, func(all []Datapoint) { found[EvaluateAlarm(a, all).State] = true })
		got := EvaluateAlarm(a, seen)
		if got.Undecided != (len(found) > 1) || !got.Undecided && !found[got.State] {
			t.Fatalf("%+v, completions find %v", got, found)
		}
	})
}

// complete calls do with each way in which the missing samples may turn out.
func complete(points []Datapoint, from int, do func([]Datapoint)) {
	for i := from; i < len(points); i++ {
		if !points[i].Partial {
			continue
		}
		was := points[i]
		for _, whole := range []Datapoint{{Value: 0, Present: true}, {Value: 100, Present: true}, {}} {
			if whole.Present || !was.Present {
				points[i] = whole
				complete(points, i+1, do)
			}
		}
		points[i] = was
		return
	}
	do(points)
}
