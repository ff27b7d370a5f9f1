package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// RemoveInstancesRequest asks to terminate instances, also protected ones and
// those in standby.
type RemoveInstancesRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids
	// Decrement lowers desired by what counted of them; else they are replaced.
	Decrement bool
}

// RemoveInstances opens a REMOVE activity. Without decrement the replacements
// are part of it.
func (o Operations) RemoveInstances(tx *fsm.Tx, req RemoveInstancesRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Group)
	if err != nil {
		return nil, err
	}
	instances, err := named(tx, g, req.Instances, MaxBatch)
	if err != nil {
		return nil, err
	}
	a := manual(req.Caller, fmt.Sprintf("removed %s of group %s", these(instances), g.ID))
	a.kind = autoscaling.Remove
	a.whileBusy, a.inCooldown = true, true
	a.cooldown = g.DefaultCooldown
	counted := capacityOf(instances)
	to := g.Desired
	if req.Decrement {
		to -= counted
	}
	if r := refuseRemove(tx, g, instances, to, &a); r != nil {
		return o.refuse(tx, g, &a, r), nil
	}
	return o.removeThese(tx, *g, instances, to, counted, &a), nil
}

// these are the instances in words.
func these(instances []*autoscaling.Instance) string {
	if len(instances) == 1 {
		return "instance " + string(instances[0].ID)
	}
	return fmt.Sprintf("%d instances", len(instances))
}

// capacityOf is what those of them count that count towards desired.
func capacityOf(instances []*autoscaling.Instance) (counted int32) {
	for _, i := range instances {
		if i.State.Counted() {
			counted += i.Capacity()
		}
	}
	return counted
}

func refuseRemove(tx *fsm.Tx, g *autoscaling.Group, instances []*autoscaling.Instance, to int32, a *asking) *refusal {
	if r := admit(tx, g, a); r != nil {
		return r
	}
	if suspends(g, autoscaling.ProcessTerminate) {
		return suspended(g, autoscaling.ProcessTerminate)
	}
	if r := checkStaying(instances); r != nil {
		return r
	}
	return inBounds(g, to)
}

func (o Operations) removeThese(tx *fsm.Tx, g autoscaling.Group, instances []*autoscaling.Instance, to, counted int32, a *asking) *autoscaling.Activity {
	activity := o.openMove(tx, g, to, a)
	decrement := to != g.Desired
	o.noteMissing(tx.Reader, &g, activity)
	for _, i := range instances {
		c := *i
		c.LoweredDesired = decrement && c.State.Counted()
		beginRemoval(tx, &g, &c, activity, a.who)
	}
	return o.replaceThese(tx, g.UID, activity, counted)
}
