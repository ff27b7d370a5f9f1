package autoscaling

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// AlarmEvaluation is what looking at an alarm's datapoints found.
type AlarmEvaluation struct {
	State AlarmState
	// Reason is one sentence with the points that led to the state.
	Reason string
	// Value is the newest datapoint; it means nothing in INSUFFICIENT_DATA.
	Value float64
	// Partial says that samples of some of the periods may be missing. The state is
	// right all the same, but a group is not scaled in on it.
	Partial bool
	// Undecided says that the samples which may be missing decide. State means
	// nothing then: the alarm is left as it is.
	Undecided bool
}

// Breaches says whether value stands to the threshold as the comparison says.
func (c Comparison) Breaches(value, threshold float64) bool {
	switch c {
	case GreaterThan:
		return value > threshold
	case GreaterThanOrEqual:
		return value >= threshold
	case LessThan:
		return value < threshold
	case LessThanOrEqual:
		return value <= threshold
	}
	return false
}

// Sign is the comparison as people write it.
func (c Comparison) Sign() string {
	switch c {
	case GreaterThan:
		return ">"
	case GreaterThanOrEqual:
		return "≥"
	case LessThan:
		return "<"
	case LessThanOrEqual:
		return "≤"
	}
	return string(c)
}

// EvaluateAlarm looks at the last EvaluationPeriods datapoints, oldest first. It
// is ALARM when DatapointsToAlarm of them breach, OK when so many cannot breach
// whatever the missing ones would say, and INSUFFICIENT_DATA in between: a
// missing point never counts as anything. It is undecided while the unknown part
// of partial points makes a difference.
func EvaluateAlarm(a *AlarmTask, points []Datapoint) AlarmEvaluation {
	n := int(max(a.EvaluationPeriods, 1))
	m := int(a.DatapointsToAlarm)
	if m <= 0 || m > n {
		m = n
	}
	if len(points) > n {
		points = points[len(points)-n:]
	}
	missing, breaching, unknown := n-len(points), 0, 0
	e := AlarmEvaluation{State: AlarmOK}
	for _, p := range points {
		e.Partial = e.Partial || p.Partial
		switch a.verdict(p) {
		case pointMissing:
			missing++
			continue
		case pointUnknown:
			unknown++
			continue
		case pointBreaches:
			breaching++
		}
		e.Value = p.Value
	}
	switch {
	case breaching >= m:
		e.State = AlarmAlarm
	case breaching+unknown >= m || unknown > 0 && breaching+missing < m && breaching+missing+unknown >= m:
		e.State, e.Undecided = AlarmInsufficientData, true
		e.Reason = fmt.Sprintf("samples of %d of %d datapoints may be missing: %s", unknown, n, formatPoints(points))
		return e
	case breaching+missing+unknown >= m:
		e.State = AlarmInsufficientData
		e.Reason = fmt.Sprintf("%d of %d datapoints are missing", missing, n)
		return e
	}
	e.Reason = fmt.Sprintf("%d of %d datapoints %s %s (%d needed): %s",
		breaching, n, a.Comparison.Sign(), formatValue(a.Threshold), m, formatPoints(points))
	return e
}

// shownPoints bounds the datapoints in a reason.
const shownPoints = 10

func formatPoints(points []Datapoint) string {
	var b strings.Builder
	if len(points) > shownPoints {
		points = points[len(points)-shownPoints:]
		b.WriteString("… ")
	}
	for i, p := range points {
		if i > 0 {
			b.WriteString(", ")
		}
		if !p.Present || math.IsNaN(p.Value) {
			b.WriteString("–")
		} else {
			b.WriteString(formatValue(p.Value))
			if p.Partial {
				b.WriteString(" so far")
			}
		}
	}
	return b.String()
}

func formatValue(v float64) string {
	return strconv.FormatFloat(v, 'g', 6, 64)
}
