package control

import (
	"cmp"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// AlarmReport is what an evaluation of an alarm found.
type AlarmReport struct {
	Group      autoscaling.UID
	ID         string
	Evaluation autoscaling.AlarmEvaluation
	// HoldScaleIn keeps rules that would make the group smaller from being asked
	// now, e.g. just after a change of leader; they are asked with a later report.
	HoldScaleIn bool
}

// AlarmReportDue says whether ReportAlarm would write anything: the state
// differs, or it is time to ask for the rules again. The scheduler asks before
// it troubles the writer.
func AlarmReportDue(a *autoscaling.AlarmTask, e autoscaling.AlarmEvaluation, now autoscaling.Time) bool {
	return !a.Disabled && (e.State != a.State || requestDue(a, now))
}

// requestDue says whether an alarm that is in ALARM asks for its rules now: on
// entering it, and again each period.
func requestDue(a *autoscaling.AlarmTask, now autoscaling.Time) bool {
	return a.State == autoscaling.AlarmAlarm && (a.RequestTime == 0 || now >= a.RequestTime.Add(a.Period))
}

// ReportAlarm records the alarm's state and, on entering ALARM and again each
// period while it stays there, executes its rules. An alarm that is gone or
// disabled, or whose group is being deleted, is left alone.
func (o Operations) ReportAlarm(tx *fsm.Tx, req AlarmReport) error {
	g, was := tx.Group(req.Group), tx.AlarmTask(req.Group, req.ID)
	if g == nil || was == nil || g.State == autoscaling.GroupDeleting || !AlarmReportDue(was, req.Evaluation, tx.Now()) {
		return nil
	}
	a := *was
	a.StateReason = req.Evaluation.Reason
	if a.State != req.Evaluation.State {
		a.State, a.StateTime, a.RequestTime = req.Evaluation.State, tx.Now(), 0
		e := groupEvent(g, autoscaling.EventAlarmState, a.ID, a.StateReason)
		e.Details = details("from", string(was.State), "to", string(a.State))
		tx.Emit(e)
	}
	var rules []*autoscaling.Rule
	if requestDue(&a, tx.Now()) {
		rules = o.wishes(tx, g, &a)
		if held := req.HoldScaleIn && len(rules) > 0 && wish(g, rules[0]) < g.Desired; held {
			rules = nil
		} else {
			a.RequestTime = tx.Now()
		}
	}
	if a.State != was.State || a.RequestTime != was.RequestTime {
		tx.PutAlarmTask(&a)
	}
	return o.executeFirst(tx, g, &a, rules)
}

// wishes are the alarm's rules to ask for, the largest wish first, and none that
// disagrees with it about the direction: in only if all agree.
func (o Operations) wishes(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.AlarmTask) []*autoscaling.Rule {
	var rules []*autoscaling.Rule
	for _, id := range a.Rules {
		if r := tx.Rule(g.UID, id); r != nil && (!r.Disabled || len(a.Rules) == 1) {
			rules = append(rules, r)
		}
	}
	slices.SortStableFunc(rules, func(a, b *autoscaling.Rule) int { return cmp.Compare(wish(g, b), wish(g, a)) })
	for n, r := range rules {
		if wish(g, rules[0]) >= g.Desired && wish(g, r) < g.Desired {
			return rules[:n]
		}
	}
	return rules
}

func wish(g *autoscaling.Group, r *autoscaling.Rule) int32 {
	return autoscaling.Adjust(r.Simple, g.Desired, g.Min, g.Max)
}

// executeFirst asks for one rule after another until one is accepted.
func (o Operations) executeFirst(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.AlarmTask, rules []*autoscaling.Rule) error {
	for _, r := range rules {
		activity, err := o.ExecuteRule(tx, ExecuteRuleRequest{
			Name:    ChildName{g.Namespace, g.ID, r.ID},
			Trigger: autoscaling.TriggerAlarm,
			Source:  autoscaling.AlarmTaskARI(clusterName(tx.Reader), g.Namespace, g.ID, a.ID),
			Why:     a.StateReason,
		})
		if err != nil {
			return err
		}
		if activity.Status != autoscaling.ActivityRejected {
			return nil
		}
	}
	return nil
}
