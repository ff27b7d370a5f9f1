package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// TargetsReport says that a pool serves a set of targets now, and what that
// means for instances of one group; see AccessReport about who is named.
type TargetsReport struct {
	Group    autoscaling.UID
	Provider string
	Pool     string
	Added    []autoscaling.InstanceID
	Removed  []autoscaling.InstanceID
}

// ReportTargets records who is behind the pool now, and who no longer is.
func (o Operations) ReportTargets(tx *fsm.Tx, r TargetsReport) error {
	for _, id := range r.Added {
		c, ok := moveTarget(tx, r.Group, id, r.Provider, r.Pool, autoscaling.AttachmentAdding, autoscaling.AttachmentActive)
		if !ok {
			continue
		}
		if c.Step == autoscaling.StepRegister && !anyBalancer(c, autoscaling.AttachmentPending, autoscaling.AttachmentAdding) {
			finishStep(tx, c, poolNames(c))
			continue
		}
		refitted(tx, c, autoscaling.StepRegister, r.Provider+"/"+r.Pool)
		put(tx, c)
	}
	for _, id := range r.Removed {
		c, ok := moveTarget(tx, r.Group, id, r.Provider, r.Pool, autoscaling.AttachmentRemoving, autoscaling.AttachmentRemoved)
		if !ok {
			continue
		}
		if (c.Step == autoscaling.StepDrain && !behindBalancer(c)) || (c.Step == autoscaling.StepRevoke && !attached(c)) {
			finishStep(tx, c, poolNames(c))
			continue
		}
		refitted(tx, c, autoscaling.StepDrain, r.Provider+"/"+r.Pool)
		forgetRemoved(c)
		put(tx, c)
	}
	return nil
}

// DrainReport says that a pool's targets have no open request any more.
type DrainReport struct {
	Group     autoscaling.UID
	Provider  string
	Pool      string
	Instances []autoscaling.InstanceID
}

// ReportDrained takes drained targets out of the pool.
func (o Operations) ReportDrained(tx *fsm.Tx, r DrainReport) error {
	for _, id := range r.Instances {
		c, ok := moveTarget(tx, r.Group, id, r.Provider, r.Pool, autoscaling.AttachmentDraining, autoscaling.AttachmentRemoving)
		if !ok {
			continue
		}
		if c.Step == autoscaling.StepDrain && !anyBalancer(c, autoscaling.AttachmentDraining) {
			c.Deadline = tx.Now().Add(DeregisterPatience)
		}
		put(tx, c)
	}
	return nil
}

func moveTarget(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID, provider, pool string, from, to autoscaling.AttachmentState) (*autoscaling.Instance, bool) {
	i := live(tx, group, id)
	if i == nil {
		return nil, false
	}
	c := *i
	moved := changeBalancer(&c, provider, pool, func(b *autoscaling.BalancerAttachment) bool {
		if b.State != from {
			return false
		}
		b.State = to
		return true
	})
	return &c, moved
}

// behindBalancer says whether a pool may still send it traffic.
func behindBalancer(i *autoscaling.Instance) bool {
	return anyBalancer(i, autoscaling.AttachmentAdding, autoscaling.AttachmentActive, autoscaling.AttachmentDraining, autoscaling.AttachmentRemoving)
}
