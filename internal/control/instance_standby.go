package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// EnterStandbyRequest asks to take instances out of traffic for a while.
type EnterStandbyRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids, 1 to MaxNamed
	// Decrement lowers desired by what they count; else others are launched in
	// their place.
	Decrement bool
}

// ExitStandbyRequest asks to put instances back into traffic.
type ExitStandbyRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids, 1 to MaxNamed
}

func (o Operations) EnterStandby(tx *fsm.Tx, req EnterStandbyRequest) (*autoscaling.Activity, error) {
	return nil, autoscaling.Errorf(autoscaling.WrongState, "being written")
}

func (o Operations) ExitStandby(tx *fsm.Tx, req ExitStandbyRequest) (*autoscaling.Activity, error) {
	return nil, autoscaling.Errorf(autoscaling.WrongState, "being written")
}
