package scheduler

import (
	"context"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/metrics"
)

// alarms evaluates the alarm tasks of all groups on the samples in memory. Only
// a change of state, or a request that is due again, is written.
type alarms struct {
	t *term

	mu     sync.Mutex
	groups map[autoscaling.UID]struct{} // those with an enabled alarm
}

// maxAlarmsAtOnce bounds the alarms reported in one function of the writer.
const maxAlarmsAtOnce = 100

func newAlarms(t *term) *alarms {
	return &alarms{t: t, groups: map[autoscaling.UID]struct{}{}}
}

// note remembers whether a group has alarms to evaluate.
func (a *alarms) note(v fsm.View, group autoscaling.UID) {
	has := false
	for alarm := range v.AlarmTasks(group) {
		has = has || !alarm.Disabled
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if has {
		a.groups[group] = struct{}{}
	} else if len(a.groups) > 0 {
		delete(a.groups, group)
	}
}

func (a *alarms) run(ctx context.Context) {
	for sleep(ctx, a.t.Limits.AlarmInterval) {
		due := a.evaluate()
		for len(due) > 0 && ctx.Err() == nil {
			n := min(len(due), maxAlarmsAtOnce)
			a.write(ctx, due[:n])
			due = due[n:]
		}
	}
}

// evaluate looks at every alarm and returns the reports that would change
// something.
func (a *alarms) evaluate() []control.AlarmReport {
	a.mu.Lock()
	groups := make([]autoscaling.UID, 0, len(a.groups))
	for uid := range a.groups {
		groups = append(groups, uid)
	}
	a.mu.Unlock()
	view, now := a.t.State.View(), a.t.Now()
	var due []control.AlarmReport
	for _, uid := range groups {
		g := view.Group(uid)
		if g == nil || (g.State != autoscaling.GroupActive && g.State != autoscaling.GroupPaused) {
			continue
		}
		for alarm := range view.AlarmTasks(uid) {
			if r, ok := a.look(view, g, alarm, now); ok {
				due = append(due, r)
			}
		}
	}
	return due
}

// look evaluates one alarm; it returns false when there is nothing to write.
func (a *alarms) look(v fsm.View, g *autoscaling.Group, alarm *autoscaling.AlarmTask, now autoscaling.Time) (control.AlarmReport, bool) {
	if alarm.Disabled {
		return control.AlarmReport{}, false
	}
	w := metrics.Window{Metric: alarm.Metric, Period: alarm.Period, Periods: max(alarm.EvaluationPeriods, 1), Until: now, Born: g.CreateTime}
	e := autoscaling.EvaluateAlarm(alarm, a.t.Samples.Datapoints(g.UID, w))
	young := now.Add(-time.Duration(w.Periods)*w.Period) < g.CreateTime
	r := control.AlarmReport{Group: g.UID, ID: alarm.ID, Evaluation: e, HoldScaleIn: e.Partial || young || a.t.grace()}
	return r, control.AlarmReportDue(v.Reader, r, now)
}

// write writes reports together; when one spoils it, each on its own.
func (a *alarms) write(ctx context.Context, reports []control.AlarmReport) {
	err := a.t.do(ctx, func(tx *fsm.Tx, o control.Operations) error {
		for _, r := range reports {
			if err := o.ReportAlarm(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil || ctx.Err() != nil || lost(err):
	case len(reports) == 1:
		a.t.complain("alarm not reported", err)
		group, message := reports[0].Group, "alarm "+reports[0].ID+": "+err.Error()
		a.t.post(func(context.Context) {
			a.t.group(group).degraded = true
			a.t.reporter.report(fact{apply: reportDegraded(group, message)})
		})
	default:
		for _, r := range reports {
			a.write(ctx, []control.AlarmReport{r})
		}
	}
}
