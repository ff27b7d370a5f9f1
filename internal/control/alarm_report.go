package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// AlarmReport is what an evaluation of an alarm found.
type AlarmReport struct {
	Group      autoscaling.UID
	ID         string
	Evaluation autoscaling.AlarmEvaluation
	// HoldScaleIn keeps rules that would make the group smaller from being
	// requested now, e.g. just after a change of leader or on a part of a window;
	// they are requested with a later report.
	HoldScaleIn bool
}

// AlarmReportDue reports whether ReportAlarm would write anything: the state
// differs, or it is time to request the rules again. The scheduler checks that
// before it troubles the writer.
func AlarmReportDue(r fsm.Reader, req AlarmReport, now autoscaling.Time) bool {
	g, a := r.Group(req.Group), r.AlarmTask(req.Group, req.ID)
	if g == nil || a == nil || g.State == autoscaling.GroupDeleting || a.Disabled || req.Evaluation.Undecided {
		return false
	}
	return req.Evaluation.State != a.State || requestDue(a, now) && !holdsRequest(r, g, a, req)
}

// requestDue reports whether an alarm that is in ALARM requests its rules now: on
// entering it, and again each period.
func requestDue(a *autoscaling.AlarmTask, now autoscaling.Time) bool {
	return a.State == autoscaling.AlarmAlarm && (a.RequestTime == 0 || now >= a.RequestTime.Add(a.Period))
}

// holdsRequest reports whether the report may not lead to a request now.
func holdsRequest(r fsm.Reader, g *autoscaling.Group, a *autoscaling.AlarmTask, req AlarmReport) bool {
	if !req.HoldScaleIn {
		return false
	}
	rule := largestWish(r, g, a)
	return rule != nil && wish(g, rule) < g.Desired
}

// ReportAlarm records the alarm's state and, on entering ALARM and again each
// period while it stays there, executes its rules. An alarm that is gone or
// disabled, or whose group is being deleted, is left alone.
//
// Missing data neither ends a breach nor begins another: an alarm that comes back
// to ALARM by way of INSUFFICIENT_DATA only requests again once its period is over.
func (o Operations) ReportAlarm(tx *fsm.Tx, req AlarmReport) error {
	if !AlarmReportDue(tx.Reader, req, tx.Now()) {
		return nil
	}
	g, was := tx.Group(req.Group), tx.AlarmTask(req.Group, req.ID)
	a := *was
	a.StateReason = req.Evaluation.Reason
	if a.State != req.Evaluation.State {
		a.State, a.StateTime = req.Evaluation.State, tx.Now()
		if a.State == autoscaling.AlarmOK {
			a.RequestTime = 0
		}
		e := groupEvent(g, autoscaling.EventAlarmState, a.ID, a.StateReason)
		e.Details = details("from", string(was.State), "to", string(a.State))
		tx.Emit(e)
	}
	var rule *autoscaling.Rule
	if requestDue(&a, tx.Now()) && !holdsRequest(tx.Reader, g, &a, req) {
		rule = largestWish(tx.Reader, g, &a)
		a.RequestTime = tx.Now()
	}
	if a.State != was.State || a.RequestTime != was.RequestTime {
		tx.PutAlarmTask(&a)
	}
	if rule == nil {
		return nil
	}
	_, err := o.ExecuteRule(tx, ExecuteRuleRequest{
		Name:    ChildName{g.Namespace, g.ID, rule.ID},
		Trigger: autoscaling.TriggerAlarm,
		Source:  autoscaling.AlarmTaskARI(clusterName(tx.Reader), g.Namespace, g.ID, a.ID),
		Why:     a.StateReason,
	})
	return err
}

// largestWish is the alarm's rule to ask for: of several the one that wants the
// most, the first of equals, so that the group gets smaller only if all agree.
// Nil: none is enabled; one that is alone is asked for anyway and refused.
//
// The others are not asked when that one is refused: what refuses it (a cooldown,
// a running activity, nothing to change) refuses them too, and would leave a
// record of each, every period.
func largestWish(reader fsm.Reader, g *autoscaling.Group, a *autoscaling.AlarmTask) *autoscaling.Rule {
	var largest *autoscaling.Rule
	for _, id := range a.Rules {
		r := reader.Rule(g.UID, id)
		if r == nil || r.Disabled && len(a.Rules) > 1 {
			continue
		}
		if largest == nil || wish(g, r) > wish(g, largest) {
			largest = r
		}
	}
	return largest
}

func wish(g *autoscaling.Group, r *autoscaling.Rule) int32 {
	return autoscaling.Adjust(r.Simple, g.Desired, g.Min, g.Max)
}
