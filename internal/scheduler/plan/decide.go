package plan

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// maxRounds bounds Decide: one decision may call for another, but none calls for
// itself.
const maxRounds = 64

// Decide writes everything that there is to decide about a group now, until a
// look finds nothing more. The scheduler does the same, one decision per
// function of the writer.
func Decide(tx *fsm.Tx, o control.Operations, group autoscaling.UID, hold Hold) error {
	for range maxRounds {
		p := Look(tx.Reader, group, tx.Now(), hold)
		if len(p.Decisions) == 0 {
			return nil
		}
		for _, d := range p.Decisions {
			if err := d.Apply(tx, o); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	return fmt.Errorf("group %s: decisions do not come to an end", group)
}

// Effects are the effects on machines that should be under way.
func Effects(v fsm.View, group autoscaling.UID, now autoscaling.Time) []Machine {
	return Look(v.Reader, group, now, Hold{}).Machines
}

// NextWake is when the group has to be looked at again although nothing
// changed; 0: never.
func NextWake(v fsm.View, group autoscaling.UID, now autoscaling.Time) autoscaling.Time {
	return Look(v.Reader, group, now, Hold{}).Wake
}
