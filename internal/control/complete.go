package control

import (
	"fmt"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// settle ends the activity when each of its instances reached its goal or
// failed once: status, outcomes, cooldown and events. To be called after its
// counts changed; it does nothing while something is still under way.
func settle(tx *fsm.Tx, id autoscaling.ActivityID) {
	a := tx.Activity(id)
	if a == nil || a.Status != autoscaling.ActivityInProgress ||
		a.LaunchesDone+a.LaunchesFail+a.LaunchesEnded < a.Launches || a.RemovalsDone+a.RemovalsEnded < a.Removals {
		return
	}
	if g := tx.Group(a.Group); g != nil && g.DeleteActivity == id && tx.Counts(g.UID).Live > 0 {
		return // ended by the group's last instance, see AdvanceDeletion
	}
	end(tx, a)
}

// end writes how an activity ended.
func end(tx *fsm.Tx, a *autoscaling.Activity) {
	c := *a
	c.EndTime = tx.Now()
	c.Status = statusOf(a)
	c.Outcomes = append(slices.Clone(a.Outcomes), outcomes(tx, a)...) // those known before are of standby: at most a batch
	if c.Message == "" {
		c.Message = firstError(c.Outcomes)
	}
	tx.PutActivity(&c)
	g := tx.Group(c.Group)
	if g == nil {
		return
	}
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventActivityEnded, Namespace: c.Namespace, GroupID: c.GroupID, Group: c.Group, Activity: c.ID,
		Message: endSentence(&c), Details: map[string]string{"kind": string(c.Kind), "status": string(c.Status)},
	})
	changed := *g
	if changed.Converging == c.ID {
		changed.Converging = 0
	}
	startCooldown(tx, &changed, &c)
	follow(tx, &changed)
	rebalanced(tx, &changed, &c)
	if changed.Converging != g.Converging || changed.CooldownUntil != g.CooldownUntil || changed.Generation != g.Generation ||
		changed.RebalanceTime != g.RebalanceTime || changed.RebalanceAsked != g.RebalanceAsked {
		tx.PutGroup(&changed)
	}
}

// statusOf is the status of an activity that has ended.
func statusOf(a *autoscaling.Activity) autoscaling.ActivityStatus {
	worked := a.LaunchesDone+a.RemovalsDone > 0
	switch {
	case a.LaunchesFail > 0 && worked:
		return autoscaling.ActivityPartial
	case a.LaunchesFail > 0:
		return autoscaling.ActivityFailed
	case a.LaunchesEnded+a.RemovalsEnded > 0:
		return autoscaling.ActivityCancelled
	}
	return autoscaling.ActivitySuccessful
}

// startCooldown holds off simple rules for a while after an activity that
// changed something: from the last instance's service, or from its being
// drained.
func startCooldown(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity) {
	if a.Cooldown <= 0 || a.LaunchesDone+a.RemovalsDone == 0 {
		return
	}
	from := a.LastServed
	if from == 0 {
		from = a.EndTime
	}
	until := from.Add(time.Duration(a.Cooldown) * time.Microsecond)
	if until <= tx.Now() || until <= g.CooldownUntil {
		return
	}
	g.CooldownUntil = until
	g.CooldownCause = fmt.Sprintf("activity %d (%s) ended %s", a.ID, a.Kind, a.Status)
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventCooldownStarted, Namespace: a.Namespace, GroupID: a.GroupID, Group: a.Group, Activity: a.ID,
		Message: "no simple rule of an alarm until " + until.String(), Details: map[string]string{"until": until.String()},
	})
}

// follow lets desired follow what is there, in groups that want it so.
func follow(tx *fsm.Tx, g *autoscaling.Group) {
	if g.DesiredMode != autoscaling.DesiredFollows || g.State != autoscaling.GroupActive {
		return
	}
	desired := min(max(standing(tx.Reader, g.UID), g.Min), g.Max)
	if desired == g.Desired {
		return
	}
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventDesiredChanged, Namespace: g.Namespace, GroupID: g.ID, Group: g.UID,
		Message: fmt.Sprintf("desired capacity from %d to %d: it follows what is there", g.Desired, desired),
	})
	g.Desired = desired
	nextGeneration(g)
}

