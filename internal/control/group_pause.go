package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// GroupRequest names a group and nothing else.
type GroupRequest struct {
	Caller
	Name GroupName
}

// PauseGroup lets what moves finish and starts nothing new.
func (o Operations) PauseGroup(tx *fsm.Tx, req GroupRequest) (*autoscaling.Group, error) {
	panic("control: being written")
}

// ResumeGroup ends a pause: the cooldown is cleared, what was changed meanwhile
// takes effect, alarms in ALARM ask again.
func (o Operations) ResumeGroup(tx *fsm.Tx, req GroupRequest) (*autoscaling.Group, error) {
	panic("control: being written")
}
