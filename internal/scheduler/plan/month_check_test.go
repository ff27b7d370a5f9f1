package plan_test

import (
	"slices"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

func poolOf(i *autoscaling.Instance) plan.SetKey {
	return plan.SetKey{Kind: plan.Pool, Provider: i.Balancers[0].Provider, Name: i.Balancers[0].Pool}
}

// checkGroup is what must hold of a group after every change of it.
func (m *month) checkGroup(group autoscaling.UID) {
	v := m.view()
	g := v.Group(group)
	if g == nil {
		return
	}
	var u autoscaling.Usage
	waits := false
	for i := range v.Instances(group) {
		u.Add(i)
		m.reached[i.State] = true
		waits = waits || i.Step == autoscaling.StepHooks
		if !i.State.Resting() && control.DeadlineOf(g, i) == 0 {
			m.fail("%s in %s has no deadline", i.ID, i.State)
		}
	}
	m.checkBound(g, u.Bound)
	m.checkReplacements(v, g)
	converging := 0
	for a := range v.RunningActivities(group) {
		if a.Trigger.Kind == autoscaling.TriggerSystem && (a.Kind == autoscaling.ScaleOut || a.Kind == autoscaling.ScaleIn) {
			converging++
		}
	}
	if converging > 1 {
		m.fail("group %s: %d SYSTEM activities run", g.ID, converging)
	}
	if (g.State == autoscaling.GroupActive || g.State == autoscaling.GroupPaused) && (g.Desired < g.Min || g.Desired > g.Max) {
		m.fail("group %s: desired %d is outside %d..%d", g.ID, g.Desired, g.Min, g.Max)
	}
	if waits && !m.program[group] {
		m.program[group] = true
		m.after(m.between(time.Second, 4*time.Minute), func() { m.answerHooks(group) })
	}
}

// checkDecision is what our own doing must keep: what is counted does not get less
// than min_healthy_percent leaves, and the oldest rule of all, that deciding ends.
func (m *month) checkDecision(group autoscaling.UID, name string, before fsm.Counts) {
	g := m.view().Group(group)
	if name != "upkeep" || g == nil {
		return
	}
	if after := m.view().Counts(group); after.Capacity < before.Capacity-g.Dip() {
		m.fail("group %s: upkeep took %d away, %d may go", g.ID, before.Capacity-after.Capacity, g.Dip())
	}
}

// checkSet: nobody final is written into a list or pool, and who gets traffic was
// let in before.
func (m *month) checkSet(key plan.SetKey, whole *plan.Whole) {
	alive := func(id string) *autoscaling.Instance {
		i := m.view().FindInstance(autoscaling.InstanceID(id))
		if i == nil || i.State.Final() {
			return nil
		}
		return i
	}
	for _, e := range whole.Entries {
		if alive(e.Instance) == nil {
			m.fail("the address of %s, which is final, is written into list %s", e.Instance, key.Name)
		}
	}
	for _, t := range whole.Targets {
		i := alive(t.Instance)
		if i == nil {
			m.fail("%s, which is final, is written into pool %s", t.Instance, key.Name)
		}
		if i.State == autoscaling.PendingProceed && !i.Served {
			for _, l := range i.AccessLists {
				if l.State == autoscaling.AttachmentAdding || l.State == autoscaling.AttachmentPending {
					m.fail("%s is registered before it is in list %s", i.ID, l.List)
				}
			}
		}
	}
}

// starts: a machine is let in before it runs, where its address is known by then.
func (m *month) starts(x *providers.Machine, late bool) {
	i := m.view().FindInstance(autoscaling.InstanceID(x.Instance))
	if late || i == nil || i.State != autoscaling.Pending {
		return
	}
	for _, l := range i.AccessLists {
		if l.State == autoscaling.AttachmentActive {
			if _, in := m.lists[l.Provider+"/"+l.List].entries[x.Instance]; !in {
				m.fail("%s was started before it was in list %s", x.Instance, l.List)
			}
		}
	}
}

// stops: a machine is drained before it is stopped.
func (m *month) stops(x *providers.Machine) {
	i := m.view().FindInstance(autoscaling.InstanceID(x.Instance))
	if i == nil || gaveUpDrain(i) {
		return
	}
	for _, b := range i.Balancers {
		if _, in := m.lists[b.Provider+"/"+b.Pool].targets[x.Instance]; in && b.State == autoscaling.AttachmentRemoved {
			m.fail("%s was stopped while it was in pool %s", x.Instance, b.Pool)
		}
	}
}

// checkEverything is the full check of the state, and that nobody is late: what is
// past its deadline was acted on.
func (m *month) checkEverything() {
	v := m.view()
	if broken := v.CheckInvariants(); len(broken) > 0 {
		m.fail("broken invariants: %s", strings.Join(broken, "; "))
	}
	for g := range v.Groups("") {
		for i := range v.Instances(g.UID) {
			if d := control.DeadlineOf(g, i); d != 0 && m.now > d.Add(time.Minute) {
				m.fail("%s is in %s %s past its deadline %s", i.ID, i.State, i.Step, d)
			}
		}
		for a := range v.Activities(g.UID) {
			if m.ended[a.Kind] == nil {
				m.ended[a.Kind] = map[autoscaling.ActivityStatus]bool{}
			}
			m.ended[a.Kind][a.Status] = true
		}
	}
	for id, times := range m.cloud.made {
		if times > 1 {
			m.fail("%d machines were made for %s", times, id)
		}
	}
	for _, g := range m.groups()[:min(10, len(m.groups()))] {
		m.decidesOnce(g)
	}
}

// decidesOnce: what is decided is decided; a second look writes nothing.
func (m *month) decidesOnce(g *autoscaling.Group) {
	decide := func(tx *fsm.Tx) error { return plan.Decide(tx, m.ops, g.UID, plan.Hold{}) }
	m.do("decide", decide)
	if m.do("decide twice", decide) {
		m.fail("deciding twice about %s changed something", g.ID)
	}
	m.mark(g.UID)
}

// comeToRest ends the faults and the people, and expects everything to come right
// by itself within a day.
func (m *month) comeToRest() {
	m.calm = true
	m.cloud.down, m.cloud.broken = false, false
	clear(m.cloud.full)
	for _, g := range m.groups() {
		name := control.GroupName{Namespace: g.Namespace, ID: g.ID}
		m.write(g.UID, "calm: resume", func(tx *fsm.Tx) error { return m.resumeIfThere(tx, name) })
		m.liveForEver(name)
		m.write(g.UID, "calm", func(tx *fsm.Tx) error {
			for _, t := range slices.Collect(tx.ScheduledTasks(g.UID)) {
				tx.DeleteScheduledTask(g.UID, t.ID)
			}
			for _, h := range slices.Collect(tx.LifecycleHooks(g.UID)) { // one that nobody answers in time holds for ever
				tx.DeleteLifecycleHook(g.UID, h.ID)
			}
			for _, i := range slices.Collect(tx.Instances(g.UID)) {
				ids := []string{string(i.ID)}
				m.ops.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{Group: name, Instances: ids})
				m.ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{Group: name, Instance: ids[0], Health: autoscaling.HealthHealthy})
			}
			return nil
		})
	}
	m.list(m.chief, time.Second)
	m.run(m.now.Add(24 * time.Hour))
	m.checkEverything()
	machines, running := 0, 0
	for _, x := range m.cloud.machines {
		if x.State == providers.MachineRunning {
			running++
		}
	}
	for g := range m.view().Groups("") {
		if what := m.restless(g); what != "" {
			m.fail("group %s does not come to rest: %s", g.ID, what)
		}
		for i := range m.view().Instances(g.UID) {
			if i.MachineRunning { // one in standby may have lost its machine
				machines++
			}
		}
	}
	if running != machines {
		m.fail("%d machines run for %d instances", running, machines)
	}
}

