package autoscaling

// ValidateSchedule checks a scheduled task by itself. Whether a single run still
// can be started is the operations' to see to: they know what time it is.
func ValidateSchedule(t *ScheduledTask) error {
	if err := checkRange("launch_window", t.LaunchWindow, 0, maxDuration); err != nil {
		return err
	}
	if t.StartTime < 0 || t.EndTime < 0 {
		return FieldErrorf("start_time", "is before 1970")
	}
	if _, err := ParseZone(t.TimeZone); err != nil {
		return FieldErrorf("time_zone", "%v", err)
	}
	if t.Cron == "" {
		switch {
		case t.StartTime == 0:
			return FieldErrorf("start_time", "is required without cron")
		case t.EndTime != 0:
			return FieldErrorf("end_time", "is for cron only: this task runs once")
		}
	} else {
		if _, err := ParseCron(t.Cron, t.TimeZone); err != nil {
			return FieldErrorf("cron", "%v", err)
		}
		if t.EndTime != 0 && t.EndTime < t.StartTime {
			return FieldErrorf("end_time", "%s is before start_time %s", t.EndTime, t.StartTime)
		}
	}
	switch {
	case t.Rule == "" && t.Capacity == nil:
		return FieldErrorf("rule", "what to do is required: a rule or capacity")
	case t.Rule != "" && t.Capacity != nil:
		return FieldErrorf("capacity", "a task runs a rule or sets capacity, not both")
	case t.Capacity != nil:
		return checkCapacity(t.Capacity)
	}
	return nil
}

func checkCapacity(c *Capacity) error {
	if c.Min == nil && c.Desired == nil && c.Max == nil {
		return FieldErrorf("capacity", "names no size")
	}
	for _, s := range []struct {
		field string
		size  *int32
	}{{"capacity.min_size", c.Min}, {"capacity.desired_capacity", c.Desired}, {"capacity.max_size", c.Max}} {
		if s.size != nil {
			if err := checkRange(s.field, *s.size, 0, MaxSize); err != nil {
				return err
			}
		}
	}
	switch {
	case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
		return FieldErrorf("capacity.min_size", "%d is above max_size %d", *c.Min, *c.Max)
	case c.Desired != nil && c.Min != nil && *c.Desired < *c.Min:
		return FieldErrorf("capacity.desired_capacity", "%d is below min_size %d", *c.Desired, *c.Min)
	case c.Desired != nil && c.Max != nil && *c.Desired > *c.Max:
		return FieldErrorf("capacity.desired_capacity", "%d is above max_size %d", *c.Desired, *c.Max)
	}
	return nil
}
