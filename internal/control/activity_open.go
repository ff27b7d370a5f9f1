package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// openActivity numbers and puts the activity, and emits ACTIVITY_STARTED. The
// caller fills Kind, Trigger, Cause, From, To, and the counts as far as known.
func (o Operations) openActivity(tx *fsm.Tx, g *autoscaling.Group, a autoscaling.Activity) *autoscaling.Activity {
	panic("control: being written")
}

// launch records INITIAL instances that add up to n of capacity, belonging to a,
// with configuration, zone, type and attachments fixed, and counts them in
// a.Launches. It makes fewer where the runaway bound, a back-off or a suspended
// launch process says so. It answers the capacity that it made. a and g are the
// caller's own copies; both are put.
func (o Operations) launch(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity, n int32) (int32, error) {
	panic("control: being written")
}

// remove picks instances that add up to at most n of capacity, INITIAL ones
// first, then those on their way in, then victims by policy, and begins their
// removal by a, counting them in a.Removals. It answers the capacity that it
// found. a is the caller's own copy; it is put.
func (o Operations) remove(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity, n int32) (int32, error) {
	panic("control: being written")
}
