package autoscaling

import (
	"errors"
	"testing"
	"time"
)

// refused checks that err is an INVALID_ARGUMENT about the field; "" is no error.
func refused(t *testing.T, err error, field string) {
	t.Helper()
	var e *Error
	switch {
	case field == "" && err == nil:
	case field == "":
		t.Errorf("refused: %v", err)
	case !errors.As(err, &e) || e.Reason != InvalidArgument || e.Field != field:
		t.Errorf("%+v, want one about %s", err, field)
	}
}

func TestValidateGroup(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*GroupSpec)
		field  string
	}{
		"the default":               {func(g *GroupSpec) {}, ""},
		"negative min":              {func(g *GroupSpec) { g.Min = -1 }, "min_size"},
		"huge max":                  {func(g *GroupSpec) { g.Max = MaxSize + 1 }, "max_size"},
		"negative desired":          {func(g *GroupSpec) { g.Desired = -1 }, "desired_capacity"},
		"min above max":             {func(g *GroupSpec) { g.Min, g.Max = 5, 4 }, "min_size"},
		"a zone twice":              {func(g *GroupSpec) { g.Zones = []Zone{{Name: "a"}, {Name: "a"}} }, "zones[1]"},
		"a zone without a name":     {func(g *GroupSpec) { g.Zones = []Zone{{}} }, "zones[0].zone"},
		"an unknown policy":         {func(g *GroupSpec) { g.TerminationPolicies = []TerminationRule{"YOUNGEST"} }, "termination_policies[0]"},
		"negative cooldown":         {func(g *GroupSpec) { g.DefaultCooldown = -time.Second }, "default_cooldown"},
		"a cooldown of two days":    {func(g *GroupSpec) { g.DefaultCooldown = 48 * time.Hour }, "default_cooldown"},
		"a probe without its check": {func(g *GroupSpec) { g.HealthCheck.Types = []HealthType{HealthProbe} }, "health_check.probe"},
		"a probe of no path": {func(g *GroupSpec) {
			g.HealthCheck.Probe = &Probe{HTTPPath: "healthz", Interval: time.Second, Timeout: time.Second, UnhealthyThreshold: 1, HealthyThreshold: 1}
		}, "health_check.probe.http"},
		"a hasty probe": {func(g *GroupSpec) {
			g.HealthCheck.Probe = &Probe{Interval: time.Millisecond, Timeout: time.Second, UnhealthyThreshold: 1, HealthyThreshold: 1}
		}, "health_check.probe.interval"},
		"a storm of nothing": {func(g *GroupSpec) { g.HealthCheck.StormThreshold = 0 }, "health_check.storm_threshold"},
		"a pool twice": {func(g *GroupSpec) {
			g.Balancers = []BalancerRef{{Provider: "e", Pool: "w"}, {Provider: "e", Pool: "w", Weight: 2}}
		}, "balancers[1]"},
		"a pool with two ports": {func(g *GroupSpec) {
			g.Balancers = []BalancerRef{{Provider: "e", Pool: "w"}, {Provider: "e", Pool: "w", Port: 2}}
		}, ""},
		"a port that is none":      {func(g *GroupSpec) { g.Balancers = []BalancerRef{{Provider: "e", Pool: "w", Port: 65536}} }, "balancers[0].port"},
		"a list without a name":    {func(g *GroupSpec) { g.AccessLists = []AccessListRef{{Provider: "files"}} }, "access_lists[0].list"},
		"an unknown process":       {func(g *GroupSpec) { g.Suspended = []Process{"SLEEP"} }, "suspended_processes[0]"},
		"no failure limit":         {func(g *GroupSpec) { g.LaunchFailureLimit = 0 }, "launch_failure_limit"},
		"an unknown protection":    {func(g *GroupSpec) { g.DeletionProtection = "SOME" }, "deletion_protection"},
		"an unknown cooldown kind": {func(g *GroupSpec) { g.CooldownScope = "" }, "cooldown_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			g := DefaultGroupSpec()
			g.Max = 10
			c.change(&g)
			refused(t, ValidateGroup(&g), c.field)
		})
	}
}

