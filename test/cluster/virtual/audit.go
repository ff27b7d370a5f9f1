package virtual

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// Settle waits until every group is at rest, and audits the world.
func (w *World) Settle(within time.Duration) {
	w.t.Helper()
	w.Rest(within)
	w.EnsureSame()
	w.Rest(within) // a schedule may have woken a group meanwhile
}

// Rest waits until every group is at rest, whatever the nodes that do not lead
// know of it.
func (w *World) Rest(within time.Duration) {
	w.t.Helper()
	unrest := "nobody leads"
	if !w.comes(within, func() bool { unrest = w.unrest(w.Leader().View()); return unrest == "" }) {
		w.fail("not at rest within %s: %s", within, unrest)
	}
	w.CheckBooks()
}

// unrest says what is still under way or not as it should be; empty: nothing.
func (w *World) unrest(v fsm.View) string {
	for g := range v.Groups("") {
		for a := range v.RunningActivities(g.UID) {
			return fmt.Sprintf("activity %d (%s) of %s runs: %s", a.ID, a.Kind, g.ID, a.Cause)
		}
		for i := range v.Instances(g.UID) {
			if !i.State.Resting() || i.Health == autoscaling.HealthUnhealthy && i.State != autoscaling.Standby {
				return fmt.Sprintf("instance %s of %s is %s %s %v: %s", i.ID, g.ID, i.State, i.Step, i.Health, i.StatusReason)
			}
		}
		for _, c := range g.Conditions {
			if slices.Contains(passing, c.Type) {
				return fmt.Sprintf("%s is %s: %s", g.ID, c.Type, c.Message)
			}
		}
		counts := v.Counts(g.UID)
		if g.State == autoscaling.GroupActive && counts.Capacity != g.Desired {
			return fmt.Sprintf("%s has %d of %d (%v)", g.ID, counts.Capacity, g.Desired, g.Conditions)
		}
		if g.State == autoscaling.GroupDeleting {
			return g.ID + " is being deleted"
		}
		if g.RebalanceAsked {
			return g.ID + " is being rebalanced"
		}
	}
	for o := range v.Orphans() {
		return "there is orphan " + string(o.Instance)
	}
	return w.outside(v)
}

// passing conditions do not hold at rest.
var passing = []autoscaling.ConditionType{
	autoscaling.ConditionBelowDesired, autoscaling.ConditionAboveDesired, autoscaling.ConditionDegraded,
	autoscaling.ConditionDependencyMissing, autoscaling.ConditionHealthStorm, autoscaling.ConditionProviderDown,
	autoscaling.ConditionWaitingForRemoval, autoscaling.ConditionInstanceOverdue,
}

// Audit looks at all nodes and everything outside, when the groups are at rest.
func (w *World) Audit() {
	w.t.Helper()
	w.EnsureSame()
	v := w.Leader().View()
	if found := w.unrest(v); found != "" {
		w.fail("%s", found)
	}
	w.CheckBooks()
}

// CheckBooks looks for broken rules and lost writes, at any time.
func (w *World) CheckBooks() {
	w.t.Helper()
	v := w.Leader().View()
	w.story.follow(v)
	broken := append(w.Books.Broken(), v.CheckInvariants()...)
	w.story.mu.Lock()
	broken = append(broken, w.story.broken...)
	for id, n := range w.story.ends {
		if n != 1 {
			broken = append(broken, fmt.Sprintf("activity %d ended %d times", id, n))
		}
	}
	for _, id := range w.Books.instances() {
		if !w.story.intents[autoscaling.InstanceID(id)] {
			broken = append(broken, fmt.Sprintf("machine %s was made and the event log knows of no such instance", id))
		}
	}
	w.story.mu.Unlock()
	w.mu.Lock()
	for _, id := range w.accepted {
		if v.Request("default", id) == nil {
			broken = append(broken, "the acknowledged "+id+" is lost")
		}
	}
	w.accepted = nil // they are remembered for a day
	w.mu.Unlock()
	if len(broken) > 0 {
		w.fail("%s", strings.Join(broken, "\n"))
	}
}

