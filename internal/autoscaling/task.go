package autoscaling

import "time"

// AlarmTask watches a metric of its group and requests rules.
type AlarmTask struct {
	Meta
	Group             UID           `cbor:"10,keyasint,omitempty"`
	Disabled          bool          `cbor:"11,keyasint,omitempty"`
	Metric            Metric        `cbor:"12,keyasint,omitempty"`
	Period            time.Duration `cbor:"13,keyasint,omitempty"`
	Comparison        Comparison    `cbor:"14,keyasint,omitempty"`
	Threshold         float64       `cbor:"15,keyasint"`
	EvaluationPeriods int32         `cbor:"16,keyasint,omitempty"` // N
	DatapointsToAlarm int32         `cbor:"17,keyasint,omitempty"` // M of N
	Rules             []string      `cbor:"18,keyasint,omitempty"` // ids in the group

	State       AlarmState `cbor:"30,keyasint,omitempty"`
	StateReason string     `cbor:"31,keyasint,omitempty"`
	StateTime   Time       `cbor:"32,keyasint,omitempty" time:"since"`
	// RequestTime is when its rules were last requested; while in ALARM they are
	// requested again each period.
	RequestTime Time `cbor:"33,keyasint,omitempty" time:"since"`
}

// AlarmState is what an alarm says.
type AlarmState string

const (
	AlarmOK               AlarmState = "OK"
	AlarmAlarm            AlarmState = "ALARM"
	AlarmInsufficientData AlarmState = "INSUFFICIENT_DATA"
)

// Metric names a number over time.
type Metric struct {
	Source     string            `cbor:"1,keyasint,omitempty"` // "provider", "push", or a metric source's name
	Namespace  string            `cbor:"2,keyasint,omitempty"`
	Name       string            `cbor:"3,keyasint,omitempty"`
	Dimensions map[string]string `cbor:"4,keyasint,omitempty"`
	Statistic  Statistic         `cbor:"5,keyasint,omitempty"`
}

// Statistic folds the samples of a period into one number.
type Statistic string

const (
	StatisticAverage Statistic = "AVERAGE"
	StatisticMinimum Statistic = "MINIMUM"
	StatisticMaximum Statistic = "MAXIMUM"
	StatisticSum     Statistic = "SUM"
	StatisticP50     Statistic = "P50"
	StatisticP90     Statistic = "P90"
	StatisticP99     Statistic = "P99"
)

// Comparison compares a datapoint with the threshold.
type Comparison string

const (
	GreaterThan        Comparison = "GREATER_THAN"
	GreaterThanOrEqual Comparison = "GREATER_THAN_OR_EQUAL"
	LessThan           Comparison = "LESS_THAN"
	LessThanOrEqual    Comparison = "LESS_THAN_OR_EQUAL"
)

// ScheduledTask runs a rule or sets capacity at given times.
type ScheduledTask struct {
	Meta
	Group        UID           `cbor:"10,keyasint,omitempty"`
	Disabled     bool          `cbor:"11,keyasint,omitempty"`
	StartTime    Time          `cbor:"12,keyasint,omitempty" time:"given"` // once, or not before
	Cron         string        `cbor:"13,keyasint,omitempty"`              // empty: once
	TimeZone     string        `cbor:"14,keyasint,omitempty"`
	EndTime      Time          `cbor:"15,keyasint,omitempty" time:"given"`
	LaunchWindow time.Duration `cbor:"16,keyasint,omitempty"`
	Rule         string        `cbor:"17,keyasint,omitempty"` // id in the group, or
	Capacity     *Capacity     `cbor:"18,keyasint,omitempty"`

	// NextRun is the replicated cursor: the run that is due next, computed from
	// the one before and never from now. 0: there is none.
	NextRun Time     `cbor:"30,keyasint,omitempty" time:"cursor"`
	LastRun *LastRun `cbor:"31,keyasint,omitempty"`
	// RetryTime is when a due rule task, refused because its group was busy or
	// paused, is tried again; 0 when none is waiting.
	RetryTime Time `cbor:"32,keyasint,omitempty" time:"cursor"`
}

// Capacity is a set of sizes to apply at once; nil leaves one as it is.
type Capacity struct {
	Min     *int32 `cbor:"1,keyasint,omitempty"`
	Desired *int32 `cbor:"2,keyasint,omitempty"`
	Max     *int32 `cbor:"3,keyasint,omitempty"`
}

// LastRun is how a scheduled task's last run ended.
type LastRun struct {
	Time     Time       `cbor:"1,keyasint,omitempty" time:"history"` // when it was due
	Outcome  RunOutcome `cbor:"2,keyasint,omitempty"`
	Activity ActivityID `cbor:"3,keyasint,omitempty"`
	Reason   string     `cbor:"4,keyasint,omitempty"`
}

// RunOutcome is what became of a scheduled run.
type RunOutcome string

const (
	RunRun     RunOutcome = "RUN"
	RunMissed  RunOutcome = "MISSED"  // the service was away for longer than the launch window
	RunExpired RunOutcome = "EXPIRED" // the group stayed busy or paused for the launch window
	RunRefused RunOutcome = "REFUSED" // for a reason that waiting does not cure
)
