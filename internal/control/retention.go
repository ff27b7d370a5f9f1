package control

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// How long things are kept.
const (
	RetainRequests    = 24 * time.Hour
	RetainActivities  = 42 * 24 * time.Hour
	RetainInstances   = 7 * 24 * time.Hour
	MaxActivities     = 10_000 // per group
	MaxFinalInstances = 1_000  // per group
)

// SweepRequests forgets requests that are too old, at most limit; it answers how many.
func (o Operations) SweepRequests(tx *fsm.Tx, limit int) int {
	panic("control: being written")
}

// SweepGroup forgets ended activities and final instances of a group that are
// too old or too many, and a DELETED group itself when nothing is left of it; at
// most limit records. It answers how many. To be called after an activity of the
// group ended, and for every group, deleted ones too, once an hour.
func (o Operations) SweepGroup(tx *fsm.Tx, group autoscaling.UID, limit int) int {
	panic("control: being written")
}
