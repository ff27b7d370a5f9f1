package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// AdjustRequest asks for what a simple rule would do, without a rule.
type AdjustRequest struct {
	Caller
	Name                   GroupName
	AdjustmentType         autoscaling.AdjustmentType
	Adjustment             int32
	MinAdjustmentMagnitude int32
	HonorCooldown          bool
}

// Adjust changes desired as a simple rule would: it clamps to the bounds, and is
// refused while an activity runs that a simple rule must wait for.
func (o Operations) Adjust(tx *fsm.Tx, req AdjustRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	rule := &autoscaling.SimpleRule{
		AdjustmentType: req.AdjustmentType, Adjustment: req.Adjustment, MinAdjustmentMagnitude: req.MinAdjustmentMagnitude,
	}
	if err := autoscaling.ValidateSimpleRule("", rule); err != nil {
		return nil, err
	}
	a := manual(req.Caller, fmt.Sprintf("adjusted %s by %s %d", g.ID, rule.AdjustmentType, rule.Adjustment))
	a.inCooldown = !req.HonorCooldown
	a.cooldown = g.DefaultCooldown
	return o.adjust(tx, g, rule, &a), nil
}

// adjust is what every simple rule does: the number is computed and clamped, and
// a change of nothing is refused.
func (o Operations) adjust(tx *fsm.Tx, g *autoscaling.Group, rule *autoscaling.SimpleRule, a *asking) *autoscaling.Activity {
	to := autoscaling.Adjust(rule, g.Desired, g.Min, g.Max)
	a.kind = autoscaling.ScaleOut
	if to < g.Desired || to == g.Desired && rule.Adjustment < 0 {
		a.kind = autoscaling.ScaleIn
	}
	r := admit(tx, g, a)
	if r == nil && to == g.Desired {
		r = refusef(autoscaling.NoChange, "the desired capacity of group %s stays %d (min_size %d, max_size %d)", g.ID, to, g.Min, g.Max)
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
