package plan_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// checkState is what must hold after every change of the state.
func (s *simulation) checkState() {
	s.t.Helper()
	v := s.view()
	if broken := v.CheckInvariants(); len(broken) > 0 {
		s.fail("broken invariants: %s", strings.Join(broken, "; "))
	}
	for g := range v.Groups("") {
		var u autoscaling.Usage
		converging := 0
		for i := range v.Instances(g.UID) {
			u.Add(i)
			if !i.State.Resting() && control.DeadlineOf(g, i) == 0 {
				s.fail("%s in %s has no deadline", i.ID, i.State)
			}
		}
		s.checkBound(g, u.Bound)
		for a := range v.RunningActivities(g.UID) {
			if a.Trigger.Kind == autoscaling.TriggerSystem && (a.Kind == autoscaling.ScaleOut || a.Kind == autoscaling.ScaleIn) {
				converging++
			}
		}
		s.checkReplacements(v, g)
		if converging > 1 {
			s.fail("group %s: %d SYSTEM activities run", g.ID, converging)
		}
	}
	s.checkMembers(v)
	s.checkHooks(v)
	s.checkOutside()
}

// checkOutside is what must hold of machines, list and pool at any moment.
func (s *simulation) checkOutside() {
	s.t.Helper()
	v := s.view()
	for _, id := range slices.Sorted(maps.Keys(s.cloud.machines)) {
		if v.FindInstance(autoscaling.InstanceID(id)) == nil {
			s.fail("machine of %s, which nobody meant to have", id)
		}
		if s.cloud.made[id] > 1 {
			s.fail("%d machines were made for %s", s.cloud.made[id], id)
		}
	}
	for id := range s.list.entries {
		if i := v.FindInstance(autoscaling.InstanceID(id)); i == nil || i.State.Final() {
			s.fail("the address of %s, which is final, is in the list", id)
		}
	}
	for id := range s.pool.targets {
		if i := v.FindInstance(autoscaling.InstanceID(id)); i == nil || i.State.Final() {
			s.fail("%s, which is final, is in the pool", id)
		}
	}
}

// onStart: a machine is let in before it runs.
func (s *simulation) onStart(m *providers.Machine, late bool) {
	i := s.view().FindInstance(autoscaling.InstanceID(m.Instance))
	if late || i == nil || len(i.AccessLists) == 0 || i.State != autoscaling.Pending {
		return
	}
	if _, in := s.list.entries[m.Instance]; !in {
		s.fail("%s was started before it was in the list", m.Instance)
	}
}

// onTargets: a machine gets traffic after it was let in.
func (s *simulation) onTargets(targets []providers.Target) {
	for _, t := range targets {
		i := s.view().FindInstance(autoscaling.InstanceID(t.Instance))
		if _, in := s.list.entries[t.Instance]; !in && i != nil && i.State == autoscaling.PendingProceed && len(i.AccessLists) > 0 {
			s.fail("%s was registered before it was in the list", t.Instance)
		}
	}
}

// onStop: a machine is drained before it is stopped, and let out after it.
func (s *simulation) onStop(m *providers.Machine) {
	s.onHeld(m)
	i := s.view().FindInstance(autoscaling.InstanceID(m.Instance))
	if _, in := s.pool.targets[m.Instance]; in && !gaveUpDrain(i) {
		s.fail("%s was stopped while it was in the pool", m.Instance)
	}
	if i == nil || i.State.Final() || s.leftList[i.Group] {
		return
	}
	for _, l := range i.AccessLists {
		if l.State == autoscaling.AttachmentRemoved {
			s.fail("%s was let out before it was stopped", m.Instance)
		}
	}
}

// gaveUpDrain says whether the pool did not answer within the drain's deadline.
func gaveUpDrain(i *autoscaling.Instance) bool {
	return i != nil && slices.ContainsFunc(i.Timeline, func(e autoscaling.TimelineEntry) bool {
		return e.Step == autoscaling.StepDrain && strings.Contains(e.Message, "not confirmed")
	})
}

// rest ends the faults and the people, and expects everything to come right by
// itself.
func (s *simulation) rest() {
	s.calm = true
	s.cloud.down, s.cloud.broken = false, false
	clear(s.cloud.full)
	for len(s.late) > 0 {
		s.someLate()
	}
	for _, g := range s.groups() {
		name := control.GroupName{Namespace: g.Namespace, ID: g.ID}
		s.liveForEver(name)
		s.do("calm: resume "+g.ID, func(tx *fsm.Tx) error { return s.resume(tx, name) })
		s.do("calm: unprotect "+g.ID, func(tx *fsm.Tx) error {
			for _, i := range slices.Collect(tx.Instances(g.UID)) {
				// One that leaves cannot be changed any more, and need not be.
				s.ops.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{Group: name, Instances: []string{string(i.ID)}})
			}
			return nil
		})
	}
	const patience = 3000 // rounds of a second: back-offs are up to ten minutes
	for range patience {
		s.round()
		if s.unsettled() == "" {
			break
		}
	}
	if what := s.unsettled(); what != "" {
		s.fail("does not come to rest: %s", what)
	}
	for range 100 { // and it stays so
		s.round()
	}
	if what := s.unsettled(); what != "" {
		s.fail("does not stay at rest: %s", what)
	}
}

// round gives everybody a turn.
func (s *simulation) round() {
	s.now = s.now.Add(time.Second)
	s.endStandby()
	s.completeAll()
	for _, g := range s.groups() {
		s.pass(s.view().Group(g.UID))
	}
	s.startListing()
	s.compareListing()
	for range 2 * len(s.leader.calls) {
		s.progress()
	}
	s.poolStatus()
	for len(s.leader.facts) > 0 {
		s.writeFacts()
	}
}

// unsettled is what is not yet as it should be; empty: all is.
func (s *simulation) unsettled() string {
	v := s.view()
	serving, attached, listed := 0, 0, 0
	for g := range v.Groups("") {
		c := v.Counts(g.UID)
		switch {
		case g.State == autoscaling.GroupDeleting:
			return "group " + g.ID + " is still being deleted"
		case c.Counted != g.Desired || c.ByState[autoscaling.InService] != g.Desired || c.Live != c.Counted:
			return "group " + g.ID + " does not have what is desired"
		case complaint(g) != "":
			return "group " + g.ID + " still says " + complaint(g)
		case uneven(v, g) != "":
			return "group " + g.ID + " is not even: " + uneven(v, g)
		}
		for range v.RunningActivities(g.UID) {
			return "group " + g.ID + " still has an activity"
		}
		serving += int(g.Desired)
		attached += int(g.Desired) * len(g.Balancers)
		listed += int(g.Desired) * len(g.AccessLists)
	}
	for range v.Orphans() {
		return "an orphan is left"
	}
	switch {
	case len(s.cloud.machines) != serving:
		return "there are machines that serve nobody"
	case len(s.pool.targets) > attached: // less: instances that came while LOAD_BALANCER was suspended
		return "the pool has too many targets"
	case len(s.list.entries) != listed:
		return "the list is not as it should be"
	}
	return ""
}
