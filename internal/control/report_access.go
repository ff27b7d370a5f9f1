package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// AccessReport says that an access list was written as a whole, and what that
// means for instances of one group. Only those are named that waited for it
// when the set was put together: a set written earlier proves nothing about an
// instance that asks now.
type AccessReport struct {
	Group    autoscaling.UID
	Provider string
	List     string
	Added    []autoscaling.InstanceID // the set had their addresses
	Removed  []autoscaling.InstanceID // the set no longer had them
}

// ReportAccess records who is in the list now, and who is out of it.
func (o Operations) ReportAccess(tx *fsm.Tx, r AccessReport) error {
	for _, id := range r.Added {
		if i := live(tx, r.Group, id); i != nil {
			c := *i
			if moveList(&c, r.Provider, r.List, autoscaling.AttachmentAdding, autoscaling.AttachmentActive) {
				allowed(tx, &c, r)
			}
		}
	}
	for _, id := range r.Removed {
		if i := live(tx, r.Group, id); i != nil {
			c := *i
			if moveList(&c, r.Provider, r.List, autoscaling.AttachmentRemoving, autoscaling.AttachmentRemoved) {
				revoked(tx, &c, r)
			}
		}
	}
	return nil
}

func allowed(tx *fsm.Tx, c *autoscaling.Instance, r AccessReport) {
	if c.Step == autoscaling.StepAllow && !anyList(c, autoscaling.AttachmentPending, autoscaling.AttachmentAdding) {
		finishStep(tx, c, listNames(c))
		return
	}
	refitted(tx, c, autoscaling.StepAllow, r.Provider+"/"+r.List)
	put(tx, c)
}

func revoked(tx *fsm.Tx, c *autoscaling.Instance, r AccessReport) {
	if c.Step == autoscaling.StepRevoke && !attached(c) {
		finishStep(tx, c, listNames(c))
		return
	}
	refitted(tx, c, autoscaling.StepRevoke, r.Provider+"/"+r.List)
	forgetRemoved(c)
	put(tx, c)
}

// refitted tells of a balancer or list that an instance in service, or on standby,
// came to, or left, because its group did.
func refitted(tx *fsm.Tx, c *autoscaling.Instance, step autoscaling.Step, what string) {
	if c.State == autoscaling.InService || c.State == autoscaling.Standby {
		note(tx, c, step, what)
		emitInstance(tx, tx.Group(c.Group), c, autoscaling.EventInstanceStep, step, what)
	}
}
