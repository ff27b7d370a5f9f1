package autoscaling

import "time"

// DefaultGroupSpec is a group about which nothing was said. Desired is min
// unless the caller names it.
func DefaultGroupSpec() GroupSpec {
	return GroupSpec{
		DesiredMode:        DesiredMaintained,
		Zones:              []Zone{{Name: DefaultZone}},
		ZonePolicy:         ZoneBalanced,
		DefaultCooldown:    300 * time.Second,
		CooldownScope:      CooldownAlarms,
		HealthCheck:        HealthCheck{Types: []HealthType{HealthProvider}, StormThreshold: 50},
		LaunchTimeout:      600 * time.Second,
		LaunchFailureLimit: 10,
		DeletionProtection: ProtectionNone,
		Maintenance:        Maintenance{MinHealthyPercent: 90, MaxHealthyPercent: 110},
	}
}

// DefaultZone is the zone of a group that names none.
const DefaultZone = "default"

// Defaults of what hangs below a group.
const (
	DefaultBalancerWeight     = 1
	DefaultDrainTimeout       = 30 * time.Second
	DefaultStopTimeout        = 30 * time.Second
	DefaultProbeInterval      = 10 * time.Second
	DefaultProbeTimeout       = 5 * time.Second
	DefaultUnhealthyThreshold = 3
	DefaultHealthyThreshold   = 1
)

// DefaultAlarmTask is an alarm about which nothing was said.
func DefaultAlarmTask() AlarmTask {
	return AlarmTask{
		Metric:            Metric{Source: MetricSourcePush, Statistic: StatisticAverage},
		Period:            60 * time.Second,
		EvaluationPeriods: 1,
		State:             AlarmInsufficientData,
	}
}

// The metric sources that always exist.
const (
	MetricSourceProvider = "provider"
	MetricSourcePush     = "push"
)

// LaunchSlack is by how much a run may be late even where the launch window says
// less: a change of leader must not lose the runs of a task without a window.
const LaunchSlack = 10 * time.Second

// DefaultScheduledTask is a scheduled task about which nothing was said.
func DefaultScheduledTask() ScheduledTask {
	return ScheduledTask{TimeZone: "UTC", LaunchWindow: 600 * time.Second}
}
