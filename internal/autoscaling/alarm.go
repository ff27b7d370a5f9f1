package autoscaling

// AlarmEvaluation is what looking at an alarm's datapoints found.
type AlarmEvaluation struct {
	State AlarmState
	// Reason is one sentence with the points that led to the state.
	Reason string
	// Value is the newest datapoint; it means nothing in INSUFFICIENT_DATA.
	Value float64
}

// Datapoint is a metric's value over one period; a period without samples has
// none.
type Datapoint struct {
	Value   float64
	Present bool
}

// EvaluateAlarm looks at the last EvaluationPeriods datapoints, oldest first: the
// alarm is in ALARM when at least DatapointsToAlarm of them breach.
func EvaluateAlarm(a *AlarmTask, points []Datapoint) AlarmEvaluation {
	panic("autoscaling: being written")
}
