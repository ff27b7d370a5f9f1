package fsm

import (
	"fmt"
	"math"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

// dump is everything that a Reader answers, by every index.
func dump(r Reader) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	term, sequence := r.LogPosition()
	line("at %d/%d stamp %d events %d..%d groups %d", term, sequence, r.Stamp(), r.FirstEvent(), r.LastEvent(), r.GroupCount())
	if c := r.Cluster(); c != nil {
		line("cluster %+v", *c)
	}
	for c := range r.Configurations("") {
		line("configuration %+v", *c)
		for v := range r.ConfigurationVersions(c.UID) {
			line(" version %+v same %v", *v, r.ConfigurationVersion(c.UID, v.Version) == v)
		}
		for g := range r.GroupsUsing(c.UID) {
			line(" used by %s", g.UID)
		}
		line(" by id %v", r.ConfigurationByID(c.Namespace, c.ID) == c)
	}
	for _, namespace := range []string{"", "default", "other"} {
		for g := range r.Groups(namespace) {
			line("group in %q: %s by id %v", namespace, g.UID, r.GroupByID(g.Namespace, g.ID) == g)
			dumpGroup(line, r, g)
		}
		for g := range r.DeletedGroups(namespace, "") {
			line("deleted group in %q: %s", namespace, g.UID)
			dumpGroup(line, r, g)
		}
	}
	for e := range r.Events(0) {
		line("event %+v", *e)
	}
	for request := range r.Requests() {
		line("request %+v found %v", *request, r.Request(request.Namespace, request.ID) == request)
	}
	for n := range r.Nodes() {
		line("node %+v found %v store %v", *n, r.Node(n.ID) == n, r.ProviderStore(n.ID) != nil)
	}
	for target := range r.NotificationTargets("") {
		next, pending := r.NextDelivery(target.UID)
		line("target %+v by id %v counts %+v next %d %v", *target, r.NotificationTargetByID(target.Namespace, target.ID) == target,
			r.OutboxCounts(target.UID), next, pending)
		for d := range r.Deliveries(target.UID) {
			line(" delivery %+v found %v", *d, r.Delivery(target.UID, d.ID) == d)
		}
		for d := range r.DeadLetters(target.UID) {
			line(" dead %d", d.ID)
		}
		for d := range r.DueDeliveries(target.UID, autoscaling.Time(math.MaxInt64)) {
			line(" due %d", d.ID)
		}
	}
	for m := range r.AllReleased() {
		line("released %+v found %v", *m, r.Released(m.Provider, m.MachineID) == m)
	}
	for o := range r.Orphans() {
		line("orphan %+v", *o)
	}
	return b.String()
}

func dumpGroup(line func(string, ...any), r Reader, g *autoscaling.Group) {
	line(" %+v counts %+v", *g, r.Counts(g.UID))
	for rule := range r.Rules(g.UID) {
		line(" rule %+v found %v", *rule, r.Rule(g.UID, rule.ID) == rule)
	}
	for t := range r.AlarmTasks(g.UID) {
		line(" alarm %+v found %v", *t, r.AlarmTask(g.UID, t.ID) == t)
	}
	for t := range r.ScheduledTasks(g.UID) {
		line(" task %+v found %v", *t, r.ScheduledTask(g.UID, t.ID) == t)
	}
	for h := range r.LifecycleHooks(g.UID) {
		line(" hook %+v found %v", *h, r.LifecycleHook(g.UID, h.ID) == h)
	}
	for n := range r.Notifications(g.UID) {
		line(" notification %+v found %v", *n, r.Notification(g.UID, n.ID) == n)
	}
	for i := range r.Instances(g.UID) {
		line(" instance %+v found %v %v", *i, r.Instance(g.UID, i.ID) == i, r.FindInstance(i.ID) == i)
	}
	for i := range r.FinalInstances(g.UID) {
		line(" final %+v found %v %v", *i, r.Instance(g.UID, i.ID) == i, r.FindInstance(i.ID) == i)
	}
	for a := range r.Activities(g.UID) {
		line(" activity %+v found %v", *a, r.Activity(a.ID) == a)
	}
	for a := range r.RunningActivities(g.UID) {
		line(" running %d", a.ID)
	}
}
