package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// tally counts the live instances that an activity still waits for.
type tally struct{ launching, leaving int32 }

// groupActivities checks the group's activities and what they wait for.
func (c *check) groupActivities(s *shard) {
	group := c.where
	waits := map[autoscaling.ActivityID]tally{}
	for _, i := range s.live.all(c.st.mutable) {
		if i.State.Launching() && !i.Served {
			t := waits[i.Activity]
			t.launching++
			waits[i.Activity] = t
		}
		if i.Leaving != 0 {
			t := waits[i.Leaving]
			t.leaving++
			waits[i.Leaving] = t
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
		if _, unknown := waits[i.Leaving]; unknown && i.Leaving != 0 {
			c.must(false, "instance %s leaves by activity %d, which does not exist", i.ID, i.Leaving)
		}
		if _, unknown := waits[i.Activity]; unknown && i.Activity != 0 && i.State.Launching() && !i.Served {
			c.must(false, "instance %s is launched by activity %d, which does not exist", i.ID, i.Activity)
		}
	}
}

func (c *check) activity(s *shard, a *autoscaling.Activity, waits tally) {
	ended := a.LaunchesDone + a.LaunchesFail + a.LaunchesEnded
	c.must(min(a.Launches, a.Removals, a.LaunchesDone, a.LaunchesFail, a.LaunchesEnded, a.RemovalsDone) >= 0 &&
		ended <= a.Launches && a.RemovalsDone <= a.Removals,
		"its counts do not add up: launches %d, of which %d done, %d failed, %d cancelled; removals %d, of which %d done",
		a.Launches, a.LaunchesDone, a.LaunchesFail, a.LaunchesEnded, a.Removals, a.RemovalsDone)
	c.must(len(a.Outcomes) <= autoscaling.MaxOutcomes, "it lists %d outcomes", len(a.Outcomes))
	if a.Status != autoscaling.ActivityInProgress {
		c.must(waits == tally{}, "it is %s, and %d instances are launching and %d leaving by it", a.Status, waits.launching, waits.leaving)
		return
	}
	c.must(a.Launches-ended == waits.launching, "it waits for %d launches, and %d instances are launching by it", a.Launches-ended, waits.launching)
	c.must(a.Removals-a.RemovalsDone == waits.leaving, "it waits for %d removals, and %d instances are leaving by it", a.Removals-a.RemovalsDone, waits.leaving)
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
	case i.State.Resting(), i.State == autoscaling.Initial: // nothing is done that could take too long
	default:
		c.must(i.Deadline != 0, "it is %s and has no deadline", i.State)
	}
	if !i.State.Final() {
		c.must(i.EndTime == 0, "it is %s and has ended at %s", i.State, i.EndTime)
	}
}

// detached says that nothing of the instance can be there any more.
func detached(s autoscaling.AttachmentState) bool {
	return s == autoscaling.AttachmentPending || s == autoscaling.AttachmentRemoved
}
