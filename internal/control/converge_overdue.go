package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// OverdueOver says whether INSTANCE_OVERDUE holds although nothing is being
// destroyed any more.
func OverdueOver(r fsm.Reader, g *autoscaling.Group) bool {
	return Holds(g, autoscaling.ConditionInstanceOverdue) && r.Counts(g.UID).ByState[autoscaling.TerminatingProceed] == 0
}

// EndOverdue ends the condition INSTANCE_OVERDUE.
func (o Operations) EndOverdue(tx *fsm.Tx, group autoscaling.UID) error {
	return o.changeGroup(tx, group, func(g *autoscaling.Group) bool {
		return OverdueOver(tx.Reader, g) && clearCondition(tx, g, autoscaling.ConditionInstanceOverdue)
	})
}