// restless is what is not yet as it should be in a group.
func (m *month) restless(g *autoscaling.Group) string {
	v := m.view()
	c := v.Counts(g.UID)
	for a := range v.RunningActivities(g.UID) {
		return "a " + string(a.Kind) + " activity runs: " + a.Cause
	}
	switch {
	case g.State != autoscaling.GroupActive:
		return "it is " + string(g.State)
	case c.ByState[autoscaling.InService] != g.Desired, c.Live != g.Desired+c.ByState[autoscaling.Standby]:
		return "it does not have what is desired"
	case uneven(v, g) != "":
		return uneven(v, g)
	}
	return complaint(g)
}

// checkNothingIsMissing: a whole month has seen everything.
func (m *month) checkNothingIsMissing() {
	for s := autoscaling.Initial; int(s) < autoscaling.StateCount; s++ {
		if !m.reached[s] && !s.Final() && s != autoscaling.Warmed {
			m.t.Fatalf("nobody was ever %s", s)
		}
	}
	for _, kind := range []autoscaling.ActivityKind{
		autoscaling.ScaleOut, autoscaling.ScaleIn, autoscaling.Replace, autoscaling.Rebalance, autoscaling.Attach, autoscaling.Detach,
		autoscaling.Remove, autoscaling.EnterStandby, autoscaling.ExitStandby,
	} {
		if !m.ended[kind][autoscaling.ActivitySuccessful] {
			m.t.Fatalf("no %s activity was ever %s", kind, autoscaling.ActivitySuccessful)
		}
	}
	for _, status := range []autoscaling.ActivityStatus{autoscaling.ActivityPartial, autoscaling.ActivityFailed, autoscaling.ActivityRejected} {
		if !m.ended[autoscaling.ScaleOut][status] {
			m.t.Fatalf("no activity was ever %s", status)
		}
	}
}

func (m *month) activities() int {
	n := 0
	for g := range m.view().Groups("") {
		for range m.view().Activities(g.UID) {
			n++
		}
	}
	return n
}