// outside compares cloud, lists and pools with the records at rest.
func (w *World) outside(v fsm.View) string {
	found := map[string]bool{}
	for _, m := range w.machines() {
		found[m.Instance] = true
		i := v.FindInstance(autoscaling.InstanceID(m.Instance))
		if i == nil || i.State.Final() {
			return fmt.Sprintf("machine %s (%s) belongs to no instance", m.Instance, m.State)
		}
		if m.State != providers.MachineRunning && i.State != autoscaling.Standby { // there it is not replaced
			return fmt.Sprintf("machine %s of an instance that is %s is %s", m.Instance, i.State, m.State)
		}
	}
	lists, pools := map[string][]string{}, map[string][]string{}
	for g := range v.Groups("") {
		for i := range v.Instances(g.UID) {
			resting := i.State == autoscaling.Standby
			if !found[string(i.ID)] && !resting {
				return fmt.Sprintf("instance %s is %s and has no machine", i.ID, i.State)
			}
			for _, a := range g.AccessLists {
				lists[a.List] = append(lists[a.List], string(i.ID)+" "+i.Addresses[0])
			}
			for _, b := range g.Balancers {
				if resting || neverIn(i, b.Pool) && w.story.mayLackBalancers(g.UID) {
					continue
				}
				pools[b.Pool] = append(pools[b.Pool], string(i.ID)+" "+i.Addresses[0])
			}
		}
	}
	for _, name := range w.Lists.names() {
		var is []string
		for _, e := range w.Lists.Entries(name) {
			is = append(is, e.Instance+" "+e.Address)
		}
		if !sameSet(is, lists[name]) {
			return fmt.Sprintf("list %s lets in %v, and %v should be", name, is, lists[name])
		}
	}
	for _, name := range w.Pools.names() {
		var is []string
		for _, t := range w.Pools.Targets(name) {
			if t.Drain {
				return fmt.Sprintf("target %s of %s drains", t.Instance, name)
			}
			is = append(is, t.Instance+" "+t.Address)
		}
		if !sameSet(is, pools[name]) {
			return fmt.Sprintf("pool %s serves %v, and %v should be", name, is, pools[name])
		}
	}
	return w.freed(v)
}

// neverIn says whether the instance is not to be in the pool.
func neverIn(i *autoscaling.Instance, pool string) bool {
	return slices.ContainsFunc(i.Balancers, func(b autoscaling.BalancerAttachment) bool {
		return b.Pool == pool && b.State == autoscaling.AttachmentPending
	})
}

// freed looks at the machines that are nobody's: they live on, and those that we
// let go are known as released.
func (w *World) freed(v fsm.View) string {
	for _, id := range w.Books.Free() {
		m, err := w.Cloud.Inspect(context.Background(), id)
		switch {
		case err != nil:
			return fmt.Sprintf("machine %s, which is nobody's: %v", id, err)
		case m.State != providers.MachineRunning || m.Instance != "":
			return fmt.Sprintf("machine %s should be nobody's and run, and is %s of instance %q", id, m.State, m.Instance)
		}
	}
	for _, id := range w.Books.Released() {
		if v.Released(CloudName, id) == nil {
			return fmt.Sprintf("machine %s was let go, and is not among the released ones", id)
		}
	}
	return ""
}

func sameSet(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// fail ends the test with what a person needs to understand it.
func (w *World) fail(format string, args ...any) {
	w.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, format, args...)
	fmt.Fprintf(&b, "\n\nthe newest effects:\n%s\n\nthe newest events:\n", w.Books.Lines())
	for _, m := range w.Members {
		if !m.Running() {
			continue
		}
		v := m.View()
		first := uint64(0)
		if last := v.LastEvent(); last > 80 {
			first = last - 80
		}
		for e := range v.Events(first) {
			state := ""
			if e.State != 0 {
				state = e.State.String()
			}
			fmt.Fprintf(&b, "%s %d %s %s %s %s %s a%d %s\n", e.Time.Std().Format("15:04:05.000"), e.Index, e.Type, e.GroupID, e.Instance, state, e.Step, e.Activity, e.Message)
		}
		for g := range v.Groups("") {
			fmt.Fprintf(&b, "group %s %s desired %d cooldown until %s, conditions %+v\n", g.ID, g.State, g.Desired, g.CooldownUntil, g.Conditions)
			for i := range v.Instances(g.UID) {
				fmt.Fprintf(&b, "  %s %s %s health %d retry %s deadline %s lists %v pools %v: %s\n", i.ID, i.State, i.Step, i.Health, i.RetryTime, i.Deadline, i.AccessLists, i.Balancers, i.StatusReason)
			}
		}
		fmt.Fprintf(&b, "as node %s knows at %s\n", m.ID, time.Now().UTC().Format("15:04:05.000"))
		break
	}
	w.t.Fatal(b.String())
}
