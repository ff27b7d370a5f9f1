package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// DeleteGroupRequest asks to delete a group.
type DeleteGroupRequest struct {
	Caller
	Name  GroupName
	Etag  string
	Force bool // terminate what it has
}

// DeleteGroup opens the DELETE_GROUP activity.
func (o Operations) DeleteGroup(tx *fsm.Tx, req DeleteGroupRequest) (*autoscaling.Activity, error) {
	panic("control: being written")
}

// finishDelete makes a DELETING group that has nothing left DELETED: what
// belongs to it goes, its activities stay until their retention ends.
func finishDelete(tx *fsm.Tx, g *autoscaling.Group) {
	panic("control: being written")
}
