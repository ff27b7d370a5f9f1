package fsm

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
)

func (c *check) groups() {
	for uid, s := range c.st.groups.all(c.st.mutable) {
		g := s.record
		c.where = fmt.Sprintf("group %s/%s (%s)", g.Namespace, g.ID, uid)
		c.must(g.UID == uid, "its record has uid %q", g.UID)
		c.groupIndex(g)
		c.groupSpec(g)
		c.groupStatus(g)
		c.children(s)
		c.groupCounts(s)
		c.runawayBound(s)
		c.groupActivities(s)
		c.groupInstances(s)
	}
}

func (c *check) groupIndex(g *autoscaling.Group) {
	if g.State == autoscaling.GroupDeleted {
		c.deleted++
		found, _ := c.st.deletedGroups.get(name(g.Namespace, g.ID, string(g.UID)))
		c.must(found == g.UID, "it is not among the deleted ones")
		return
	}
	c.live++
	named, _ := c.st.groupNames.get(name(g.Namespace, g.ID))
	c.must(named == g.UID, "its name leads to %q", named)
	if g.Configuration.ID != "" {
		c.users++
		user, _ := c.st.users.get(name(g.Namespace, g.Configuration.ID, g.ID))
		c.must(user == g.UID, "it is not among the users of configuration %s", g.Configuration.ID)
	}
}

func (c *check) groupSpec(g *autoscaling.Group) {
	switch g.State {
	case autoscaling.GroupActive, autoscaling.GroupPaused:
		c.must(0 <= g.Min && g.Min <= g.Desired && g.Desired <= g.Max,
			"0 <= min %d <= desired %d <= max %d does not hold", g.Min, g.Desired, g.Max)
	case autoscaling.GroupDeleting, autoscaling.GroupDeleted:
	default:
		c.must(false, "its state is %q", g.State)
	}
	c.must(slices.IsSorted(g.Suspended), "its suspended processes are not in order: %v", g.Suspended)
}

func (c *check) groupStatus(g *autoscaling.Group) {
	for n, condition := range g.Conditions {
		c.must(n == 0 || g.Conditions[n-1].Type < condition.Type, "condition %s is not in order", condition.Type)
	}
	if g.State == autoscaling.GroupDeleting && c.Counts(g.UID).Live > 0 {
		c.runs(g.DeleteActivity, "activity that deletes it")
	}
	if g.Converging != 0 {
		a := c.runs(g.Converging, "activity by which it converges")
		c.must(a == nil || a.Group == g.UID && a.Trigger.Kind == autoscaling.TriggerSystem,
			"it converges by activity %d, which is not its own or not the system's", g.Converging)
	}
}

// runs notes when the activity does not run.
func (c *check) runs(id autoscaling.ActivityID, what string) *autoscaling.Activity {
	a := c.Activity(id)
	c.must(a != nil, "the %s, %d, does not exist", what, id)
	if a != nil {
		c.must(a.Status == autoscaling.ActivityInProgress, "the %s, %d, is %s", what, id, a.Status)
	}
	return a
}

func (c *check) children(s *shard) {
	g := s.record
	belongs := func(what, id string, group autoscaling.UID, previous string) {
		c.must(group == g.UID, "%s %s says it belongs to %q", what, id, group)
		c.must(previous < id, "%s %s is not in order", what, id)
	}
	previous := ""
	for _, r := range s.rules {
		belongs("rule", r.ID, r.Group, previous)
		previous = r.ID
	}
	previous = ""
	for _, t := range s.alarms {
		belongs("alarm task", t.ID, t.Group, previous)
		previous = t.ID
	}
	previous = ""
	for _, t := range s.tasks {
		belongs("scheduled task", t.ID, t.Group, previous)
		previous = t.ID
	}
	previous = ""
	for _, h := range s.hooks {
		belongs("lifecycle hook", h.ID, h.Group, previous)
		previous = h.ID
	}
	c.must(len(s.hooks) <= autoscaling.MaxHooks, "it has %d lifecycle hooks", len(s.hooks))
	previous = ""
	for _, n := range s.notifications {
		belongs("notification", n.ID, n.Group, previous)
		previous = n.ID
	}
	if g.State == autoscaling.GroupDeleted {
		c.must(len(s.rules)+len(s.alarms)+len(s.tasks)+len(s.hooks)+len(s.notifications) == 0,
			"it is deleted and has rules, tasks, hooks or notifications")
		c.must(s.live.len() == 0, "it is deleted and has %d instances that are not final", s.live.len())
	}
}

func (c *check) groupCounts(s *shard) {
	var recount Counts
	for _, instances := range []*table[autoscaling.InstanceID, *autoscaling.Instance]{&s.live, &s.final} {
		for _, i := range instances.all(c.st.mutable) {
			recount.add(i, 1)
		}
	}
	c.must(recount == s.counts, "it counts %+v and has %+v", s.counts, recount)
}

// runawayBound checks what launches may never exceed. A max size that was
// lowered leaves more than it allows until they are gone, so only what was
// launched since the group was last changed says that the bound was ignored.
// The surge of the greatest desired capacity that max allows is granted, since
// desired may have been lowered after the launch.
func (c *check) runawayBound(s *shard) {
	var u autoscaling.Usage
	newest := autoscaling.Time(0)
	for _, i := range s.live.all(c.st.mutable) {
		u.Add(i)
		if i.State.Launching() && !i.Served {
			newest = max(newest, i.CreateTime)
		}
	}
	bound := s.record.Max + s.record.SurgeAt(s.record.Max)
	c.must(u.Bound <= bound || newest <= s.record.UpdateTime,
		"counted and unproven instances use %d of a bound of %d, and launches went on", u.Bound, bound)
}
