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
	panic("control: being written")
}
