package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// enter moves the instance into a state that the table allows, and on through
// those in which there is nothing to do: a group without balancers passes
// through PENDING_PROCEED at once. Each state that it passes is put, has its
// entry in the timeline and its event.
//
// i is the caller's own copy and stays it: what is put is a copy again, and i
// says where the instance ended up.
func enter(tx *fsm.Tx, i *autoscaling.Instance, s autoscaling.InstanceState, message string) {
	g := tx.Group(i.Group)
	walk(tx, g, i, s, message)
	arrived(tx, i)
}

// walk is enter without telling the activity.
func walk(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance, s autoscaling.InstanceState, message string) {
	// It ends because the states without anything to do follow the order of life.
	for {
		leaveWaits(tx, i)
		waited := i.State == autoscaling.PendingWait
		i.State, i.Step = s, autoscaling.StepNone
		i.StateTime, i.Deadline = tx.Now(), 0
		i.RetryTime, i.Attempts = 0, 0
		if message != "" {
			i.StatusReason = message
		}
		note(tx, i, autoscaling.StepNone, message)
		if s == autoscaling.Pending || (s == autoscaling.PendingProceed && (i.Served || waited)) {
			i.LaunchDeadline = tx.Now().Add(launchTimeout(g))
		}
		if s == autoscaling.PendingProceed && i.Served {
			fit(tx, g, i)                                 // the group may have changed while it was out of service,
			i.ProbeChecked, i.ProbeHealthy = false, false // and so may what runs on it
		}
		begin(tx, g, i, nextStep(tx, g, i, autoscaling.StepNone))
		if s == autoscaling.Initial {
			i.Deadline = tx.Now().Add(launchTimeout(g)) // no step has begun that would set one
		}
		arrive(tx, g, i)
		put(tx, i)
		emitInstance(tx, g, i, autoscaling.EventInstanceState, autoscaling.StepNone, message)
		begun(tx, g, i)
		next, ok := onward(tx, g, i)
		if !ok {
			return
		}
		s, message = next, ""
	}
}

// finishStep ends the current sub-step and begins the next one, in the same
// state or the next. i is the caller's own copy.
func finishStep(tx *fsm.Tx, i *autoscaling.Instance, message string) {
	g := tx.Group(i.Group)
	done, line := i.Step, message
	if done == autoscaling.StepCreate {
		line = "" // the record has the machine's id: not twice in every version of it
	}
	note(tx, i, done, line)
	emitInstance(tx, g, i, autoscaling.EventInstanceStep, done, message)
	i.RetryTime, i.Attempts = 0, 0
	leaveStep(tx, i, done)
	begin(tx, g, i, nextStep(tx, g, i, done))
	if next, ok := onward(tx, g, i); ok {
		enter(tx, i, next, "")
		return
	}
	put(tx, i)
	begun(tx, g, i)
}

// begun says what the world has to know of the step that has just begun.
func begun(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) {
	if i.Step == autoscaling.StepHooks {
		giveNotice(tx, g, i)
	}
}

// onward is the state that follows by itself once no sub-step is left.
func onward(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) (autoscaling.InstanceState, bool) {
	if i.Step != autoscaling.StepNone {
		return 0, false
	}
	switch i.State {
	case autoscaling.Pending:
		if held(tx, g, i) {
			return autoscaling.PendingWait, true
		}
		return autoscaling.PendingProceed, true
	case autoscaling.PendingWait:
		return autoscaling.PendingProceed, true
	case autoscaling.PendingProceed:
		return autoscaling.InService, true
	case autoscaling.EnteringStandby:
		return autoscaling.Standby, true
	case autoscaling.Detaching:
		return autoscaling.Detached, true
	case autoscaling.Terminating:
		if held(tx, g, i) {
			return autoscaling.TerminatingWait, true
		}
		return autoscaling.TerminatingProceed, true
	case autoscaling.TerminatingWait:
		return autoscaling.TerminatingProceed, true
	case autoscaling.TerminatingProceed:
		if onlyReleased(i) {
			return autoscaling.Detached, true
		}
		return autoscaling.Terminated, true
	}
	return 0, false
}

// put puts a copy, so that i stays the caller's.
func put(tx *fsm.Tx, i *autoscaling.Instance) {
	c := *i
	tx.PutInstance(&c)
}

// maxTimeline bounds an instance's timeline: its beginning is kept, when it entered
// service first, and the newest.
const (
	maxTimeline  = 48
	keptTimeline = 8
)

// firstServed is where the timeline tells that the instance entered service first;
// -1: it has not.
func firstServed(line []autoscaling.TimelineEntry) int {
	return slices.IndexFunc(line, func(e autoscaling.TimelineEntry) bool {
		return e.State == autoscaling.InService && e.Step == autoscaling.StepNone
	})
}

