package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ReportOrphan puts a machine with our tag that no live record knows into
// quarantine. It is removed at o.RemoveAfter unless it is gone by then.
func (o Operations) ReportOrphan(tx *fsm.Tx, orphan autoscaling.Orphan) error {
	if i := tx.FindInstance(orphan.Instance); i != nil && !i.State.Final() {
		return nil
	}
	for known := range tx.Orphans() {
		if known.Provider == orphan.Provider && known.Instance == orphan.Instance {
			return nil
		}
	}
	tx.PutOrphan(&orphan)
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventOrphanFound, Instance: orphan.Instance, Subject: orphan.Provider,
		Message: "machine " + orphan.MachineID + " belongs to no instance; it is removed at " + orphan.RemoveAfter.String(),
	})
	return nil
}

// ReportOrphanGone ends a quarantine: the machine was removed by us, or was gone
// by itself.
func (o Operations) ReportOrphanGone(tx *fsm.Tx, provider string, instance autoscaling.InstanceID, removed bool) error {
	for known := range tx.Orphans() {
		if known.Provider != provider || known.Instance != instance {
			continue
		}
		tx.DeleteOrphan(provider, instance)
		if removed {
			tx.Emit(autoscaling.Event{
				Type: autoscaling.EventOrphanRemoved, Instance: instance, Subject: provider, Message: "machine " + known.MachineID + " removed",
			})
		}
		return nil
	}
	return nil
}
