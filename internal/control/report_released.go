package control

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ReleasedPatience is for how long a released machine that its provider does not
// have is kept in mind: as long as a listing may be wrong.
const ReleasedPatience = 10 * time.Minute

// ReportMachineReleased records that our mark is off the machine. One that lives
// on is kept among the released ones, which no sweep touches.
func (o Operations) ReportMachineReleased(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) error {
	i := live(tx, group, id)
	if i == nil || i.Step != autoscaling.StepRelease {
		return nil
	}
	c := *i
	c.Released = true
	if c.HasMachine() && !c.Stopped {
		g := tx.Group(group)
		tx.PutReleased(&autoscaling.Released{
			Provider: c.Provider, MachineID: c.MachineID, Instance: c.ID, Namespace: g.Namespace, GroupID: g.ID,
			Addresses: c.Addresses, Time: tx.Now(), Activity: activityOf(&c),
		})
		tx.Emit(instanceEvent(tx, &c, autoscaling.EventMachineReleased, c.MachineID))
	}
	finishStep(tx, &c, "")
	return nil
}

// ReleasedSeen is what a provider said of a released machine: whether it is there,
// and whose it is.
type ReleasedSeen struct {
	Provider  string
	MachineID string
	There     bool
}

// ReportReleasedSeen keeps a released machine in mind while its provider has it.
func (o Operations) ReportReleasedSeen(tx *fsm.Tx, r ReleasedSeen) error {
	known := tx.Released(r.Provider, r.MachineID)
	switch {
	case known == nil:
	case r.There && known.MissingSince != 0:
		c := *known
		c.MissingSince = 0
		tx.PutReleased(&c)
	case r.There:
	case known.MissingSince == 0:
		c := *known
		c.MissingSince = tx.Now()
		tx.PutReleased(&c)
	case tx.Now() >= known.MissingSince.Add(ReleasedPatience):
		tx.DeleteReleased(r.Provider, r.MachineID)
	}
	return nil
}
