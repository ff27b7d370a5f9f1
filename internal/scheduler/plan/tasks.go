package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// tasks runs what is due of the scheduled tasks. Those of the same instant run
// in the order in which they were created.
func (l *look) tasks() {
	var due []*autoscaling.ScheduledTask
	for t := range l.r.ScheduledTasks(l.g.UID) {
		switch wake := control.ScheduledTaskWake(t); {
		case wake == 0:
		case l.now < wake:
			l.wake(wake)
		default:
			due = append(due, t)
		}
	}
	slices.SortFunc(due, func(a, b *autoscaling.ScheduledTask) int {
		return cmp.Or(cmp.Compare(control.ScheduledTaskWake(a), control.ScheduledTaskWake(b)),
			cmp.Compare(a.CreateTime, b.CreateTime), strings.Compare(a.ID, b.ID))
	})
	for _, t := range due {
		group, id := l.g.UID, t.ID
		l.decide("scheduled task "+id, func(tx *fsm.Tx, o control.Operations) error { return o.RunScheduledTask(tx, group, id) })
	}
}
