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
	// HoldScaleIn keeps rules that would make the group smaller from being asked
	// now, e.g. just after a change of leader; they are asked with a later report.
	HoldScaleIn bool
}

// AlarmReportDue says whether ReportAlarm would write anything: the state
// differs, or it is time to ask for the rules again. The scheduler asks before
// it troubles the writer.
func AlarmReportDue(a *autoscaling.AlarmTask, e autoscaling.AlarmEvaluation, now autoscaling.Time) bool {
	panic("control: being written")
}

// ReportAlarm records the alarm's state and, on entering ALARM and again each
// period while it stays there, executes its rules. An alarm that is gone or
// disabled is left alone.
func (o Operations) ReportAlarm(tx *fsm.Tx, req AlarmReport) error {
	panic("control: being written")
}