func TestNormalizeGroup(t *testing.T) {
	g := GroupSpec{Suspended: []Process{ProcessTerminate, ProcessAlarm, ProcessTerminate}}
	NormalizeGroup(&g)
	if len(g.Suspended) != 2 || g.Suspended[0] != ProcessAlarm || g.Zones[0].Name != DefaultZone || g.HealthCheck.Types[0] != HealthProvider {
		t.Errorf("%+v", g)
	}
}

func TestValidateTemplate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Template)
		field  string
	}{
		"the least":                {func(t *Template) {}, ""},
		"no provider":              {func(t *Template) { t.Provider = "" }, "provider"},
		"negative cpu":             {func(t *Template) { t.CPUMillis = -1 }, "cpu_millis"},
		"a port twice":             {func(t *Template) { t.Ports = []int32{80, 80} }, "ports[1]"},
		"port 0":                   {func(t *Template) { t.Ports = []int32{0} }, "ports[0]"},
		"no name of a variable":    {func(t *Template) { t.Env = map[string]string{"A B": ""} }, "env"},
		"a type twice":             {func(t *Template) { t.InstanceTypes = []InstanceType{{"a", 1}, {"a", 2}} }, "instance_types[1]"},
		"a type without weight":    {func(t *Template) { t.InstanceTypes = []InstanceType{{"a", 0}} }, "instance_types[0].weight"},
		"a disk of nothing":        {func(t *Template) { t.Disks = []Disk{{}} }, "disks[0].size_gib"},
		"much user data":           {func(t *Template) { t.UserData = string(make([]byte, 65<<10)) }, "user_data"},
		"settings that are a list": {func(t *Template) { t.ProviderConfig = []byte(`[1]`) }, "provider_config"},
		"settings that are null":   {func(t *Template) { t.ProviderConfig = []byte(`null`) }, "provider_config"},
		"a long stop":              {func(t *Template) { t.StopTimeout = 2 * time.Hour }, "stop_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			template := Template{Provider: "sim"}
			c.change(&template)
			refused(t, ValidateTemplate(&template), c.field)
		})
	}
}

func TestValidateRule(t *testing.T) {
	day := 25 * time.Hour
	for name, c := range map[string]struct {
		rule  *SimpleRule
		field string
	}{
		"no kind":                     {nil, "simple"},
		"add two":                     {&SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 2}, ""},
		"no type":                     {&SimpleRule{Adjustment: 2}, "simple.adjustment_type"},
		"exactly less than nothing":   {&SimpleRule{AdjustmentType: ExactCapacity, Adjustment: -1}, "simple.adjustment"},
		"too much":                    {&SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: MaxSize + 1}, "simple.adjustment"},
		"a floor on no change":        {&SimpleRule{AdjustmentType: ExactPercent, Adjustment: 50, MinAdjustmentMagnitude: 1}, "simple.min_adjustment_magnitude"},
		"a cooldown of more than day": {&SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 1, Cooldown: &day}, "simple.cooldown"},
		"another way of rounding":     {&SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 1, Rounding: "UP"}, "simple.rounding"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, ValidateRule(&Rule{Simple: c.rule}), c.field) })
	}
}

func TestValidateAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*AlarmTask)
		field  string
	}{
		"a good one":             {func(a *AlarmTask) {}, ""},
		"no metric":              {func(a *AlarmTask) { a.Metric.Name = "" }, "metric.name"},
		"an unknown statistic":   {func(a *AlarmTask) { a.Metric.Statistic = "P12" }, "metric.statistic"},
		"a period of nothing":    {func(a *AlarmTask) { a.Period = 0 }, "period"},
		"no comparison":          {func(a *AlarmTask) { a.Comparison = "" }, "comparison"},
		"more points than there": {func(a *AlarmTask) { a.DatapointsToAlarm = 4 }, "datapoints_to_alarm"},
		"no rule":                {func(a *AlarmTask) { a.Rules = nil }, "rules"},
		"a rule twice":           {func(a *AlarmTask) { a.Rules = []string{"a", "a"} }, "rules[1]"},
		"no number":              {func(a *AlarmTask) { a.Threshold = 1 / zero }, "threshold"},
	} {
		t.Run(name, func(t *testing.T) {
			a := DefaultAlarmTask()
			a.Metric.Name, a.Comparison, a.EvaluationPeriods, a.DatapointsToAlarm, a.Rules = "cpu_utilization", GreaterThan, 3, 2, []string{"r"}
			a.Threshold = 70
			c.change(&a)
			refused(t, ValidateAlarm(&a), c.field)
		})
	}
}

