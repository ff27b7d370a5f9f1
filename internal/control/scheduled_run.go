package control

import (
	"cmp"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// scheduleRetry is how often a run whose group is busy or paused is tried again.
const scheduleRetry = 5 * time.Second

// ScheduledTaskWake is when RunScheduledTask has something to do for the task; 0
// is never.
func ScheduledTaskWake(t *autoscaling.ScheduledTask) autoscaling.Time {
	if t.Disabled || t.NextRun == 0 {
		return 0
	}
	return max(t.NextRun, t.RetryTime)
}

// DueScheduledTasks are the group's tasks for which RunScheduledTask has
// something to do, in the order in which they are to be run: by their time, then
// by creation, so that of sizes for the same instant the last ones win.
func DueScheduledTasks(r fsm.Reader, group autoscaling.UID, now autoscaling.Time) []string {
	var due []*autoscaling.ScheduledTask
	for t := range r.ScheduledTasks(group) {
		if wake := ScheduledTaskWake(t); wake != 0 && wake <= now {
			due = append(due, t)
		}
	}
	slices.SortStableFunc(due, func(a, b *autoscaling.ScheduledTask) int {
		return cmp.Or(cmp.Compare(a.NextRun, b.NextRun), cmp.Compare(a.CreateTime, b.CreateTime), cmp.Compare(a.ID, b.ID))
	})
	ids := make([]string, len(due))
	for n, t := range due {
		ids[n] = t.ID
	}
	return ids
}

// RunScheduledTask runs what is due of a task and moves its cursor. Before
// ScheduledTaskWake, or for a task that is gone, it does nothing. Tasks due at
// the same instant are run in the order of DueScheduledTasks.
func (o Operations) RunScheduledTask(tx *fsm.Tx, group autoscaling.UID, id string) error {
	g, was := tx.Group(group), tx.ScheduledTask(group, id)
	if g == nil || was == nil {
		return nil
	}
	if wake := ScheduledTaskWake(was); wake == 0 || wake > tx.Now() {
		return nil
	}
	t := *was
	if g.State == autoscaling.GroupDeleting {
		t.NextRun, t.RetryTime = 0, 0
		tx.PutScheduledTask(&t)
		return nil
	}
	due, err := autoscaling.Due(&t, t.NextRun, tx.Now())
	if err != nil {
		return err
	}
	if due.Missed != 0 {
		passOver(tx, g, &t, due.Missed)
	}
	t.NextRun, t.RetryTime = due.Next, 0
	if due.Run != 0 {
		if err := o.runTask(tx, g, &t, due.Run); err != nil {
			return err
		}
	}
	tx.PutScheduledTask(&t)
	return nil
}

// passOver records a run that does not happen any more: its group was busy until
// now, or nobody was there to run it.
func passOver(tx *fsm.Tx, g *autoscaling.Group, t *autoscaling.ScheduledTask, run autoscaling.Time) {
	last := autoscaling.LastRun{Time: run, Outcome: autoscaling.RunMissed, Reason: "the service was away for longer than the launch window"}
	switch {
	case suspends(g, autoscaling.ProcessScheduled):
		last.Outcome, last.Reason = autoscaling.RunRefused, scheduledSuspended
	case t.RetryTime != 0:
		last.Outcome, last.Reason = autoscaling.RunExpired, "the group was busy or paused until the launch window or the next run"
	}
	ran(tx, g, t, last)
}

const scheduledSuspended = "process SCHEDULED is suspended"

// runTask tries a run. One that is refused for what will pass stays due until its
// window ends.
func (o Operations) runTask(tx *fsm.Tx, g *autoscaling.Group, t *autoscaling.ScheduledTask, run autoscaling.Time) error {
	if suspends(g, autoscaling.ProcessScheduled) {
		ran(tx, g, t, autoscaling.LastRun{Time: run, Outcome: autoscaling.RunRefused, Reason: scheduledSuspended})
		return nil
	}
	activity, err := o.executeTask(tx, g, t)
	last := autoscaling.LastRun{Time: run, Outcome: autoscaling.RunRun}
	switch {
	case err != nil:
		last.Outcome, last.Reason = autoscaling.RunRefused, err.Error()
	case activity == nil:
		last.Reason = "desired capacity did not change"
	case activity.Status != autoscaling.ActivityRejected:
		last.Activity = activity.ID
	default:
		last.Outcome, last.Activity, last.Reason = autoscaling.RunRefused, activity.ID, activity.Message
		if t.Rule != "" && passes(activity.Reason) {
			end := run.Add(t.LaunchWindow)
			if retry := tx.Now().Add(scheduleRetry); tx.Now() < end && (t.NextRun == 0 || retry < t.NextRun) {
				t.NextRun, t.RetryTime = run, min(retry, end)
				return nil
			}
			last.Outcome = autoscaling.RunExpired
		}
	}
	ran(tx, g, t, last)
	return nil
}

// passes says whether what refused a run may end while its window is open.
func passes(r autoscaling.Reason) bool {
	return r == autoscaling.ActivityRunning || r == autoscaling.GroupIsPaused || r == autoscaling.Cooldown
}

// executeTask asks for the task's rule, or sets its sizes. No activity: sizes
// were set, and desired was as they want it.
func (o Operations) executeTask(tx *fsm.Tx, g *autoscaling.Group, t *autoscaling.ScheduledTask) (*autoscaling.Activity, error) {
	source := autoscaling.ScheduledTaskARI(clusterName(tx.Reader), g.Namespace, g.ID, t.ID)
	if t.Rule != "" {
		return o.ExecuteRule(tx, ExecuteRuleRequest{
			Name: ChildName{g.Namespace, g.ID, t.Rule}, Trigger: autoscaling.TriggerScheduled, Source: source,
		})
	}
	a := asking{
		trigger: autoscaling.Trigger{Kind: autoscaling.TriggerScheduled, Source: source},
		kind:    autoscaling.ScaleOut, subject: t.ID,
		who:      "scheduled task " + t.ID + " set sizes",
		cooldown: g.DefaultCooldown,
	}
	return o.setSizes(tx, g, t.Capacity, &a)
}

// setSizes sets what is named of min, desired and max. Desired that is not named
// moves into the bounds.
func (o Operations) setSizes(tx *fsm.Tx, was *autoscaling.Group, c *autoscaling.Capacity, a *asking) (*autoscaling.Activity, error) {
	g := *was
	set := func(size *int32, to *int32) {
		if to != nil {
			*size = *to
		}
	}
	set(&g.Min, c.Min)
	set(&g.Max, c.Max)
	set(&g.Desired, c.Desired)
	if sameSpec(&g, was) {
		return nil, nil
	}
	if g.Desired < was.Desired {
		a.kind = autoscaling.ScaleIn
	}
	if g.Min > g.Max {
		return o.refuse(tx, was, a, refusef(autoscaling.OutOfRange, "min_size %d is above max_size %d of group %s", g.Min, g.Max, g.ID)), nil
	}
	activity, r := o.reshape(tx, was, g, c.Desired != nil, a)
	if r != nil {
		return o.refuse(tx, was, a, r), nil
	}
	return activity, nil
}

// ran records how a run ended.
func ran(tx *fsm.Tx, g *autoscaling.Group, t *autoscaling.ScheduledTask, last autoscaling.LastRun) {
	t.LastRun = &last
	e := groupEvent(g, autoscaling.EventTaskRun, t.ID, string(last.Outcome))
	if last.Reason != "" {
		e.Message += ": " + last.Reason
	}
	e.Activity = last.Activity
	e.Details = details("outcome", string(last.Outcome), "due", last.Time.String())
	tx.Emit(e)
}
