package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// SetDesiredCapacityRequest asks for an absolute capacity.
type SetDesiredCapacityRequest struct {
	Caller
	Name          GroupName
	Desired       int32
	HonorCooldown bool
}

// SetDesiredCapacity sets desired, whatever else runs. It never clamps.
func (o Operations) SetDesiredCapacity(tx *fsm.Tx, req SetDesiredCapacityRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if req.Desired < 0 || req.Desired > autoscaling.MaxSize {
		return nil, autoscaling.FieldErrorf("desired_capacity", "%d is not between 0 and %d", req.Desired, autoscaling.MaxSize)
	}
	a := manual(req.Caller, "set the desired capacity of "+g.ID+" to "+decimal(req.Desired))
	a.ifPaused, a.whileBusy, a.inCooldown = true, true, !req.HonorCooldown
	a.cooldown = g.DefaultCooldown
	return o.change(tx, g, req.Desired, &a), nil
}

// change moves desired to a value that the request names, or records why not.
func (o Operations) change(tx *fsm.Tx, g *autoscaling.Group, to int32, a *asking) *autoscaling.Activity {
	a.kind = autoscaling.ScaleOut
	if to < g.Desired {
		a.kind = autoscaling.ScaleIn
	}
	r := admit(tx, g, a)
	if r == nil {
		r = inBounds(g, to)
	}
	if r == nil && to == g.Desired {
		r = refusef(autoscaling.NoChange, "the desired capacity of group %s is %d already", g.ID, to)
	}
	if r == nil {
		r = o.admitChange(tx, g, to)
	}
	if r != nil {
		return o.refuse(tx, g, a, r)
	}
	c := *g
	return o.resize(tx, &c, to, a)
}