func TestValidateSchedule(t *testing.T) {
	n := func(i int32) *int32 { return &i }
	for name, c := range map[string]struct {
		task  ScheduledTask
		field string
	}{
		"once":                     {ScheduledTask{StartTime: 1, Rule: "r"}, ""},
		"cron":                     {ScheduledTask{Cron: "0 8 * * *", TimeZone: "Europe/Berlin", Rule: "r"}, ""},
		"never":                    {ScheduledTask{Rule: "r"}, "start_time"},
		"once, with an end":        {ScheduledTask{StartTime: 1, EndTime: 2, Rule: "r"}, "end_time"},
		"an end before the start":  {ScheduledTask{Cron: "0 8 * * *", StartTime: 2, EndTime: 1, Rule: "r"}, "end_time"},
		"no cron":                  {ScheduledTask{Cron: "daily", Rule: "r"}, "cron"},
		"no zone":                  {ScheduledTask{Cron: "0 8 * * *", TimeZone: "Moon", Rule: "r"}, "time_zone"},
		"nothing to do":            {ScheduledTask{StartTime: 1}, "rule"},
		"two things to do":         {ScheduledTask{StartTime: 1, Rule: "r", Capacity: &Capacity{Min: n(1)}}, "capacity"},
		"no size":                  {ScheduledTask{StartTime: 1, Capacity: &Capacity{}}, "capacity"},
		"a negative size":          {ScheduledTask{StartTime: 1, Capacity: &Capacity{Max: n(-1)}}, "capacity.max_size"},
		"min above max":            {ScheduledTask{StartTime: 1, Capacity: &Capacity{Min: n(2), Max: n(1)}}, "capacity.min_size"},
		"desired above max":        {ScheduledTask{StartTime: 1, Capacity: &Capacity{Desired: n(2), Max: n(1)}}, "capacity.desired_capacity"},
		"a window of two days":     {ScheduledTask{StartTime: 1, Rule: "r", LaunchWindow: 48 * time.Hour}, "launch_window"},
		"a window that is too low": {ScheduledTask{StartTime: 1, Rule: "r", LaunchWindow: -1}, "launch_window"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, ValidateSchedule(&c.task), c.field) })
	}
}

func TestValidateMeta(t *testing.T) {
	many := map[string]string{}
	for n := range 65 {
		many[string(rune('a'+n/26))+string(rune('a'+n%26))] = ""
	}
	refused(t, ValidateMeta("group_id", &Meta{ID: "web"}), "")
	refused(t, ValidateMeta("group_id", &Meta{ID: "Web"}), "group_id")
	refused(t, ValidateMeta("group_id", &Meta{ID: "web", Labels: many}), "labels")
	refused(t, ValidateMeta("group_id", &Meta{ID: "web", ExternalNames: map[string]string{"aws": ""}}), "external_names[aws]")
}

func TestCanScaleIn(t *testing.T) {
	for _, c := range []struct {
		rule *SimpleRule
		want bool
	}{
		{nil, false},
		{&SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 2}, false},
		{&SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: -2}, true},
		{&SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: -2}, true},
		{&SimpleRule{AdjustmentType: ExactCapacity, Adjustment: 9}, true},
		{&SimpleRule{AdjustmentType: ExactPercent, Adjustment: 99}, true},
		{&SimpleRule{AdjustmentType: ExactPercent, Adjustment: 100}, false},
	} {
		if got := (&Rule{Simple: c.rule}).CanScaleIn(); got != c.want {
			t.Errorf("%+v: %v", c.rule, got)
		}
	}
}

var zero = 0.0

func TestAnAlarmOnSamplesOfTheGroupHasNoScope(t *testing.T) {
	for field, m := range map[string]Metric{
		"metric.namespace":  {Source: MetricSourceProvider, Name: "cpu_utilization", Namespace: "n"},
		"metric.dimensions": {Source: MetricSourcePush, Name: "requests", Dimensions: map[string]string{"host": "a"}},
	} {
		var refused *Error
		if err := validateMetricScope(m); !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("%+v: got %v, want %s refused", m, err, field)
		}
	}
}
