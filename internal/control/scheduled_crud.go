package control

import (
	"reflect"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateScheduledTaskRequest asks for a new scheduled task. Of Task the fields
// of the spec are read; it begins as autoscaling.DefaultScheduledTask.
type CreateScheduledTaskRequest struct {
	Caller
	Parent GroupName
	NewMeta
	Task autoscaling.ScheduledTask
}

// UpdateScheduledTaskRequest asks for a change of a scheduled task. Change edits
// a copy; Capacity is replaced, not changed in place.
type UpdateScheduledTaskRequest struct {
	Caller
	Name   ChildName
	Etag   string
	Change func(*autoscaling.ScheduledTask) error
}

// DeleteScheduledTaskRequest asks to delete a scheduled task.
type DeleteScheduledTaskRequest struct {
	Caller
	Name ChildName
	Etag string
}

// CreateScheduledTask makes a scheduled task with its first run.
func (o Operations) CreateScheduledTask(tx *fsm.Tx, req CreateScheduledTaskRequest) (*autoscaling.ScheduledTask, error) {
	g, err := changeableGroup(tx, req.Parent)
	if err != nil {
		return nil, err
	}
	t := req.Task
	t.Meta, t.Group = newMeta(tx, g.Namespace, req.NewMeta), g.UID
	t.NextRun, t.LastRun, t.RetryTime = 0, nil, 0
	if err := autoscaling.ValidateMeta("scheduled_task_id", &t.Meta); err != nil {
		return nil, err
	}
	if tx.ScheduledTask(g.UID, t.ID) != nil {
		return nil, alreadyExists(autoscaling.ScheduledTaskResource(g.Namespace, g.ID, t.ID))
	}
	if err := checkTask(tx, g, &t); err != nil {
		return nil, err
	}
	if err := checkLimit("scheduled tasks in group "+g.ID, tx.ScheduledTasks(g.UID), MaxChildren); err != nil {
		return nil, err
	}
	if err := plan(tx, &t); err != nil {
		return nil, err
	}
	t.UID = tx.NewUID()
	tx.PutScheduledTask(&t)
	tx.Emit(groupEvent(g, autoscaling.EventTaskCreated, t.ID, "next run "+t.NextRun.String()))
	return &t, nil
}

// UpdateScheduledTask changes a scheduled task; other times start its cursor anew.
func (o Operations) UpdateScheduledTask(tx *fsm.Tx, req UpdateScheduledTaskRequest) (*autoscaling.ScheduledTask, error) {
	g, was, err := FindScheduledTask(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkChild(g, autoscaling.ScheduledTaskResource(g.Namespace, g.ID, was.ID), req.Etag, &was.Meta); err != nil {
		return nil, err
	}
	t := *was
	if err := req.Change(&t); err != nil {
		return nil, err
	}
	t.Meta, t.Group = fixedMeta(was.Meta, t.Meta), was.Group
	t.NextRun, t.LastRun, t.RetryTime = was.NextRun, was.LastRun, was.RetryTime
	if err := checkTask(tx, g, &t); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(t, *was) {
		return was, nil
	}
	if timesDiffer(&t, was) {
		if err := plan(tx, &t); err != nil {
			return nil, err
		}
	}
	touch(tx, &t.Meta)
	tx.PutScheduledTask(&t)
	tx.Emit(groupEvent(g, autoscaling.EventTaskUpdated, t.ID, "next run "+t.NextRun.String()))
	return &t, nil
}

// DeleteScheduledTask deletes a scheduled task.
func (o Operations) DeleteScheduledTask(tx *fsm.Tx, req DeleteScheduledTaskRequest) error {
	g, t, err := FindScheduledTask(tx.Reader, req.Name)
	if err != nil {
		return err
	}
	if err := checkChild(g, autoscaling.ScheduledTaskResource(g.Namespace, g.ID, t.ID), req.Etag, &t.Meta); err != nil {
		return err
	}
	tx.DeleteScheduledTask(g.UID, t.ID)
	tx.Emit(groupEvent(g, autoscaling.EventTaskDeleted, t.ID, ""))
	return nil
}

// checkTask checks a task, with the rule that it refers to.
func checkTask(tx *fsm.Tx, g *autoscaling.Group, t *autoscaling.ScheduledTask) error {
	if err := autoscaling.ValidateMeta("scheduled_task_id", &t.Meta); err != nil {
		return err
	}
	if err := autoscaling.ValidateSchedule(t); err != nil {
		return err
	}
	if t.Rule != "" {
		_, r, err := FindRule(tx.Reader, ChildName{g.Namespace, g.ID, t.Rule})
		if err != nil {
			return err
		}
		t.Rule = r.ID
	}
	return checkExternalNames(&t.Meta, inGroups(tx.Groups(t.Namespace), func(t *autoscaling.ScheduledTask) *autoscaling.Meta { return &t.Meta }, tx.ScheduledTasks))
}

func timesDiffer(a, b *autoscaling.ScheduledTask) bool {
	return a.StartTime != b.StartTime || a.Cron != b.Cron || a.TimeZone != b.TimeZone || a.EndTime != b.EndTime || a.Disabled != b.Disabled
}

// plan sets the cursor of a task whose times are new: what is past is past, but
// for a single run that still may start.
func plan(tx *fsm.Tx, t *autoscaling.ScheduledTask) error {
	t.NextRun, t.RetryTime = 0, 0
	if t.Disabled {
		return nil
	}
	if t.Cron == "" {
		if tx.Now() > t.StartTime.Add(t.LaunchWindow) {
			return autoscaling.FieldErrorf("start_time", "%s is past, and so is its launch window of %s", t.StartTime, t.LaunchWindow)
		}
		t.NextRun = t.StartTime
		return nil
	}
	next, err := autoscaling.NextRun(t, tx.Now())
	if err != nil {
		return err
	}
	if next == 0 {
		return autoscaling.FieldErrorf("end_time", "there is no run of %q before %s", t.Cron, t.EndTime)
	}
	t.NextRun = next
	return nil
}
