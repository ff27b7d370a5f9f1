package control

import (
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
	panic("control: being written")
}

// UpdateScheduledTask changes a scheduled task; other times start its cursor anew.
func (o Operations) UpdateScheduledTask(tx *fsm.Tx, req UpdateScheduledTaskRequest) (*autoscaling.ScheduledTask, error) {
	panic("control: being written")
}

// DeleteScheduledTask deletes a scheduled task.
func (o Operations) DeleteScheduledTask(tx *fsm.Tx, req DeleteScheduledTaskRequest) error {
	panic("control: being written")
}
