package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// refusal is why a request is not accepted.
type refusal struct {
	reason  autoscaling.Reason
	message string
	retry   autoscaling.Time // when to ask again; 0: waiting alone does not help
	// violations are, of a batch, the items that are in the way.
	violations []autoscaling.Violation
}

func refusef(reason autoscaling.Reason, format string, args ...any) *refusal {
	return &refusal{reason: reason, message: fmt.Sprintf(format, args...)}
}

// admit says why the group does not take the request now, before what it would
// come to is looked at; nil: it does. What counts depends on the kind of request.
func admit(tx *fsm.Tx, g *autoscaling.Group, a *asking) *refusal {
	switch {
	case g.State == autoscaling.GroupDeleting:
		return refusef(autoscaling.GroupIsDeleting, "group %s is being deleted", g.ID)
	case g.State == autoscaling.GroupPaused && !a.ifPaused:
		return refusef(autoscaling.GroupIsPaused, "group %s is paused", g.ID)
	case a.trigger.Kind == autoscaling.TriggerAlarm && suspends(g, autoscaling.ProcessAlarm):
		return suspended(g, autoscaling.ProcessAlarm)
	}
	if !a.whileBusy {
		if by := blocking(tx, g); by != nil {
			return refusef(autoscaling.ActivityRunning, "activity %d (%s) of group %s is in progress", by.ID, by.Kind, g.ID)
		}
	}
	if g.CooldownUntil > tx.Now() && (!a.inCooldown || g.CooldownScope == autoscaling.CooldownAll) {
		r := refusef(autoscaling.Cooldown, "group %s cools down until %s", g.ID, g.CooldownUntil)
		if g.CooldownCause != "" {
			r.message += ": " + g.CooldownCause
		}
		r.retry = g.CooldownUntil
		return r
	}
	return nil
}

// blocking is the activity that keeps simple rules out; nil when there is none.
// What the service does by itself does not: it makes up for what was missing.
func blocking(tx *fsm.Tx, g *autoscaling.Group) *autoscaling.Activity {
	for a := range tx.RunningActivities(g.UID) {
		switch a.Kind {
		case autoscaling.ScaleOut, autoscaling.ScaleIn, autoscaling.Attach, autoscaling.Detach:
			if a.Trigger.Kind != autoscaling.TriggerSystem && a.Trigger.Kind != autoscaling.TriggerHealthCheck {
				return a
			}
		}
	}
	return nil
}

// admitChange says why desired may not be moved there.
func (o Operations) admitChange(tx *fsm.Tx, g *autoscaling.Group, to int32) *refusal {
	switch {
	case to > g.Desired && suspends(g, autoscaling.ProcessLaunch):
		return suspended(g, autoscaling.ProcessLaunch)
	case to < g.Desired && suspends(g, autoscaling.ProcessTerminate):
		return suspended(g, autoscaling.ProcessTerminate)
	case to > g.Desired && g.State == autoscaling.GroupActive:
		if problem := o.checkLaunchable(tx.Reader, g); problem != nil {
			return &refusal{reason: problem.Reason, message: problem.Message}
		}
	}
	return nil
}

func suspended(g *autoscaling.Group, p autoscaling.Process) *refusal {
	return refusef(autoscaling.ProcessSuspended, "process %s of group %s is suspended", p, g.ID)
}

// inBounds refuses what lies beyond min and max.
func inBounds(g *autoscaling.Group, desired int32) *refusal {
	if desired < g.Min {
		return refusef(autoscaling.OutOfRange, "desired capacity %d is below min_size %d of group %s", desired, g.Min, g.ID)
	}
	if desired > g.Max {
		return refusef(autoscaling.OutOfRange, "desired capacity %d is above max_size %d of group %s", desired, g.Max, g.ID)
	}
	return nil
}

// err is the refusal of a request that has no activity to record it in.
func (r *refusal) err(tx *fsm.Tx, g *autoscaling.Group) error {
	err := autoscaling.Errorf(r.reason, "%s", r.message)
	err.Resource = groupResource(g)
	err.Violations = r.violations
	if r.retry > tx.Now() {
		err.RetryAfter = r.retry.Sub(tx.Now())
	}
	return err
}
