package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ProviderDownOver says whether PROVIDER_UNREACHABLE is about a provider that the
// group launches from no more: nobody else would ever take it back.
func ProviderDownOver(r fsm.Reader, g *autoscaling.Group) bool {
	for _, c := range g.Conditions {
		if c.Type == autoscaling.ConditionProviderDown {
			return c.Reason != ProviderOf(r, g)
		}
	}
	return false
}

// EndProviderDown ends such a condition.
func (o Operations) EndProviderDown(tx *fsm.Tx, group autoscaling.UID) error {
	return o.changeGroup(tx, group, func(g *autoscaling.Group) bool {
		return ProviderDownOver(tx.Reader, g) && clearCondition(tx, g, autoscaling.ConditionProviderDown)
	})
}
