package explain

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// target finds what does not get through to a notification target.
func (f *finder) target(t *autoscaling.NotificationTarget) {
	name := autoscaling.NotificationTargetResource(t.Namespace, t.ID)
	counts := f.OutboxCounts(t.UID)
	if counts.Dead > 0 {
		found := Finding{
			Kind: KindDeadLetters, Severity: Error, Resource: name, Problem: fmt.Sprintf("%s were not delivered to %s and are tried no more", number(counts.Dead, "event"), t.ID),
			Next: fmt.Sprintf("they are forgotten %s after they died", span(autoscaling.DeadLetterRetention)), Command: asctl(t.Namespace, "notification-target", "redeliver", t.ID, "--all"),
		}
		if counts.Dead == 1 {
			found.Problem = "1 event was not delivered to " + t.ID + " and is tried no more"
		}
		for d := range f.DeadLetters(t.UID) {
			found.Since, found.Cause = d.EndTime, d.LastError // the oldest
			break
		}
		f.add(found)
	}
	if counts.Pending == 0 {
		return
	}
	var oldest *autoscaling.Delivery // of those that can be tried at all: the first of each lane
	for d := range f.DueDeliveries(t.UID, maxTime) {
		if oldest == nil || d.ID < oldest.ID {
			oldest = d
		}
	}
	pending := fmt.Sprintf("%s wait", number(counts.Pending, "event"))
	if counts.Pending == 1 {
		pending = "1 event waits"
	}
	ends := fmt.Sprintf("the oldest is given up at %s", at(oldest.GiveUp))
	switch {
	case t.Disabled:
		f.add(Finding{
			Kind: KindTargetDisabled, Severity: Warning, Resource: name, Problem: fmt.Sprintf("%s for %s, which is disabled", pending, t.ID), Cause: "somebody disabled it",
			Next: ends, Command: asctl(t.Namespace, "notification-target", "update", t.ID, "--enabled=true"), Since: oldest.EventTime, Deadline: oldest.GiveUp,
		})
	case oldest.Attempts > 0:
		f.add(Finding{
			Kind: KindTargetFailing, Severity: Warning, Resource: name, Problem: fmt.Sprintf("%s for %s, which does not take them", pending, t.ID), Cause: oldest.LastError,
			Next:    fmt.Sprintf("the oldest was tried %s and is again at %s; it is given up at %s", number(oldest.Attempts, "time"), at(max(oldest.NextTime, f.now)), at(oldest.GiveUp)),
			Command: asctl(t.Namespace, "notification", "test", t.ID), Since: oldest.EventTime, Deadline: oldest.GiveUp,
		})
	}
	if counts.Pending >= autoscaling.MaxPending {
		f.add(Finding{
			Kind: KindTargetFull, Severity: Error, Resource: name, Problem: fmt.Sprintf("%s takes no more: %d events wait", t.ID, counts.Pending), Cause: oldest.LastError,
			Next: "new events are dead at once, until some of the old ones were taken or given up", Command: asctl(t.Namespace, "notification", "test", t.ID), Since: oldest.EventTime,
		})
	}
}

const maxTime = autoscaling.Time(1<<63 - 1)

// orphans are machines that carry our mark and belong to nobody. They have no
// namespace: each one's doctor names them.
func (f *finder) orphans(namespace string) {
	if namespace == "" {
		namespace = "-"
	}
	for o := range f.Orphans() {
		f.add(Finding{
			Kind: KindOrphan, Severity: Warning, Resource: "namespaces/" + namespace,
			Problem: fmt.Sprintf("machine %s of provider %s carries this cluster's mark and belongs to no instance", o.MachineID, o.Provider),
			Cause:   fmt.Sprintf("it was made as %s, of which nothing is known", o.Instance),
			Next:    fmt.Sprintf("it is removed after %s, unless it is gone by then", at(o.RemoveAfter)), Since: o.FirstSeen, Deadline: o.RemoveAfter,
		})
	}
}
