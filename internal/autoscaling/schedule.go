package autoscaling

// NextRun is the task's first run strictly after the instant, 0 when there is
// none. Runs follow from the task alone, never from when somebody looks: a node
// that was away finds the same ones.
func NextRun(t *ScheduledTask, after Time) (Time, error) {
	if t.Cron == "" {
		if t.StartTime > after {
			return t.StartTime, nil
		}
		return 0, nil
	}
	c, err := ParseCron(t.Cron, t.TimeZone)
	if err != nil {
		return 0, err
	}
	// A run at the very start is one.
	run := c.Next(max(after, t.StartTime-1))
	if t.EndTime != 0 && run > t.EndTime {
		return 0, nil
	}
	return run, nil
}

// DueRuns is what a cursor that stands at a due run has before it.
type DueRuns struct {
	// Run is the newest due run that may still start; 0 when all are too late.
	Run Time
	// Missed is the newest due run that was passed over; 0 when there is none.
	Missed Time
	// Next is the first run that is not due yet; 0 when there is none.
	Next Time
}

// Due looks at the runs from the cursor (a run of the task, not after now)
// until now: the newest inside its window runs, once; older ones are missed.
//
// Runs that are long past are not looked at one by one: the search goes on where
// a window could still be open, and a window is at most a day.
func Due(t *ScheduledTask, cursor, now Time) (DueRuns, error) {
	window := max(t.LaunchWindow, LaunchSlack)
	var d DueRuns
	run := cursor
	if now > cursor.Add(window) {
		d.Missed = cursor
		next, err := NextRun(t, max(cursor, now.Add(-window)-1))
		if err != nil {
			return DueRuns{}, err
		}
		run = next
	}
	for run != 0 && run <= now {
		if d.Run != 0 {
			d.Missed = d.Run
		}
		d.Run = run
		next, err := NextRun(t, run)
		if err != nil {
			return DueRuns{}, err
		}
		run = next
	}
	d.Next = run
	return d, nil
}
