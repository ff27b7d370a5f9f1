package controltest

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// expire does what is due at the deadlines of those who got no answer.
func (w *World) expire(group autoscaling.UID) {
	g := w.View().Group(group)
	for _, i := range slices.Collect(w.View().Instances(group)) {
		if d := control.DeadlineOf(g, i); d != 0 && w.Now >= d {
			w.MustDo(func(tx *fsm.Tx) error { return w.Ops.ExpireDeadline(tx, group, i.ID) })
		}
	}
}

// Gone reports that an instance's machine has ended by itself.
func (w *World) Gone(i *autoscaling.Instance) {
	w.MustDo(func(tx *fsm.Tx) error {
		return w.Ops.ReportMachineGone(tx, control.MachineGone{Group: i.Group, Instance: i.ID, Message: "killed"})
	})
}

// Expire does what is due at passed deadlines, and answers nothing: the world is
// late.
func (w *World) Expire() {
	for g := range w.View().Groups("") {
		w.expire(g.UID)
	}
}
