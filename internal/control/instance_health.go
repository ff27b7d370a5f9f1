package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// SetInstanceHealthRequest reports an instance as healthy or unhealthy.
type SetInstanceHealthRequest struct {
	Caller
	Group    GroupName
	Instance string // id or uid
	Health   autoscaling.Health
	// RespectGracePeriod drops a report of UNHEALTHY in the grace period.
	RespectGracePeriod bool
}

// SetInstanceHealth marks the instance; the next pass over the group replaces it.
func (o Operations) SetInstanceHealth(tx *fsm.Tx, req SetInstanceHealthRequest) (*autoscaling.Instance, error) {
	panic("control: being written")
}
