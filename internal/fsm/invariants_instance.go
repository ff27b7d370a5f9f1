package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// tally counts the live instances that an activity still waits for.
type tally struct{ launching, leaving int32 }

// waitsFor is which activity waits for the instance to be launched, and which one
// for it to leave; 0: none. One that was in service already is launched, or
// leaves, only by being moved out of standby, or into it.
func waitsFor(i *autoscaling.Instance) (launched, left autoscaling.ActivityID) {
	switch {
	case i.Leaving != 0:
		left = i.Leaving
	case i.State == autoscaling.EnteringStandby:
		left = i.Moving
	}
	switch {
	case !i.State.Launching():
	case !i.Served:
		launched = i.Activity
	default:
		launched = i.Moving
	}
	return launched, left
}

// groupActivities checks the group's activities and what they wait for.
func (c *check) groupActivities(s *shard) {
	group := c.where
	waits := map[autoscaling.ActivityID]tally{}
	for _, i := range s.live.all(c.st.mutable) {
		launched, left := waitsFor(i)
		if launched != 0 {
			t := waits[launched]
			t.launching++
			waits[launched] = t
		}
		if left != 0 {
			t := waits[left]
			t.leaving++
			waits[left] = t
		}
	}
	running := 0
	for id, a := range s.activities.all(c.st.mutable) {
		c.activities++
		c.where = fmt.Sprintf("%s, activity %d", group, id)
		c.must(a.ID == id && a.Group == s.record.UID, "its record has number %d and group %q", a.ID, a.Group)
		at, _ := c.st.activities.get(id)
		c.must(at == s.record.UID, "its number leads to group %q", at)
		c.must(id <= c.st.lastActivity, "its number is above the last one given, %d", c.st.lastActivity)
		indexed, isRunning := s.running.get(id)
		if a.Status == autoscaling.ActivityInProgress {
			running++
			c.must(isRunning && indexed == a, "it runs and is not among those that do")
			c.must(a.EndTime == 0, "it runs and has ended at %s", a.EndTime)
		} else {
			c.must(a.Status != "", "it has no status")
		}
		c.activity(s, a, waits[id])
		delete(waits, id)
	}
	c.where = group
	c.must(running == s.running.len(), "%d activities run and %d are among those that do", running, s.running.len())
	for _, i := range s.live.all(c.st.mutable) {
		launched, left := waitsFor(i)
		if _, unknown := waits[left]; unknown {
			c.must(false, "instance %s leaves by activity %d, which does not exist", i.ID, left)
		}
		if _, unknown := waits[launched]; unknown {
			c.must(false, "instance %s is launched by activity %d, which does not exist", i.ID, launched)
		}
	}
}

func (c *check) activity(s *shard, a *autoscaling.Activity, waits tally) {
	ended := a.LaunchesDone + a.LaunchesFail + a.LaunchesEnded
	left := a.RemovalsDone + a.RemovalsEnded
	c.must(min(a.Launches, a.Removals, a.LaunchesDone, a.LaunchesFail, a.LaunchesEnded, a.RemovalsDone, a.RemovalsEnded) >= 0 &&
		ended <= a.Launches && left <= a.Removals,
		"its counts do not add up: launches %d, of which %d done, %d failed, %d cancelled; removals %d, of which %d done, %d cancelled",
		a.Launches, a.LaunchesDone, a.LaunchesFail, a.LaunchesEnded, a.Removals, a.RemovalsDone, a.RemovalsEnded)
	c.must(len(a.Victims) <= autoscaling.MaxVictims, "it names %d victims", len(a.Victims))
	c.must(len(a.Outcomes) <= autoscaling.MaxOutcomes, "it lists %d outcomes", len(a.Outcomes))
	if a.Status != autoscaling.ActivityInProgress {
		c.must(waits == tally{}, "it is %s, and %d instances are launching and %d leaving by it", a.Status, waits.launching, waits.leaving)
		return
	}
	c.must(a.Launches-ended == waits.launching, "it waits for %d launches, and %d instances are launching by it", a.Launches-ended, waits.launching)
	c.must(a.Removals-left == waits.leaving, "it waits for %d removals, and %d instances are leaving by it", a.Removals-left, waits.leaving)
	c.must(waits != tally{} || s.record.DeleteActivity == a.ID, "it runs and waits for nothing")
	if a.Trigger.Kind == autoscaling.TriggerSystem && (a.Kind == autoscaling.ScaleOut || a.Kind == autoscaling.ScaleIn) {
		c.must(s.record.Converging == a.ID, "it makes the group converge beside activity %d", s.record.Converging)
	}
}

