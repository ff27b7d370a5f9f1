package explain

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
)

// instances finds who of a group is late, held by hooks, or kept although
// unhealthy.
func (f *finder) instances(g *autoscaling.Group) {
	t := newTeller(f.Reader, g, f.now)
	found := map[string]int{}
	var more []Finding // the first of each kind that is not named
	add := func(finding Finding) {
		finding.Group = autoscaling.GroupResource(g.Namespace, g.ID)
		found[finding.Kind]++
		switch n := found[finding.Kind]; {
		case n <= perKind:
			f.add(finding)
		case n == perKind+1:
			more = append(more, finding)
		}
	}
	for i := range f.Instances(g.UID) {
		f.instance(t, i, add)
	}
	for _, m := range more {
		rest := Finding{
			Kind: m.Kind, Severity: m.Severity, Resource: m.Group, Group: m.Group,
			Problem: others(found[m.Kind]-perKind, m.Kind) + ", besides those that are named one by one", Next: "as for those",
			Command: asctl(g.Namespace, "instance", "list", g.ID),
		}
		if m.Kind == KindHookWaiting {
			rest.Command = asctl(g.Namespace, "hook", "pending", g.ID)
		}
		f.add(rest)
	}
}

// others are so many more of a kind.
func others(n int, kind string) string {
	if kind == KindHookWaiting {
		return number(n, "more wait") + " for a hook"
	}
	return number(n, "more instance") + " " + map[string]string{
		KindInstanceOverdue: "past the deadline",
		KindMachineMissing:  "with a machine that the provider does not list",
		KindUnhealthyKept:   "unhealthy and kept",
	}[kind]
}

func (f *finder) instance(t *teller, i *autoscaling.Instance, add func(Finding)) {
	g := t.group
	name := autoscaling.InstanceResource(g.Namespace, g.ID, i.ID)
	if late, since := t.late(i); late {
		add(Finding{
			Kind: KindInstanceOverdue, Severity: Error, Resource: name, Problem: fmt.Sprintf("instance %s is past its deadline %s", i.ID, whereIs(i)),
			Cause: i.StatusReason, Next: f.afterLate(g, i), Command: f.unstick(g, i), Since: i.StateTime, Deadline: since,
		})
	}
	if i.MissingSince != 0 {
		add(Finding{
			Kind: KindMachineMissing, Severity: Warning, Resource: name, Problem: fmt.Sprintf("the provider does not list the machine of instance %s", i.ID),
			Cause: "it may be gone, or its listing late", Next: "when another listing has it missing as well, it counts as gone and is replaced", Since: i.MissingSince,
		})
	}
	if why := t.keptUnhealthy(i); why != "" && i.Health == autoscaling.HealthUnhealthy {
		add(Finding{
			Kind: KindUnhealthyKept, Severity: Warning, Resource: name, Problem: because(fmt.Sprintf("instance %s is unhealthy", i.ID), i.UnhealthyReason),
			Cause: why, Next: "it stays until that changes, or its checks say yes", Since: i.UnhealthySince,
			Command: asctl(g.Namespace, "instance", "remove", g.ID+"/"+string(i.ID)),
		})
	}
	for n := range i.Waits {
		if w := &i.Waits[n]; w.Open() {
			add(f.waiting(g, i, w))
		}
	}
}

// whereIs says where an instance is: the step, or the state that has none.
func whereIs(i *autoscaling.Instance) string {
	if i.Step == autoscaling.StepNone {
		return "in " + i.State.String()
	}
	return fmt.Sprintf("at %s, in %s", i.Step, i.State)
}

// afterLate is what the service does about an instance that is late.
func (f *finder) afterLate(g *autoscaling.Group, i *autoscaling.Instance) string {
	deadline := control.DeadlineOf(g, i)
	switch {
	case f.now < i.RetryTime:
		return fmt.Sprintf("%s is tried again at %s, and on until it works", i.Step, at(i.RetryTime))
	case f.now < deadline:
		return fmt.Sprintf("%s is tried on until it works", i.Step)
	}
	return fmt.Sprintf("its deadline, %s, is acted upon as soon as the leader can write", at(deadline))
}

// unstick is what a person can do: somebody else's way out of the state, or ask
// another leader to try.
func (f *finder) unstick(g *autoscaling.Group, i *autoscaling.Instance) string {
	switch {
	case i.Step == autoscaling.StepHooks:
		for n := range i.Waits {
			if w := &i.Waits[n]; w.Open() {
				return complete(g, i, w)
			}
		}
	case i.State.Launching():
		return asctl(g.Namespace, "instance", "remove", g.ID+"/"+string(i.ID))
	}
	return asctl("default", "cluster", "transfer-leadership")
}

// waiting is a hook that holds an instance. It does not say the token: whoever
// has the command needs none.
func (f *finder) waiting(g *autoscaling.Group, i *autoscaling.Instance, w *autoscaling.HookWait) Finding {
	return Finding{
		Kind: KindHookWaiting, Severity: Notice, Resource: autoscaling.InstanceResource(g.Namespace, g.ID, i.ID),
		Problem: fmt.Sprintf("hook %s holds instance %s in %s", w.Hook, i.ID, i.State),
		Cause:   "the program behind the hook has not completed it",
		Next:    fmt.Sprintf("at %s %s is assumed, unless a heartbeat moves that, to %s at most", at(w.Deadline), w.DefaultResult, at(w.LastDeadline)),
		Command: complete(g, i, w),
		Since:   w.StartTime, Deadline: w.Deadline,
	}
}

func complete(g *autoscaling.Group, i *autoscaling.Instance, w *autoscaling.HookWait) string {
	return asctl(g.Namespace, "hook", "complete", g.ID, "--instance", string(i.ID), "--hook", w.Hook, "--result", "CONTINUE")
}
