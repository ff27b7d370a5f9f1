package explain

import (
	"fmt"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// Group explains why the group has the capacity that it has, what it is doing,
// and what holds it back.
func Group(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) Explanation {
	t := newTeller(r, g, now)
	t.desired()
	t.lately()
	t.capacity()
	t.restraints()
	t.underWay()
	t.upcoming()
	t.deletion()
	return Explanation{
		Resource:   autoscaling.GroupResource(g.Namespace, g.ID),
		Summary:    t.groupSummary(),
		Statements: t.statements,
	}
}

func (t *teller) groupSummary() string {
	g, c := t.group, t.Counts(t.group.UID)
	s := fmt.Sprintf("%s is %s with %d of %d", g.ID, g.State, c.Capacity, g.Desired)
	switch g.State {
	case autoscaling.GroupDeleting:
		s = fmt.Sprintf("%s is %s with %s left", g.ID, g.State, number(c.Live, "instance"))
	case autoscaling.GroupDeleted:
		s = fmt.Sprintf("%s is %s since %s", g.ID, g.State, at(g.DeleteTime))
	}
	if n := len(g.Conditions); n > 0 {
		names := make([]string, n)
		for i := range names {
			names[i] = string(g.Conditions[i].Type)
		}
		s += ", " + list(names)
	}
	return s + "."
}

// searched bounds how far back the one who set desired is looked for.
const searched = 1000

// desired is who wanted so many.
func (t *teller) desired() {
	g, n := t.group, 0
	if g.State == autoscaling.GroupDeleted {
		return
	}
	bounds := fmt.Sprintf("desired is %d (min %d, max %d)", g.Desired, g.Min, g.Max)
	for a := range t.Activities(g.UID) {
		if n++; n > searched {
			break
		}
		if !movedDesired(a) {
			continue
		}
		if a.To == g.Desired {
			t.say(Origin, because(fmt.Sprintf("%s since %s, by %s", bounds, at(a.StartTime), t.by(a.ID)), a.Cause), a.StartTime, t.linksOf(a.ID)...)
			t.say(Origin, t.asked(a.ID), 0, t.linksOf(a.ID)...)
			return
		}
		if g.DesiredMode != autoscaling.DesiredFollows { // nothing else moves it without an activity of its own
			t.say(Origin, fmt.Sprintf("%s: %s made it %d, and instances that stay by a hook's ROLLBACK raised it since", bounds, t.by(a.ID), a.To), 0, t.linksOf(a.ID)...)
			return
		}
		break
	}
	if g.DesiredMode == autoscaling.DesiredFollows {
		t.say(Origin, bounds+"; it follows what is there", 0)
		return
	}
	t.say(Origin, bounds+": as the group was created or updated, or set by an activity that is no longer kept", g.CreateTime)
}

// movedDesired says whether the activity began with another desired capacity:
// scaling does, and so do attach and what is taken out or put on standby with a
// decrement. What the service does by itself counts instances instead.
func movedDesired(a *autoscaling.Activity) bool {
	return a.From != a.To && a.Kind != autoscaling.DeleteGroup && a.Trigger.Kind != autoscaling.TriggerSystem && a.Status != autoscaling.ActivityRejected
}

// lately is the newest activity that ended, and the newest that was refused.
func (t *teller) lately() {
	n := 0
	for a := range t.Activities(t.group.UID) {
		if n++; n > searched {
			break
		}
		if a.Status != autoscaling.ActivityInProgress && a.Status != autoscaling.ActivityRejected {
			t.say(History, because(fmt.Sprintf("%s ended %s at %s, %s", t.by(a.ID), a.Status, at(a.EndTime), progress(a)), a.Message), a.EndTime, t.linksOf(a.ID)...)
			break
		}
	}
	if a := t.Activity(t.group.RefusalActivity); a != nil {
		s := fmt.Sprintf("%s was refused at %s (%s): %s", t.by(a.ID), at(max(a.LastTime, a.StartTime)), a.Reason, a.Message)
		if a.Repeats > 1 { // it is one of them
			s += fmt.Sprintf("; so were %d more like it", a.Repeats-1)
		}
		t.say(History, s, max(a.LastTime, a.StartTime), t.linksOf(a.ID)...)
	}
}

// capacity is what there is.
func (t *teller) capacity() {
	g, c := t.group, t.Counts(t.group.UID)
	var states []string
	for _, row := range autoscaling.Lifecycle {
		if n := c.ByState[row.State]; n > 0 && !row.State.Final() {
			states = append(states, fmt.Sprintf("%d %s", n, row.State))
		}
	}
	s := fmt.Sprintf("it counts %d towards desired", c.Capacity)
	if len(states) > 0 {
		s += ": " + list(states)
	}
	if c.Unhealthy > 0 {
		s += fmt.Sprintf("; %d unhealthy", c.Unhealthy)
	}
	if g.State != autoscaling.GroupDeleted {
		t.say(Present, s, 0)
	}
	switch g.State {
	case autoscaling.GroupPaused:
		t.say(Problem, "it is paused: what is moving finishes, and nothing new is started before it is resumed", 0)
	case autoscaling.GroupActive:
		if c.Capacity == g.Desired && c.Counted == c.ByState[autoscaling.InService] && len(g.Conditions) == 0 { // and all serve
			t.say(Present, "it is as it is wanted", 0)
		}
	}
}

// effects are what does not happen while a process is suspended.
var effects = map[autoscaling.Process]string{
	autoscaling.ProcessLaunch:           "nothing is launched",
	autoscaling.ProcessTerminate:        "nothing is taken out to make the group smaller",
	autoscaling.ProcessHealthCheck:      "nobody is found unhealthy",
	autoscaling.ProcessReplaceUnhealthy: "unhealthy instances are kept",
	autoscaling.ProcessAlarm:            "alarms ask for nothing",
	autoscaling.ProcessScheduled:        "scheduled tasks do not run",
	autoscaling.ProcessLoadBalancer:     "new instances are not registered with load balancers",
	autoscaling.ProcessZoneRebalance:    "zones are not made even",
	autoscaling.ProcessRefresh:          "instances are not refreshed",
}

// restraints are what is wrong, or holds it back.
func (t *teller) restraints() {
	g := t.group
	for _, c := range g.Conditions {
		s := fmt.Sprintf("%s since %s", c.Type, at(c.Time))
		t.say(Problem, because(s, c.Message), c.Time)
		if w := wordsOf(t.Reader, g, c); w.next != "" {
			t.say(Next, fmt.Sprintf("of %s: %s", c.Type, w.next), 0)
		}
	}
	for _, p := range g.Suspended {
		t.say(Problem, fmt.Sprintf("the process %s is suspended: %s", p, effects[p]), 0)
	}
	if t.now < g.CooldownUntil {
		s := "the cooldown lasts until " + at(g.CooldownUntil)
		if g.CooldownCause != "" {
			s += ", since " + g.CooldownCause
		}
		t.say(Problem, s, g.CooldownUntil)
	}
	for _, b := range g.Backoffs {
		if t.now < b.Until {
			what := strings.TrimSpace("launches in zone " + b.Zone + " " + b.Type)
			t.say(Problem, because(fmt.Sprintf("%s at %s are held until %s after %s", what, b.Provider, at(b.Until), number(b.Failures, "failure")), b.Error), b.Until)
		}
	}
}

// underWay are the activities that run.
func (t *teller) underWay() {
	for a := range t.RunningActivities(t.group.UID) {
		t.say(Next, because(fmt.Sprintf("%s is under way since %s, %s", t.by(a.ID), at(a.StartTime), progress(a)), a.Cause), a.StartTime, t.linksOf(a.ID)...)
	}
}

// upcoming is the scheduled task that runs next.
func (t *teller) upcoming() {
	if t.group.State != autoscaling.GroupActive {
		return
	}
	var first *autoscaling.ScheduledTask
	for s := range t.ScheduledTasks(t.group.UID) {
		if wake := control.ScheduledTaskWake(s); wake != 0 && (first == nil || wake < control.ScheduledTaskWake(first)) {
			first = s
		}
	}
	if first != nil {
		when := control.ScheduledTaskWake(first)
		t.say(Next, fmt.Sprintf("scheduled task %s runs next, at %s", first.ID, at(when)), when, t.taskLink(first.ID))
	}
}

// deletion is how far a deletion is, and what it waits for.
func (t *teller) deletion() {
	g := t.group
	switch g.State {
	case autoscaling.GroupDeleting:
		t.say(End, because("it is being deleted by "+t.by(g.DeleteActivity), t.causeOf(g.DeleteActivity)), 0, t.linksOf(g.DeleteActivity)...)
		if blockers := blockersOf(t.Reader, g); blockers != "" {
			t.say(Next, "it is gone when these are: "+blockers, 0)
		}
	case autoscaling.GroupDeleted:
		t.say(End, because(fmt.Sprintf("it was deleted at %s by %s", at(g.DeleteTime), t.by(g.DeleteActivity)), t.causeOf(g.DeleteActivity)), g.DeleteTime, t.linksOf(g.DeleteActivity)...)
		t.say(Next, "its record is kept until "+at(g.DeleteTime.Add(control.RetainActivities)), g.DeleteTime.Add(control.RetainActivities))
	}
}

// blockersOf is what is left of a group that is being deleted, by where it is.
func blockersOf(r fsm.Reader, g *autoscaling.Group) string {
	by := r.Counts(g.UID).ByState
	var parts []string
	for _, row := range autoscaling.Lifecycle {
		if n := by[row.State]; n > 0 && !row.State.Final() {
			parts = append(parts, fmt.Sprintf("%d %s", n, row.State))
		}
	}
	return list(parts)
}
