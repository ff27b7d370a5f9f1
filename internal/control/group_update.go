package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// UpdateGroupRequest asks for a change of what people say of a group.
type UpdateGroupRequest struct {
	Caller
	Name GroupName
	Etag string
	// DesiredNamed says that Change sets desired: then out of range is refused
	// instead of moving it.
	DesiredNamed bool
	// Change edits copies of the meta data and the spec.
	Change func(*autoscaling.Meta, *autoscaling.GroupSpec) error
}

// UpdateGroup changes a group's spec; a changed desired opens an activity.
func (o Operations) UpdateGroup(tx *fsm.Tx, req UpdateGroupRequest) (*autoscaling.Group, error) {
	panic("control: being written")
}
