package control

import (
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

// Adjust changes desired as a simple rule would.
func (o Operations) Adjust(tx *fsm.Tx, req AdjustRequest) (*autoscaling.Activity, error) {
	panic("control: being written")
}
