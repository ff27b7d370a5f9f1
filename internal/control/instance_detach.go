package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// DetachInstancesRequest asks to let instances go alive.
type DetachInstancesRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids, 1 to MaxNamed
	// Decrement lowers desired by what counted of them; else they are replaced.
	Decrement bool
	RunHooks  bool // terminate hooks hold them too
}

func (o Operations) DetachInstances(tx *fsm.Tx, req DetachInstancesRequest) (*autoscaling.Activity, error) {
	return nil, autoscaling.Errorf(autoscaling.WrongState, "being written")
}
