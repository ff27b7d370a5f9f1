package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// SetInstanceProtectionRequest asks to protect instances from scale-in, or not.
type SetInstanceProtectionRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids
	Protected bool
}

// SetInstanceProtection answers the instances in the order in which they were named.
func (o Operations) SetInstanceProtection(tx *fsm.Tx, req SetInstanceProtectionRequest) ([]*autoscaling.Instance, error) {
	panic("control: being written")
}
