package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// DetachInstancesRequest asks to let instances go alive.
type DetachInstancesRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids, 1 to MaxBatch
	// Decrement lowers desired by what counted of them; else they are replaced.
	Decrement bool
	RunHooks  bool // terminate hooks hold them too
}

// DetachInstances opens a DETACH activity: each instance leaves the balancers and
// the access lists, our mark is taken off its machine, and the machine lives on.
func (o Operations) DetachInstances(tx *fsm.Tx, req DetachInstancesRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Group)
	if err != nil {
		return nil, err
	}
	instances, err := named(tx, g, req.Instances, MaxBatch)
	if err != nil {
		return nil, err
	}
	a := manual(req.Caller, "detached "+these(instances)+" from group "+g.ID)
	a.kind = autoscaling.Detach
	a.whileBusy, a.inCooldown = true, true
	a.cooldown = g.DefaultCooldown
	counted := capacityOf(instances)
	to := g.Desired
	if req.Decrement {
		to -= counted
	}
	if r := firstRefusal(
		func() *refusal { return admit(tx, g, &a) },
		func() *refusal { return checkDetachable(instances) },
		func() *refusal { return inBounds(g, to) },
	); r != nil {
		return o.refuse(tx, g, &a, r), nil
	}
	activity := o.openMove(tx, *g, to, &a)
	o.noteMissing(tx.Reader, g, activity)
	for _, i := range instances {
		c := *i
		c.LoweredDesired = req.Decrement && c.State.Counted()
		c.Leaving, c.RunHooks = activity.ID, req.RunHooks
		activity.Removals++
		walk(tx, g, &c, autoscaling.Detaching, a.who)
	}
	return o.replaceThese(tx, g.UID, activity, counted), nil
}

// checkDetachable refuses those that are neither in service nor on standby, and
// those of which nothing would live on.
func checkDetachable(instances []*autoscaling.Instance) *refusal {
	b := batch{field: "instances"}
	for n, i := range instances {
		switch {
		case i.State != autoscaling.InService && i.State != autoscaling.Standby:
			b.refuse(n, autoscaling.WrongState, "instance %s is %s", i.ID, i.State)
		case i.Stopped || !i.MachineRunning:
			b.refuse(n, autoscaling.WrongState, "the machine of instance %s does not run: there is nothing to let go", i.ID)
		}
	}
	return b.refusal()
}
