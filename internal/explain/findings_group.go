package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

// Kinds of findings besides the names of conditions.
const (
	KindGroupPaused      = "GROUP_PAUSED"
	KindGroupDeleting    = "GROUP_DELETING"
	KindProcessSuspended = "PROCESS_SUSPENDED"
	KindHookWaiting      = "LIFECYCLE_HOOK_WAITING"
	KindUnhealthyKept    = "UNHEALTHY_KEPT"
	KindMachineMissing   = "MACHINE_MISSING"
	KindInstanceOverdue  = string(autoscaling.ConditionInstanceOverdue)
	KindDeadLetters      = "DEAD_LETTERS"
	KindTargetDisabled   = "NOTIFICATION_TARGET_DISABLED"
	KindTargetFailing    = "NOTIFICATION_TARGET_FAILING"
	KindTargetFull       = "NOTIFICATION_TARGET_FULL"
	KindTargetMissing    = "NOTIFICATION_TARGET_MISSING"
	KindOrphan           = "ORPHANED_MACHINE"
	KindTimeAhead        = "TIME_AHEAD"
	KindTimeBehind       = "TIME_BEHIND"
)

// conditions are what the group says of itself. Of who is overdue each is found
// by itself.
func (f *finder) conditions(g *autoscaling.Group) {
	name := autoscaling.GroupResource(g.Namespace, g.ID)
	for _, c := range g.Conditions {
		if c.Type == autoscaling.ConditionInstanceOverdue {
			continue
		}
		w := wordsOf(f.Reader, g, c)
		command := ""
		if w.command != "" {
			words := strings.ReplaceAll(strings.ReplaceAll(w.command, "GROUP", g.ID), "COMPUTE", c.Reason)
			if id := g.Configuration.ID; id != "" {
				words = strings.ReplaceAll(words, "CONFIGURATION", id)
			}
			command = asctl(g.Namespace, words)
		}
		f.add(Finding{
			Kind: string(c.Type), Severity: w.severity, Resource: name, Group: name, Problem: c.Message, Cause: causeOf(g, c), Next: w.next, Command: command, Since: c.Time,
		})
	}
}

// causeOf is what is known beyond the condition's own message.
func causeOf(g *autoscaling.Group, c autoscaling.Condition) string {
	switch c.Type {
	case autoscaling.ConditionLaunchSuspended:
		return fmt.Sprintf("%s in a row failed, the last: %s", number(g.LaunchFailures, "launch"), g.LastLaunchError)
	case autoscaling.ConditionProviderDown:
		return "provider " + c.Reason + " does not answer"
	}
	return ""
}

// stillness is what somebody has stopped.
func (f *finder) stillness(g *autoscaling.Group) {
	name := autoscaling.GroupResource(g.Namespace, g.ID)
	if g.State == autoscaling.GroupPaused {
		f.add(Finding{
			Kind: KindGroupPaused, Severity: Notice, Resource: name, Group: name, Problem: "the group is paused", Cause: "somebody paused it",
			Next: "what is moving finishes; nothing new is started before it is resumed", Command: asctl(g.Namespace, "group", "resume", g.ID),
		})
	}
	for _, p := range g.Suspended {
		f.add(Finding{
			Kind: KindProcessSuspended, Severity: Notice, Resource: name, Group: name, Problem: fmt.Sprintf("the process %s is suspended: %s", p, effects[p]),
			Cause: "somebody suspended it", Next: "nothing, before it is resumed", Command: asctl(g.Namespace, "group", "resume-processes", g.ID, string(p)),
		})
	}
	for n := range f.Notifications(g.UID) {
		f.missingTarget(g, autoscaling.NotificationResource(g.Namespace, g.ID, n.ID), n.Target)
	}
	for h := range f.LifecycleHooks(g.UID) {
		f.missingTarget(g, autoscaling.LifecycleHookResource(g.Namespace, g.ID, h.ID), h.NotificationTarget)
	}
}

// missingTarget is for what tells of things to a target that is no more.
func (f *finder) missingTarget(g *autoscaling.Group, resource, target string) {
	if target == "" || f.NotificationTargetByID(g.Namespace, target) != nil {
		return
	}
	f.add(Finding{
		Kind: KindTargetMissing, Severity: Error, Resource: resource, Group: autoscaling.GroupResource(g.Namespace, g.ID),
		Problem: "notification target " + target + " does not exist", Cause: "it was deleted, or never made", Next: "nobody is told",
		Command: asctl(g.Namespace, "notification-target", "create", target, "--url", "URL"),
	})
}

// deleting is how far a deletion is.
func (f *finder) deleting(g *autoscaling.Group) {
	if g.State != autoscaling.GroupDeleting {
		return
	}
	name := autoscaling.GroupResource(g.Namespace, g.ID)
	found := Finding{
		Kind: KindGroupDeleting, Severity: Notice, Resource: name, Group: name, Problem: "the group is being deleted",
		Next: "it is gone when these are: " + blockersOf(f.Reader, g),
	}
	if a := f.Activity(g.DeleteActivity); a != nil {
		found.Since, found.Cause = a.StartTime, because(fmt.Sprintf("activity %d", a.ID), a.Cause)
	}
	if slices.ContainsFunc(g.Conditions, func(c autoscaling.Condition) bool { return c.Type == autoscaling.ConditionDeletionWaiting }) {
		found.Command = asctl(g.Namespace, "group", "delete", g.ID, "--force", "--skip-hooks")
	}
	f.add(found)
}
