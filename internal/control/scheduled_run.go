package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ScheduledTaskWake is when RunScheduledTask has something to do for the task; 0
// is never.
func ScheduledTaskWake(t *autoscaling.ScheduledTask) autoscaling.Time {
	panic("control: being written")
}

// RunScheduledTask runs what is due of a task and moves its cursor. Before
// ScheduledTaskWake, or for a task that is gone, it does nothing. Tasks due at
// the same instant are run by order of creation; the caller sees to that.
func (o Operations) RunScheduledTask(tx *fsm.Tx, group autoscaling.UID, id string) error {
	panic("control: being written")
}
