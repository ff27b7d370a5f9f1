package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// CheckInvariants answers every broken invariant of the state, in words and in
// a fixed order; an empty answer is a sound state. It looks at every record, and
// at the newest of the events.
func (r Reader) CheckInvariants() []string {
	c := &check{Reader: r}
	c.configurations()
	c.groups()
	c.outboxes()
	c.released()
	c.indexes()
	c.requests()
	c.events()
	return c.broken
}

// check gathers what is broken.
type check struct {
	Reader
	broken []string
	where  string // what is looked at

	instances, activities int // that groups have
	live, deleted, users  int // groups in each index
	targets               int
}

// must notes what is not so.
func (c *check) must(ok bool, format string, args ...any) {
	if !ok {
		c.broken = append(c.broken, c.where+": "+fmt.Sprintf(format, args...))
	}
}

func (c *check) configurations() {
	names := 0
	for uid, l := range c.st.configurations.all(c.st.mutable) {
		record := l.record
		c.where = fmt.Sprintf("configuration %s/%s", record.Namespace, record.ID)
		c.must(record.UID == uid, "it is kept under uid %q and has %q", uid, record.UID)
		named, _ := c.st.configurationNames.get(name(record.Namespace, record.ID))
		c.must(named == uid, "its name leads to %q", named)
		names++
		for n, v := range l.versions {
			c.must(v.Configuration == uid, "version %d says it belongs to %q", v.Version, v.Configuration)
			c.must(v.Version > 0 && (n == 0 || l.versions[n-1].Version < v.Version), "version %d is not in order", v.Version)
			c.must(v.Version <= record.Latest, "version %d is above the latest, %d", v.Version, record.Latest)
		}
		for _, named := range []int32{record.Latest, record.Default} {
			c.must(named == 0 || c.ConfigurationVersion(uid, named) != nil, "version %d, its latest or default, does not exist", named)
		}
	}
	c.where = "configurations"
	c.must(names == c.st.configurationNames.len(), "%d exist and %d names are taken", names, c.st.configurationNames.len())
}

// indexes compares the sizes of the indexes with what was found in groups: with
// every record found in its index, equal sizes mean that there is nothing else.
func (c *check) indexes() {
	c.where = "indexes"
	same := func(what string, found, indexed int) {
		c.must(found == indexed, "%d %s exist and %d are in the index", found, what, indexed)
	}
	same("groups", c.live, c.st.groupNames.len())
	same("deleted groups", c.deleted, c.st.deletedGroups.len())
	same("groups with a configuration", c.users, c.st.users.len())
	same("instances", c.instances, c.st.instances.groups.len()+c.st.instances.others.len())
	same("activities", c.activities, c.st.activities.len())
	same("notification targets", c.targets, c.st.targetNames.len())
}

func (c *check) requests() {
	c.where = "requests"
	c.must(c.st.requests.len() == c.st.requestOrder.len(), "%d exist and %d are in order of time", c.st.requests.len(), c.st.requestOrder.len())
	c.must(c.st.requests.len() <= autoscaling.MaxRequests, "%d are more than the %d that are kept", c.st.requests.len(), autoscaling.MaxRequests)
	for r := range c.Requests() {
		c.where = fmt.Sprintf("request %s/%s", r.Namespace, r.ID)
		c.must(c.Request(r.Namespace, r.ID) == r, "its id leads to another one")
		c.must(len(r.Answer) <= autoscaling.MaxAnswer, "its answer has %d bytes", len(r.Answer))
	}
}

// newestEvents are looked at one by one: older ones were when they were new,
// and are never changed.
const newestEvents = 1024

func (c *check) events() {
	c.where = "events"
	first, last := c.FirstEvent(), c.LastEvent()
	if last == 0 {
		return
	}
	c.must(last-first < MaxEvents, "%d are kept, more than %d", last-first+1, MaxEvents)
	next := first
	if last-first >= newestEvents {
		next = last - newestEvents + 1
	}
	previous := autoscaling.Time(0)
	for e := range c.Events(next - 1) {
		c.must(e.Index == next, "event %d is where %d should be", e.Index, next)
		c.must(e.Time >= previous || e.Type == autoscaling.EventTimeSet, "event %d is older than the one before", e.Index)
		next, previous = e.Index+1, e.Time
	}
	c.must(next == last+1, "they end with %d and the last given is %d", next-1, last)
}
