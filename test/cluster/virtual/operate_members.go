package virtual

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// MachineOutside makes a machine at the cloud that is nobody's.
func (w *World) MachineOutside(id, zone string) {
	w.t.Helper()
	if _, err := w.Cloud.CreateMachine(id, zone); err != nil {
		w.fail("make machine %s: %v", id, err)
	}
	w.Books.outsider(id)
}

// killOutside ends a machine that is nobody's.
func (w *World) killOutside(id string) {
	w.t.Helper()
	w.Books.outsiderEnded(id)
	if _, err := w.Cloud.KillMachine(id); err != nil {
		w.fail("kill machine %s: %v", id, err)
	}
}

// Attach makes machines instances of the group.
func (w *World) Attach(group string, entrusted, runHooks bool, machines ...string) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("attach machines", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.AttachInstances(tx, control.AttachInstancesRequest{
			Group: groupName(group), MachineIDs: machines, Entrusted: entrusted, RunHooks: runHooks,
		})
	})
}

// Detach lets instances go alive.
func (w *World) Detach(group string, decrement, runHooks bool, instances ...string) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("detach instances", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.DetachInstances(tx, control.DetachInstancesRequest{
			Group: groupName(group), Instances: instances, Decrement: decrement, RunHooks: runHooks,
		})
	})
}

// EnterStandby takes instances out of traffic.
func (w *World) EnterStandby(group string, decrement bool, instances ...string) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("enter standby", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.EnterStandby(tx, control.EnterStandbyRequest{Group: groupName(group), Instances: instances, Decrement: decrement})
	})
}

// ExitStandby puts instances back into traffic.
func (w *World) ExitStandby(group string, instances ...string) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("exit standby", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.ExitStandby(tx, control.ExitStandbyRequest{Group: groupName(group), Instances: instances})
	})
}

// Rebalance asks for a group's zones to be made even.
func (w *World) Rebalance(group string) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("rebalance", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.RebalanceGroup(tx, control.RebalanceGroupRequest{Name: groupName(group)})
	})
}

// Update changes what people say of a group.
func (w *World) Update(group string, change func(*autoscaling.GroupSpec)) {
	w.t.Helper()
	w.must("update group "+group, func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: groupName(group), Change: func(_ *autoscaling.Meta, g *autoscaling.GroupSpec) error {
			change(g)
			return nil
		}})
		return "", err
	})
}

// ids are the ids of the group's live instances, oldest ids first.
func (w *World) ids(group string) (ids []string) {
	for _, i := range w.Instances(group) {
		ids = append(ids, string(i.ID))
	}
	return ids
}
