package scheduler

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/scheduler/plan"
)

func reportDegraded(group autoscaling.UID, message string) plan.Fact {
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportDegraded(tx, group, message) }
}
