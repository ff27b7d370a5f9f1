package plan

import (
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// tasks runs what is due of the scheduled tasks, in one function: decisions reach
// the writer in any order, and of sizes for the same instant the last ones win.
func (l *look) tasks() {
	due := false
	for t := range l.r.ScheduledTasks(l.g.UID) {
		switch wake := control.ScheduledTaskWake(t); {
		case wake == 0:
		case l.now < wake:
			l.wake(wake)
		default:
			due = true
		}
	}
	if !due {
		return
	}
	group := l.g.UID
	l.decide("scheduled tasks", func(tx *fsm.Tx, o control.Operations) error {
		for _, id := range control.DueScheduledTasks(tx.Reader, group, tx.Now()) {
			if err := o.RunScheduledTask(tx, group, id); err != nil {
				return err
			}
		}
		return nil
	})
}