// note adds to the timeline, in a new slice: the old one is shared.
func note(tx *fsm.Tx, i *autoscaling.Instance, step autoscaling.Step, message string) {
	old := i.Timeline
	line := make([]autoscaling.TimelineEntry, 0, len(old)+1)
	if len(old) >= maxTimeline {
		drop := keptTimeline
		if firstServed(old) == drop {
			drop++ // its age counts from there
		}
		line = append(line, old[:drop]...)
		old = old[drop+1:]
	}
	line = append(line, old...)
	i.Timeline = append(line, autoscaling.TimelineEntry{State: i.State, Step: step, Time: tx.Now(), Message: message})
}

func emitInstance(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance, t autoscaling.EventType, step autoscaling.Step, message string) {
	e := autoscaling.Event{
		Type: t, Group: i.Group, Instance: i.ID, Activity: activityOf(i), State: i.State, Step: step, Message: message,
	}
	if g != nil {
		e.Namespace, e.GroupID = g.Namespace, g.ID
	}
	tx.Emit(e)
}

// instanceEvent is an event about an instance where it is.
func instanceEvent(tx *fsm.Tx, i *autoscaling.Instance, t autoscaling.EventType, message string) autoscaling.Event {
	e := autoscaling.Event{Type: t, Group: i.Group, Instance: i.ID, Activity: activityOf(i), State: i.State, Message: message}
	if g := tx.Group(i.Group); g != nil {
		e.Namespace, e.GroupID = g.Namespace, g.ID
	}
	return e
}

// activityOf is the activity that the instance moves by now.
func activityOf(i *autoscaling.Instance) autoscaling.ActivityID {
	switch {
	case i.Leaving != 0:
		return i.Leaving
	case i.Moving != 0:
		return i.Moving
	}
	return i.Activity
}

// arrive sets what a state means for the record, before it is put.
func arrive(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) {
	now := tx.Now()
	switch i.State {
	case autoscaling.InService:
		i.Health = autoscaling.HealthHealthy
		i.UnhealthyReason, i.UnhealthySince, i.UnhealthySource = "", 0, "" // of who was away: history
		if g != nil {
			i.GraceUntil = now.Add(g.HealthCheck.GracePeriod)
			i.WarmUntil = now.Add(warmup(g))
			i.LifetimeUntil = lifetimeEnd(g, i)
			fit(tx, g, i)
			i.Deadline = drainUntil(tx, i)
		}
	case autoscaling.Standby:
		fitLists(g, i) // the group may have changed while it was drained
	case autoscaling.Terminated, autoscaling.Detached:
		i.EndTime = now
		i.MachineRunning = i.MachineRunning && i.State == autoscaling.Detached
	}
}

// arrived tells group and activity where the instance ended up.
func arrived(tx *fsm.Tx, i *autoscaling.Instance) {
	switch {
	case i.State == autoscaling.InService && i.Moving != 0: // back from standby
		moved(tx, i, func(a *autoscaling.Activity) {
			a.LaunchesDone++
			a.LastServed = max(a.LastServed, tx.Now())
		})
	case i.State == autoscaling.Standby && i.Moving != 0:
		moved(tx, i, func(a *autoscaling.Activity) { a.RemovalsDone++ })
	case i.State == autoscaling.InService && !i.Served:
		i.Served = true
		put(tx, i)
		launchWorked(tx, i)
		countActivity(tx, i.Activity, func(a *autoscaling.Activity) {
			a.LaunchesDone++
			a.LastServed = max(a.LastServed, tx.Now())
		})
		relieve(tx, i)
		settle(tx, i.Activity)
	case i.State.Final() && i.Leaving != 0:
		countActivity(tx, i.Leaving, func(a *autoscaling.Activity) { a.RemovalsDone++ })
		settle(tx, i.Leaving)
	}
}

// moved ends the way of an instance into or out of standby, and counts that in
// the activity that moved it.
func moved(tx *fsm.Tx, i *autoscaling.Instance, count func(*autoscaling.Activity)) {
	by := i.Moving
	i.Moving = 0
	put(tx, i)
	countActivity(tx, by, func(a *autoscaling.Activity) {
		count(a)
		addMoveOutcome(tx, a, i, autoscaling.OutcomeSuccessful, "")
	})
	settle(tx, by)
}

// launchedBy is the running activity that counts the instance's way into
// service: 0 when it has served and no activity waits for it, as after a
// ROLLBACK.
func launchedBy(i *autoscaling.Instance) autoscaling.ActivityID {
	switch {
	case i.Moving != 0:
		return i.Moving
	case i.Served:
		return 0
	}
	return i.Activity
}

// countActivity changes a running activity's counts.
func countActivity(tx *fsm.Tx, id autoscaling.ActivityID, change func(*autoscaling.Activity)) {
	a := tx.Activity(id)
	if a == nil || a.Status != autoscaling.ActivityInProgress {
		return
	}
	c := *a
	change(&c)
	tx.PutActivity(&c)
}

func suspends(g *autoscaling.Group, p autoscaling.Process) bool {
	return g != nil && slices.Contains(g.Suspended, p)
}