func (c *check) groupInstances(s *shard) {
	group := c.where
	for _, instances := range []*table[autoscaling.InstanceID, *autoscaling.Instance]{&s.live, &s.final} {
		for id, i := range instances.all(c.st.mutable) {
			c.instances++
			c.where = fmt.Sprintf("%s, instance %s", group, id)
			c.must(i.ID == id && i.Group == s.record.UID, "its record has id %s and group %q", i.ID, i.Group)
			c.must(c.FindInstance(id) == i, "its id leads elsewhere")
			c.must(i.State.Final() == (instances == &s.final), "it is %s and kept among the wrong ones", i.State)
			c.instance(i)
		}
	}
	c.where = group
	c.must(s.final.len() == s.finalOrder.len(), "%d final instances exist and %d are in order of their end", s.final.len(), s.finalOrder.len())
	for key, i := range s.finalOrder.all(c.st.mutable) {
		found, _ := s.final.get(i.ID)
		c.must(found == i && key == finalKey(i), "instance %s is not what is in the order of ends", i.ID)
	}
}

func (c *check) instance(i *autoscaling.Instance) {
	if !i.State.CanBeAt(i.Step) {
		c.must(false, "it is %s, which has no step %q", i.State, i.Step)
	}
	switch {
	case i.State.Final():
		c.must(i.EndTime != 0, "it is %s and has no end", i.State)
		for _, b := range i.Balancers {
			c.must(detached(b.State), "it is %s and may be in pool %s of %s", i.State, b.Pool, b.Provider)
		}
		for _, l := range i.AccessLists {
			c.must(detached(l.State), "it is %s and may be in list %s of %s", i.State, l.List, l.Provider)
		}
	default:
		c.ownedAndDue(i)
	}
	if !i.State.Final() {
		c.must(i.EndTime == 0, "it is %s and has ended at %s", i.State, i.EndTime)
	}
	c.moving(i)
	c.waits(i)
}

// ownedAndDue: nobody is in a dead end. Whoever is not at an end has somebody
// who moves him on, and is not waited for without an end.
func (c *check) ownedAndDue(i *autoscaling.Instance) {
	row := i.State.Row()
	c.must(row != nil && row.Owner != "" && row.Next != "", "it is %s, and nobody moves it on", i.State)
	c.must(row == nil || row.Deadline == "" || i.Deadline != 0, "it is %s and has no deadline", i.State)
}

// moving is for those that go into standby, or out of it.
func (c *check) moving(i *autoscaling.Instance) {
	switch {
	case i.State == autoscaling.EnteringStandby:
		c.must(i.Moving != 0, "it is %s, and no activity moves it", i.State)
	case i.Moving == 0:
	case i.State != autoscaling.PendingProceed || !i.Served:
		c.must(false, "it is %s, and activity %d moves it out of standby", i.State, i.Moving)
	}
}

// waits: while hooks hold it, at least one has something to say, each of those
// until a time of its own, and the first of these times is the instance's.
func (c *check) waits(i *autoscaling.Instance) {
	open, first := 0, autoscaling.Time(0)
	for n := range i.Waits {
		w := &i.Waits[n]
		if !w.Open() {
			c.must(w.EndTime != 0, "the wait in hook %s has the result %s and no end", w.Hook, w.Result)
			continue
		}
		open++
		first = autoscaling.Earliest(first, w.Deadline)
		c.must(w.Deadline != 0 && w.Deadline <= w.LastDeadline, "the wait in hook %s has the deadline %s, and at the latest %s", w.Hook, w.Deadline, w.LastDeadline)
		c.must(w.DefaultResult != "", "the wait in hook %s has no default result", w.Hook)
		at, ok := autoscaling.InstanceOfToken(w.Token)
		c.must(ok && at == i.ID, "the token of the wait in hook %s leads to instance %q", w.Hook, at)
	}
	if i.Step != autoscaling.StepHooks {
		c.must(open == 0, "it is %s, and %d hooks still wait", i.State, open)
		return
	}
	c.must(open > 0, "it is held by hooks of which none is open")
	c.must(i.Deadline == first, "its deadline is %s, and the first of its hooks' %s", i.Deadline, first)
}

// detached says that nothing of the instance can be there any more.
func detached(s autoscaling.AttachmentState) bool {
	return s == autoscaling.AttachmentPending || s == autoscaling.AttachmentRemoved
}
