package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ReportProviderStore records, at first use and after ForgetMachines, which store
// a provider's machines live in. A later one that differs is not taken over: see ReportProviderDown.
func (o Operations) ReportProviderStore(tx *fsm.Tx, provider, store string) error {
	if s := tx.ProviderStore(provider); s == nil || s.Store == "" {
		tx.PutProviderStore(&autoscaling.ProviderStore{Provider: provider, Store: store, Time: tx.Now()})
	}
	return nil
}

// ReportProviderDown says on a group that its provider cannot be reached, or
// answers from another store: nothing is launched or replaced meanwhile.
func (o Operations) ReportProviderDown(tx *fsm.Tx, group autoscaling.UID, provider, message string) error {
	return o.changeGroup(tx, group, func(g *autoscaling.Group) bool {
		return raise(tx, g, autoscaling.ConditionProviderDown, provider, message)
	})
}

// ReportProviderUp ends ReportProviderDown.
func (o Operations) ReportProviderUp(tx *fsm.Tx, group autoscaling.UID) error {
	return o.changeGroup(tx, group, func(g *autoscaling.Group) bool {
		return clearCondition(tx, g, autoscaling.ConditionProviderDown)
	})
}

// ReportDependencies says which pools and lists of a group cannot be used; an
// empty message: all of them can.
func (o Operations) ReportDependencies(tx *fsm.Tx, group autoscaling.UID, message string) error {
	return o.changeGroup(tx, group, func(g *autoscaling.Group) bool {
		if message == "" {
			return clearCondition(tx, g, autoscaling.ConditionDependencyMissing)
		}
		return raise(tx, g, autoscaling.ConditionDependencyMissing, "NOT_USABLE", message)
	})
}

// ReportDegraded says that the service itself failed on the group; an empty
// message: it works again.
func (o Operations) ReportDegraded(tx *fsm.Tx, group autoscaling.UID, message string) error {
	return o.changeGroup(tx, group, func(g *autoscaling.Group) bool {
		if message == "" {
			return clearCondition(tx, g, autoscaling.ConditionDegraded)
		}
		return raise(tx, g, autoscaling.ConditionDegraded, "INTERNAL", message)
	})
}

// changeGroup changes a copy of a group that is there, and puts it if it did.
func (o Operations) changeGroup(tx *fsm.Tx, group autoscaling.UID, change func(*autoscaling.Group) bool) error {
	g := tx.Group(group)
	if g == nil || g.State == autoscaling.GroupDeleted {
		return nil
	}
	c := *g
	if change(&c) {
		tx.PutGroup(&c)
	}
	return nil
}
