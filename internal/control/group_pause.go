package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// GroupRequest names a group and nothing else.
type GroupRequest struct {
	Caller
	Name GroupName
}

// PauseGroup lets what moves finish and starts nothing new. It does nothing to a
// group that is paused.
func (o Operations) PauseGroup(tx *fsm.Tx, req GroupRequest) (*autoscaling.Group, error) {
	g, err := changeableGroup(tx, req.Name)
	if err != nil || g.State == autoscaling.GroupPaused {
		return g, err
	}
	c := *g
	c.State = autoscaling.GroupPaused
	touch(tx, &c.Meta)
	tx.PutGroup(&c)
	tx.Emit(groupEvent(&c, autoscaling.EventGroupPaused, "", req.name()+" paused group "+c.ID))
	return &c, nil
}

// ResumeGroup ends a pause: the cooldown is cleared, what was changed meanwhile
// takes effect, alarms in ALARM ask again. Of a group that is not paused it
// clears the cooldown.
func (o Operations) ResumeGroup(tx *fsm.Tx, req GroupRequest) (*autoscaling.Group, error) {
	g, err := changeableGroup(tx, req.Name)
	if err != nil {
		return nil, err
	}
	cooling := g.CooldownUntil > tx.Now()
	if g.State != autoscaling.GroupPaused && !cooling {
		return g, nil
	}
	c := *g
	c.CooldownUntil, c.CooldownCause = 0, ""
	if c.State != autoscaling.GroupActive {
		c.State = autoscaling.GroupActive
		touch(tx, &c.Meta)
	}
	putGroup(tx, &c)
	tx.Emit(groupEvent(&c, autoscaling.EventGroupResumed, "", req.name()+" resumed group "+c.ID))
	askAgain(tx, g, &c)
	return tx.Group(c.UID), nil
}

// askAgain lets alarms request their rules with the next evaluation that finds
// ALARM when what held them ended: the pause, or the suspension of ALARM.
func askAgain(tx *fsm.Tx, was, is *autoscaling.Group) {
	if !holdsAlarms(was) || holdsAlarms(is) {
		return
	}
	for _, a := range slices.Collect(tx.AlarmTasks(is.UID)) { // they are changed meanwhile
		if a.RequestTime != 0 {
			c := *a
			c.RequestTime = 0
			tx.PutAlarmTask(&c)
		}
	}
}

func holdsAlarms(g *autoscaling.Group) bool {
	return g.State == autoscaling.GroupPaused || suspends(g, autoscaling.ProcessAlarm)
}
