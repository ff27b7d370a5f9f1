package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateGroupRequest asks for a new group. Spec begins as
// autoscaling.DefaultGroupSpec.
type CreateGroupRequest struct {
	Caller
	Namespace string
	NewMeta
	Spec autoscaling.GroupSpec
	// DesiredNamed says that the caller named desired; else it is min.
	DesiredNamed bool
	Paused       bool
}

// CreateGroup makes a group and opens its first activity.
func (o Operations) CreateGroup(tx *fsm.Tx, req CreateGroupRequest) (*autoscaling.Group, error) {
	panic("control: being written")
}
