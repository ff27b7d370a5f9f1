package virtual

import (
	"fmt"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// memberAct is something that people do to instances.
func (s *soaking) memberAct() func() {
	id, die := s.group(), s.rng.IntN(1000)
	name := groupName(id)
	yes, also := die%2 == 0, die/2%2 == 0
	switch s.rng.IntN(8) {
	case 0, 1:
		return s.withSome(id, die, []autoscaling.InstanceState{autoscaling.InService}, func(ids []string) {
			s.attempt(fmt.Sprintf("put %v on standby (decrement: %t)", ids, yes), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.EnterStandby(tx, control.EnterStandbyRequest{Group: name, Instances: ids, Decrement: yes})
				return err
			})
		})
	case 2, 3:
		return s.withSome(id, die, []autoscaling.InstanceState{autoscaling.Standby}, func(ids []string) {
			s.attempt(fmt.Sprintf("put %v back", ids), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.ExitStandby(tx, control.ExitStandbyRequest{Group: name, Instances: ids})
				return err
			})
		})
	case 4:
		return s.withSome(id, die, []autoscaling.InstanceState{autoscaling.InService, autoscaling.Standby}, func(ids []string) {
			s.attempt(fmt.Sprintf("detach %v (decrement: %t, hooks: %t)", ids, yes, also), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.DetachInstances(tx, control.DetachInstancesRequest{Group: name, Instances: ids, Decrement: yes, RunHooks: also})
				return err
			})
		})
	case 5:
		return s.withSome(id, die, []autoscaling.InstanceState{autoscaling.InService, autoscaling.PendingWait, autoscaling.Standby}, func(ids []string) {
			s.attempt(fmt.Sprintf("protect %v: %t", ids, yes), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{Group: name, Instances: ids, Protected: yes})
				return err
			})
		})
	}
	return func() { s.attach(id, die) }
}

// withSome does something with one to three of the group's instances, of those
// that are in the states or of all.
func (s *soaking) withSome(group string, die int, states []autoscaling.InstanceState, do func(ids []string)) func() {
	return func() {
		v := s.w.Leader().View()
		g := v.GroupByID("default", group)
		if g == nil {
			return
		}
		var all []string
		for i := range v.Instances(g.UID) {
			for _, state := range states {
				if i.State == state || die%9 == 0 {
					all = append(all, string(i.ID))
					break
				}
			}
		}
		if len(all) == 0 {
			return
		}
		first := die % len(all)
		do(all[first:min(first+1+die/5%3, len(all))])
	}
}

// attach attaches a machine that was let go, or a new one.
func (s *soaking) attach(group string, die int) {
	zones := []string{"a", "b", "c", "default"}
	free := s.w.Books.Free()
	if len(free) == 0 || die%2 == 0 {
		s.machines++
		id := fmt.Sprintf("vm-%d", s.machines)
		s.w.MachineOutside(id, zones[die/2%len(zones)])
		free = []string{id}
	}
	machine := free[die%len(free)]
	entrusted, hooks := die/3%2 == 0, die/7%2 == 0
	s.attempt(fmt.Sprintf("attach %s to %s (entrusted: %t, hooks: %t)", machine, group, entrusted, hooks), func(tx *fsm.Tx) error {
		_, err := s.w.Ops.AttachInstances(tx, control.AttachInstancesRequest{
			Group: groupName(group), MachineIDs: []string{machine}, Entrusted: entrusted, RunHooks: hooks,
		})
		return err
	})
}

// upkeepAct changes how the service keeps a group up.
func (s *soaking) upkeepAct(group string, die int) func() {
	if die%3 == 0 {
		return func() {
			s.attempt("rebalance "+group, func(tx *fsm.Tx) error {
				_, err := s.w.Ops.RebalanceGroup(tx, control.RebalanceGroupRequest{Name: groupName(group)})
				return err
			})
		}
	}
	maintenance := []autoscaling.Maintenance{
		{MinHealthyPercent: 90, MaxHealthyPercent: 110}, {MinHealthyPercent: 100, MaxHealthyPercent: 150}, {MinHealthyPercent: 50, MaxHealthyPercent: 100},
	}[die/3%3]
	lifetime := []time.Duration{0, 2 * time.Minute, 5 * time.Minute, time.Hour}[die/9%4]
	return func() {
		s.attempt(fmt.Sprintf("%s: lifetime %s, %+v, rebalances: %t", group, lifetime, maintenance, die%2 == 0), func(tx *fsm.Tx) error {
			_, err := s.w.Ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: groupName(group), Change: func(_ *autoscaling.Meta, g *autoscaling.GroupSpec) error {
				g.MaxInstanceLifetime, g.Maintenance, g.ZoneRebalance = lifetime, maintenance, die%2 == 0
				g.NewInstancesProtected = die%7 == 0
				return nil
			}})
			return err
		})
	}
}
