package control

import (
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

// RemoveInstances opens a REMOVE activity.
func (o Operations) RemoveInstances(tx *fsm.Tx, req RemoveInstancesRequest) (*autoscaling.Activity, error) {
	panic("control: being written")
}
