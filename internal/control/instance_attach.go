package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// AttachInstancesRequest asks to make machines that exist at the provider of the
// group's configuration (ProviderOf) instances of the group.
type AttachInstancesRequest struct {
	Caller
	Group      GroupName
	MachineIDs []string // the platform's names, 1 to MaxNamed
	// Entrusted machines may be terminated like our own; others are only let go.
	Entrusted bool
	RunHooks  bool // launch hooks hold them too
}

func (o Operations) AttachInstances(tx *fsm.Tx, req AttachInstancesRequest) (*autoscaling.Activity, error) {
	return nil, autoscaling.Errorf(autoscaling.WrongState, "being written")
}
