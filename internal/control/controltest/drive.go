package controltest

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// Step answers the current step of every live instance once, in the order of
// their ids, and lets every group converge. It answers whether anything changed.
func (w *World) Step() bool {
	before, sequence := w.View().LogPosition()
	var groups []autoscaling.UID
	for g := range w.View().Groups("") {
		groups = append(groups, g.UID)
	}
	for _, g := range groups {
		w.decide(g)
		for _, i := range slices.Collect(w.View().Instances(g)) {
			w.MustDo(func(tx *fsm.Tx) error { return w.answer(tx, i) })
		}
		w.expire(g)
	}
	after, next := w.View().LogPosition()
	return after != before || next != sequence
}

// Drive steps until nothing changes.
func (w *World) Drive() {
	for range 1000 {
		if !w.Step() {
			return
		}
	}
	panic("the state does not come to rest")
}

// decide is what a pass of the scheduler decides about a group.
func (w *World) decide(group autoscaling.UID) {
	w.MustDo(func(tx *fsm.Tx) error {
		g := tx.Group(group)
		if control.DeletionDue(tx.Reader, g) {
			return w.Ops.AdvanceDeletion(tx, group)
		}
		if err := w.look(tx, g); err != nil {
			return err
		}
		if control.ReplaceDue(tx.Reader, g, tx.Now()) {
			if err := w.Ops.ReplaceUnhealthy(tx, group); err != nil {
				return err
			}
		}
		if due, _ := control.ConvergeDue(tx.Reader, tx.Group(group), tx.Now()); due {
			if err := w.Ops.Converge(tx, group); err != nil {
				return err
			}
		}
		tally := control.NewUpkeepTally(tx.Group(group), tx.Now())
		for i := range tx.Instances(group) {
			if control.LifetimeDue(tx.Group(group), i) {
				if err := w.Ops.SetLifetime(tx, group, i.ID); err != nil {
					return err
				}
			}
			tally.Add(i)
		}
		if due, _ := tally.Due(tx.Reader); due {
			return w.Ops.Upkeep(tx, group)
		}
		return nil
	})
}

// look fits what the group's instances are attached to, and marks their health.
func (w *World) look(tx *fsm.Tx, g *autoscaling.Group) error {
	if err := w.Ops.FitAttachments(tx, g.UID); err != nil {
		return err
	}
	for _, i := range slices.Collect(tx.Instances(g.UID)) {
		if due, _ := control.HealthDue(g, i, tx.Now()); due {
			if err := w.Ops.MarkHealth(tx, g.UID, i.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer reports that the instance's current step is done.
func (w *World) answer(tx *fsm.Tx, i *autoscaling.Instance) error {
	switch i.Step {
	case autoscaling.StepCreate:
		if i.Origin == autoscaling.OriginAttached {
			return w.adopt(tx, i)
		}
		if w.ZoneFull[i.Zone] || w.ZoneFull[i.Zone+"/"+i.InstanceType] {
			return w.Ops.ReportLaunchFailed(tx, control.LaunchFailure{
				Group: i.Group, Instance: i.ID, OutOfCapacity: true, Message: "no room in zone " + i.Zone,
			})
		}
		if w.LaunchFails != nil {
			if why := w.LaunchFails(i); why != "" {
				return w.Ops.ReportLaunchFailed(tx, control.LaunchFailure{Group: i.Group, Instance: i.ID, Message: why})
			}
		}
		return w.Ops.ReportMachineCreated(tx, machine(i))
	case autoscaling.StepStart:
		return w.Ops.ReportMachineRunning(tx, machine(i))
	case autoscaling.StepAllow, autoscaling.StepRevoke:
		return w.attach(tx, i)
	case autoscaling.StepRegister, autoscaling.StepDrain:
		return w.attach(tx, i)
	case autoscaling.StepCheck:
		return w.healthy(tx, i)
	case autoscaling.StepStop:
		return w.Ops.ReportMachineStopped(tx, i.Group, i.ID)
	case autoscaling.StepDelete:
		return w.Ops.ReportMachineDeleted(tx, i.Group, i.ID)
	case autoscaling.StepRelease:
		return w.Ops.ReportMachineReleased(tx, i.Group, i.ID)
	}
	if i.State == autoscaling.InService || i.State == autoscaling.Standby {
		return w.attach(tx, i) // the group left a pool or list, or came to one
	}
	if i.State == autoscaling.Initial {
		return w.Ops.Begin(tx, i.Group, i.ID)
	}
	return nil
}

// attach confirms what is wanted of lists and pools.
func (w *World) attach(tx *fsm.Tx, i *autoscaling.Instance) error {
	one := []autoscaling.InstanceID{i.ID}
	for _, l := range i.AccessLists {
		r := control.AccessReport{Group: i.Group, Provider: l.Provider, List: l.List}
		switch l.State {
		case autoscaling.AttachmentAdding:
			r.Added = one
		case autoscaling.AttachmentRemoving:
			r.Removed = one
		}
		if err := w.Ops.ReportAccess(tx, r); err != nil {
			return err
		}
	}
	for _, b := range i.Balancers {
		r := control.TargetsReport{Group: i.Group, Provider: b.Provider, Pool: b.Pool}
		switch b.State {
		case autoscaling.AttachmentAdding:
			r.Added = one
		case autoscaling.AttachmentRemoving:
			r.Removed = one
		case autoscaling.AttachmentDraining:
			if err := w.Ops.ReportDrained(tx, control.DrainReport{Group: i.Group, Provider: b.Provider, Pool: b.Pool, Instances: one}); err != nil {
				return err
			}
		}
		if err := w.Ops.ReportTargets(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// adopt takes over the machine of an attached instance as the platform knows it.
func (w *World) adopt(tx *fsm.Tx, i *autoscaling.Instance) error {
	m := w.Platform.Machine(i.Provider, i.MachineID)
	if w.LaunchFails != nil {
		if why := w.LaunchFails(i); why != "" {
			return w.Ops.ReportLaunchFailed(tx, control.LaunchFailure{Group: i.Group, Instance: i.ID, Message: why})
		}
	}
	return w.Ops.ReportMachineAdopted(tx, control.MachineReport{Group: i.Group, Instance: i.ID, MachineID: i.MachineID, Addresses: m.Addresses})
}

func (w *World) healthy(tx *fsm.Tx, i *autoscaling.Instance) error {
	for _, b := range i.Balancers {
		if err := w.Ops.ReportTargetHealth(tx, control.HealthReport{Group: i.Group, Instance: i.ID, Provider: b.Provider, Pool: b.Pool, Healthy: true}); err != nil {
			return err
		}
	}
	if i := tx.Instance(i.Group, i.ID); i.Step != autoscaling.StepCheck {
		return nil
	}
	return w.Ops.ReportProbe(tx, control.HealthReport{Group: i.Group, Instance: i.ID, Healthy: true})
}

func machine(i *autoscaling.Instance) control.MachineReport {
	return control.MachineReport{
		Group: i.Group, Instance: i.ID, MachineID: "m-" + string(i.ID[2:]), Addresses: []string{address(i.ID)},
	}
}

// address is the instance's own for the first 65,536 instances.
func address(id autoscaling.InstanceID) string {
	var high, low byte
	fmt.Sscanf(string(id[len(id)-4:]), "%02x%02x", &high, &low)
	return fmt.Sprintf("10.0.%d.%d", high, low)
}
