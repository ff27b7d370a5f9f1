package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// SetGone says that a pool or an access list does not exist any more, and which
// instances of one group wait to be taken out of it.
type SetGone struct {
	Group     autoscaling.UID
	Pool      bool // else an access list
	Provider  string
	Name      string
	Instances []autoscaling.InstanceID
	Message   string // the provider's
}

// ReportSetGone lets go of what cannot be taken out of anything: the instances
// go on as if they had been taken out, and their activities say that they were
// not.
func (o Operations) ReportSetGone(tx *fsm.Tx, r SetGone) error {
	kind := "access list"
	if r.Pool {
		kind = "pool"
	}
	for _, id := range r.Instances {
		if i := live(tx, r.Group, id); i != nil {
			noteOnActivity(tx, activityOf(i), fmt.Sprintf("%s %s/%s no longer exists; instances were not taken out of it: %s",
				kind, r.Provider, r.Name, r.Message))
		}
	}
	if r.Pool {
		return o.ReportTargets(tx, TargetsReport{Group: r.Group, Provider: r.Provider, Pool: r.Name, Removed: r.Instances})
	}
	return o.ReportAccess(tx, AccessReport{Group: r.Group, Provider: r.Provider, List: r.Name, Removed: r.Instances})
}
