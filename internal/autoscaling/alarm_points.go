package autoscaling

import "math"

// Datapoint is a metric's value over one period; a period without samples has
// none.
type Datapoint struct {
	Value   float64
	Present bool
	// Partial says that samples of the period may be missing from Value: this node
	// did not take samples during all of it, e.g. because it began to lead within
	// it. A partial point may be present or not.
	Partial bool
	// Negative says, of a partial point, that samples of its metric are below zero
	// at times: then more of them may lower a sum.
	Negative bool
}

// verdict is what a datapoint says of its period.
type verdict int

const (
	pointMissing  verdict = iota // no samples, and none that could be missing
	pointBreaches                // whatever may be missing
	pointHolds                   // does not breach, whatever may be missing
	pointUnknown                 // the samples that may be missing decide
)

// verdict judges a point by the alarm's condition. A partial point counts only
// where more samples cannot undo what it says: a maximum and a sum only rise, a
// minimum only falls, an average and a percentile go either way.
func (a *AlarmTask) verdict(p Datapoint) verdict {
	present := p.Present && !math.IsNaN(p.Value)
	switch {
	case !present && p.Partial:
		return pointUnknown
	case !present:
		return pointMissing
	}
	breaches := a.Comparison.Breaches(p.Value, a.Threshold)
	if p.Partial && !stays(a.Metric.Statistic, a.Comparison, breaches, p.Negative) {
		return pointUnknown
	}
	if breaches {
		return pointBreaches
	}
	return pointHolds
}

// stays reports whether a comparison of a partial statistic keeps its result
// whatever samples are added.
func stays(s Statistic, c Comparison, breaches, negative bool) bool {
	above := c == GreaterThan || c == GreaterThanOrEqual
	below := c == LessThan || c == LessThanOrEqual
	switch {
	case s == StatisticMaximum, s == StatisticSum && !negative: // it rises
		return above && breaches || below && !breaches
	case s == StatisticMinimum: // it falls
		return below && breaches || above && !breaches
	}
	return false
}
