package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// The Report operations record what something outside answered, or was seen to
// be. Each takes one item, so that the scheduler can put many into one function
// of the writer. All of them may be repeated, and may come late: an instance
// that has moved on is left alone. They never fail for such reasons.

// MachineReport is a provider's answer about one instance's machine.
type MachineReport struct {
	Group     autoscaling.UID
	Instance  autoscaling.InstanceID
	MachineID string
	Addresses []string
	// CreateTime is the provider's; 0: not said.
	CreateTime autoscaling.Time
	// Adopted: found by a listing, not the answer to our call.
	Adopted bool
}

// live is the instance if it is there and not final.
func live(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) *autoscaling.Instance {
	i := tx.Instance(group, id)
	if i == nil || i.State.Final() {
		return nil
	}
	return i
}

// at says whether the instance is at the step of the state.
func at(i *autoscaling.Instance, s autoscaling.InstanceState, step autoscaling.Step) bool {
	return i.State == s && i.Step == step
}
