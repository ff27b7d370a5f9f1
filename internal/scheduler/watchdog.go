package scheduler

import "github.com/asctl/as/internal/autoscaling"

// watchdog keeps the gauge of instances past their deadlines: every pass tells it
// what its group has of them. It belongs to the loop's goroutine.
type watchdog struct {
	meter *meter
	total [autoscaling.StateCount]int32
}

// see replaces what the group had by what it has now.
func (w *watchdog) see(g *groupState, now [autoscaling.StateCount]int32) {
	if g.overdue == now {
		return
	}
	for s := range now {
		w.total[s] += now[s] - g.overdue[s]
	}
	g.overdue = now
	w.show()
}

// end is for the end of a term: who does not lead knows nothing of it.
func (w *watchdog) end() {
	w.total = [autoscaling.StateCount]int32{}
	w.show()
}

// show sets the gauge of each state that has a deadline, from the first term on:
// an alert on it needs a series that is there while nothing is wrong.
func (w *watchdog) show() {
	for _, row := range autoscaling.Lifecycle {
		if row.Deadline != "" || w.total[row.State] > 0 {
			w.meter.overdue.WithLabelValues(row.State.String()).Set(float64(w.total[row.State]))
		}
	}
}