// outcomes collects what became of the activity's instances, at most
// MaxOutcomes. One instance can stand in it twice in no activity: an instance is
// never brought in and taken out by the same one.
func outcomes(tx *fsm.Tx, a *autoscaling.Activity) []autoscaling.Outcome {
	if a.Launches+a.Removals == 0 {
		return nil
	}
	var all []autoscaling.Outcome
	add := func(i *autoscaling.Instance) bool {
		switch a.ID {
		case i.Activity:
			all = append(all, launchOutcome(i))
		case i.Leaving:
			all = append(all, removalOutcome(i))
		}
		return len(all) < autoscaling.MaxOutcomes
	}
	for i := range tx.Instances(a.Group) {
		if !add(i) {
			return all
		}
	}
	for i := range tx.FinalInstances(a.Group) {
		if !add(i) {
			return all
		}
	}
	return all
}

func launchOutcome(i *autoscaling.Instance) autoscaling.Outcome {
	o := autoscaling.Outcome{
		Instance: i.ID, Direction: autoscaling.DirectionLaunch, StartTime: i.CreateTime, EndTime: i.StateTime, State: i.State,
	}
	if i.Origin == autoscaling.OriginAttached {
		o.Direction = autoscaling.DirectionAttach
	}
	switch {
	case i.Served:
		o.Status = autoscaling.OutcomeSuccessful
	case i.Failure != "":
		o.Status, o.Error = autoscaling.OutcomeFailed, i.Failure
	default:
		o.Status, o.Cause = autoscaling.OutcomeCancelled, i.StatusReason
	}
	return o
}

func removalOutcome(i *autoscaling.Instance) autoscaling.Outcome {
	o := autoscaling.Outcome{
		Instance: i.ID, Direction: autoscaling.DirectionTerminate, Status: autoscaling.OutcomeSuccessful,
		StartTime: leftAt(i), EndTime: i.EndTime, State: i.State, Cause: i.UnhealthyReason,
	}
	if i.State == autoscaling.Detached {
		o.Direction = autoscaling.DirectionDetach
	}
	return o
}

// leftAt is when the instance began to leave.
func leftAt(i *autoscaling.Instance) autoscaling.Time {
	for _, e := range i.Timeline {
		if e.Step == autoscaling.StepNone && (e.State.LeavingForGood() || e.State == autoscaling.Detaching || e.State.Final()) {
			return e.Time
		}
	}
	return i.StateTime
}

func firstError(outcomes []autoscaling.Outcome) string {
	for _, o := range outcomes {
		if o.Error != "" {
			return o.Error
		}
	}
	return ""
}

func endSentence(a *autoscaling.Activity) string {
	s := string(a.Kind) + " " + string(a.Status) + ":"
	if a.Launches > 0 {
		s += fmt.Sprintf(" %d of %d %s", a.LaunchesDone, a.Launches, joined(a.Kind))
		if a.LaunchesFail > 0 {
			s += fmt.Sprintf(", %d failed", a.LaunchesFail)
		}
		if a.LaunchesEnded > 0 {
			s += fmt.Sprintf(", %d cancelled", a.LaunchesEnded)
		}
	}
	if a.Removals > 0 {
		if a.Launches > 0 {
			s += ";"
		}
		s += fmt.Sprintf(" %d of %d %s", a.RemovalsDone, a.Removals, left(a.Kind))
		if a.RemovalsEnded > 0 {
			s += fmt.Sprintf(", %d did not leave", a.RemovalsEnded)
		}
	}
	if a.Launches+a.Removals == 0 {
		s += " nothing begun"
		for _, note := range a.Notes {
			s += "; " + note
		}
	}
	return s
}

// joined says what became of those whom an activity of the kind brings in.
func joined(k autoscaling.ActivityKind) string {
	switch k {
	case autoscaling.Attach:
		return "attached"
	case autoscaling.ExitStandby:
		return "back in service"
	}
	return "launched"
}

// left says what became of those whom an activity of the kind takes out.
func left(k autoscaling.ActivityKind) string {
	switch k {
	case autoscaling.Detach:
		return "detached"
	case autoscaling.EnterStandby:
		return "on standby"
	}
	return "removed"
}
