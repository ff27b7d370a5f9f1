package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ProcessesRequest names processes of a group.
type ProcessesRequest struct {
	Caller
	Name      GroupName
	Processes []autoscaling.Process // at least one
}

// SuspendProcesses adds to the group's suspended processes.
func (o Operations) SuspendProcesses(tx *fsm.Tx, req ProcessesRequest) (*autoscaling.Group, error) {
	panic("control: being written")
}

// ResumeProcesses takes from them.
func (o Operations) ResumeProcesses(tx *fsm.Tx, req ProcessesRequest) (*autoscaling.Group, error) {
	panic("control: being written")
}
