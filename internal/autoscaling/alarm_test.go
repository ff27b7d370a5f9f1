package autoscaling

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func points(values ...any) []Datapoint {
	var all []Datapoint
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			all = append(all, Datapoint{})
		case int:
			all = append(all, Datapoint{Value: float64(v), Present: true})
		case float64:
			all = append(all, Datapoint{Value: v, Present: true})
		}
	}
	return all
}

func TestEvaluateAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		m, n   int32
		points []Datapoint
		want   AlarmState
		reason string
	}{
		"one point breaches":                 {1, 1, points(80), AlarmAlarm, "1 of 1 datapoints > 70 (1 needed): 80"},
		"the threshold itself is no breach":  {1, 1, points(70), AlarmOK, "0 of 1 datapoints > 70 (1 needed): 70"},
		"no point at all":                    {1, 1, nil, AlarmInsufficientData, "1 of 1 datapoints are missing"},
		"the only point is missing":          {1, 1, points(nil), AlarmInsufficientData, "1 of 1 datapoints are missing"},
		"two of three":                       {2, 3, points(80, 60, 90.5), AlarmAlarm, "2 of 3 datapoints > 70 (2 needed): 80, 60, 90.5"},
		"one of three is not two":            {2, 3, points(80, 60, 60), AlarmOK, "1 of 3 datapoints > 70 (2 needed): 80, 60, 60"},
		"enough breach, one is missing":      {2, 3, points(80, nil, 90), AlarmAlarm, "2 of 3 datapoints > 70 (2 needed): 80, –, 90"},
		"the missing one could decide":       {2, 3, points(80, nil, 60), AlarmInsufficientData, "1 of 3 datapoints are missing"},
		"the missing one cannot decide":      {3, 3, points(60, nil, 60), AlarmOK, "0 of 3 datapoints > 70 (3 needed): 60, –, 60"},
		"young: fewer points than periods":   {3, 3, points(80), AlarmInsufficientData, "2 of 3 datapoints are missing"},
		"young, but one point says no":       {3, 3, points(60), AlarmOK, "0 of 3 datapoints > 70 (3 needed): 60"},
		"only the last points count":         {2, 2, points(80, 80, 60, 60), AlarmOK, "0 of 2 datapoints > 70 (2 needed): 60, 60"},
		"no datapoints_to_alarm means all":   {0, 2, points(80, 60), AlarmOK, "1 of 2 datapoints > 70 (2 needed): 80, 60"},
		"what is not a number is missing":    {1, 1, points(math.NaN()), AlarmInsufficientData, "1 of 1 datapoints are missing"},
		"infinitely much is much":            {1, 1, points(math.Inf(1)), AlarmAlarm, "1 of 1 datapoints > 70 (1 needed): +Inf"},
		"many points are shown as the last":  {1, 12, points(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), AlarmOK, "0 of 12 datapoints > 70 (1 needed): … 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"},
		"all of many points missing but one": {1, 3, points(nil, 80, nil), AlarmAlarm, "1 of 3 datapoints > 70 (1 needed): –, 80, –"},
	} {
		t.Run(name, func(t *testing.T) {
			got := EvaluateAlarm(&AlarmTask{Comparison: GreaterThan, Threshold: 70, EvaluationPeriods: c.n, DatapointsToAlarm: c.m}, c.points)
			if got.State != c.want || got.Reason != c.reason {
				t.Errorf("%s because %q, want %s because %q", got.State, got.Reason, c.want, c.reason)
			}
		})
	}
}

func TestComparisonBreaches(t *testing.T) {
	for _, c := range []struct {
		comparison         Comparison
		below, same, above bool
	}{
		{GreaterThan, false, false, true},
		{GreaterThanOrEqual, false, true, true},
		{LessThan, true, false, false},
		{LessThanOrEqual, true, true, false},
		{"NOBODY_KNOWS", false, false, false},
	} {
		got := [3]bool{c.comparison.Breaches(1, 2), c.comparison.Breaches(2, 2), c.comparison.Breaches(3, 2)}
		if want := [3]bool{c.below, c.same, c.above}; got != want {
			t.Errorf("%s: %v, want %v", c.comparison, got, want)
		}
	}
}

func TestMissingPointsNeverRaiseAnAlarm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(1, 10).Draw(t, "n")
		a := &AlarmTask{Comparison: LessThan, Threshold: 50, EvaluationPeriods: n, DatapointsToAlarm: rapid.Int32Range(1, n).Draw(t, "m")}
		var all []Datapoint
		breaching := int32(0)
		for range n {
			p := Datapoint{Present: rapid.Bool().Draw(t, "present"), Value: float64(rapid.IntRange(0, 100).Draw(t, "value"))}
			if p.Present && p.Value < 50 {
				breaching++
			}
			all = append(all, p)
		}
		if got := EvaluateAlarm(a, all).State; (got == AlarmAlarm) != (breaching >= a.DatapointsToAlarm) {
			t.Fatalf("%s with %d of %d breaching, %d needed", got, breaching, n, a.DatapointsToAlarm)
		}
	})
}
