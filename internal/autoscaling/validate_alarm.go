package autoscaling

import (
	"math"
	"time"
)

// ValidateAlarm checks an alarm by itself.
func ValidateAlarm(a *AlarmTask) error {
	if err := first(
		checkLength("metric.source", a.Metric.Source, 1, 63),
		checkLength("metric.namespace", a.Metric.Namespace, 0, 255),
		checkLength("metric.name", a.Metric.Name, 1, 255),
		checkTexts("metric.dimensions", a.Metric.Dimensions, 30, 0, 255),
		checkOneOf("metric.statistic", a.Metric.Statistic, StatisticAverage, StatisticMinimum, StatisticMaximum, StatisticSum,
			StatisticP50, StatisticP90, StatisticP99),
		checkRange("period", a.Period, time.Second, maxDuration),
		checkOneOf("comparison", a.Comparison, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual),
		checkRange("evaluation_periods", a.EvaluationPeriods, 1, 100),
		checkRange("datapoints_to_alarm", a.DatapointsToAlarm, 1, a.EvaluationPeriods),
		checkCount("rules", len(a.Rules), 20),
		checkUnique("rules", a.Rules, func(r string) string { return r }),
	); err != nil {
		return err
	}
	if math.IsNaN(a.Threshold) || math.IsInf(a.Threshold, 0) {
		return FieldErrorf("threshold", "is not a finite number")
	}
	if len(a.Rules) == 0 {
		return FieldErrorf("rules", "at least one rule is required")
	}
	return validateMetricScope(a.Metric)
}

// validateMetricScope refuses what a source has no use for: its samples belong
// to the group already, and what would be ignored must not be accepted.
func validateMetricScope(m Metric) error {
	if m.Source != MetricSourcePush && m.Source != MetricSourceProvider {
		return nil
	}
	if m.Namespace != "" {
		return FieldErrorf("metric.namespace", "the source %q has no namespaces: its samples are the group's", m.Source)
	}
	if len(m.Dimensions) > 0 {
		return FieldErrorf("metric.dimensions", "the source %q has no dimensions: its samples are the group's", m.Source)
	}
	return nil
}
