package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

const simulatedMax = 8

// createGroup makes a group of one of a few kinds.
func (s *simulation) createGroup() {
	s.born++
	spec := autoscaling.DefaultGroupSpec()
	spec.Min, spec.Max = 1, simulatedMax
	spec.Desired = 1 + s.rng.Int32N(simulatedMax)
	spec.Configuration = autoscaling.ConfigurationRef{ID: "app"}
	spec.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}}
	spec.LaunchTimeout = time.Minute
	if s.rng.IntN(3) > 0 {
		spec.AccessLists = theLists
	}
	if s.rng.IntN(3) > 0 {
		spec.Balancers = thePools
		spec.HealthCheck.Types = append(spec.HealthCheck.Types, autoscaling.HealthBalancer)
		spec.HealthCheck.GracePeriod = 10 * time.Second
	}
	s.keepingSpec(&spec)
	s.do("create group", func(tx *fsm.Tx) error {
		_, err := s.ops.CreateGroup(tx, control.CreateGroupRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: fmt.Sprintf("g%d", s.born)}, Spec: spec, DesiredNamed: true,
			Hooks: s.someHooks(),
		})
		return err
	})
}

var (
	theLists = []autoscaling.AccessListRef{{Provider: "files", List: "db"}}
	thePools = []autoscaling.BalancerRef{{Provider: "edge", Pool: "web", Weight: 1, DrainTimeout: 20 * time.Second}}
)

// person is what people do.
func (s *simulation) person() {
	g := s.anyGroup()
	if g == nil || len(s.groups()) < 2 {
		s.createGroup()
		return
	}
	name := control.GroupName{Namespace: g.Namespace, ID: g.ID}
	act := func(what string, fn func(tx *fsm.Tx) error) { s.do(g.ID+": person: "+what, fn) }
	switch s.rng.IntN(18) {
	case 0, 1, 2, 3:
		desired := s.rng.Int32N(simulatedMax) + 1
		act(fmt.Sprintf("desired %d", desired), func(tx *fsm.Tx) error {
			_, err := s.ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: name, Desired: desired})
			return err
		})
	case 4:
		act("pause", func(tx *fsm.Tx) error { _, err := s.ops.PauseGroup(tx, control.GroupRequest{Name: name}); return err })
	case 5, 6:
		act("resume", func(tx *fsm.Tx) error { return s.resume(tx, name) })
	case 7:
		processes := []autoscaling.Process{autoscaling.ProcessLaunch, autoscaling.ProcessTerminate, autoscaling.ProcessLoadBalancer, autoscaling.ProcessReplaceUnhealthy, autoscaling.ProcessHealthCheck, autoscaling.ProcessZoneRebalance}
		p := processes[s.rng.IntN(len(processes))]
		act("suspend "+string(p), func(tx *fsm.Tx) error {
			_, err := s.ops.SuspendProcesses(tx, control.ProcessesRequest{Name: name, Processes: []autoscaling.Process{p}})
			return err
		})
	case 8:
		s.personOnInstance(name, act)
	case 9:
		act("change attachments", func(tx *fsm.Tx) error { return s.changeAttachments(tx, name) })
	case 10:
		if s.rng.IntN(4) == 0 {
			act("delete", func(tx *fsm.Tx) error {
				_, err := s.ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: name, Force: true})
				return err
			})
		}
	case 11:
		s.createGroupUpTo(4)
	case 12, 13:
		s.personKeeps(name, act)
	default:
		s.personMoves(name, act)
	}
}

func (s *simulation) createGroupUpTo(most int) {
	if len(s.groups()) < most {
		s.createGroup()
	}
}

func (s *simulation) resume(tx *fsm.Tx, name control.GroupName) error {
	if _, err := s.ops.ResumeGroup(tx, control.GroupRequest{Name: name}); err != nil {
		return err
	}
	g := tx.GroupByID(name.Namespace, name.ID)
	if len(g.Suspended) == 0 {
		return nil
	}
	_, err := s.ops.ResumeProcesses(tx, control.ProcessesRequest{Name: name, Processes: g.Suspended})
	return err
}

func (s *simulation) personOnInstance(name control.GroupName, act func(string, func(*fsm.Tx) error)) {
	g := s.view().GroupByID(name.Namespace, name.ID)
	all := slices.Collect(s.view().Instances(g.UID))
	if len(all) == 0 {
		return
	}
	i := all[s.rng.IntN(len(all))]
	switch s.rng.IntN(3) {
	case 0:
		act("remove "+string(i.ID), func(tx *fsm.Tx) error {
			_, err := s.ops.RemoveInstances(tx, control.RemoveInstancesRequest{Group: name, Instances: []string{string(i.ID)}, Decrement: s.rng.IntN(2) == 0})
			return err
		})
	case 1:
		act("unhealthy "+string(i.ID), func(tx *fsm.Tx) error {
			_, err := s.ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{Group: name, Instance: string(i.ID), Health: autoscaling.HealthUnhealthy})
			return err
		})
	case 2:
		act("protect "+string(i.ID), func(tx *fsm.Tx) error {
			_, err := s.ops.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{Group: name, Instances: []string{string(i.ID)}, Protected: s.rng.IntN(2) == 0})
			return err
		})
	}
}

func (s *simulation) changeAttachments(tx *fsm.Tx, name control.GroupName) error {
	_, err := s.ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: name, Change: func(_ *autoscaling.Meta, spec *autoscaling.GroupSpec) error {
		if s.rng.IntN(2) == 0 {
			s.leftList[tx.GroupByID(name.Namespace, name.ID).UID] = true
			spec.AccessLists = toggled(spec.AccessLists, theLists)
		} else {
			spec.Balancers = toggled(spec.Balancers, thePools)
		}
		return nil
	}})
	return err
}

func toggled[T any](is, full []T) []T {
	if len(is) > 0 {
		return nil
	}
	return full
}

// crash ends a machine without anybody's doing, or makes it vanish.
func (s *simulation) crash() {
	all := slices.Sorted(maps.Keys(s.cloud.machines))
	if len(all) == 0 {
		return
	}
	id := all[s.rng.IntN(len(all))]
	m := s.cloud.machines[id]
	if m.State != providers.MachineRunning {
		return
	}
	if s.rng.IntN(4) == 0 {
		delete(s.cloud.machines, id)
		s.cloud.graves[id] = true
		s.note("vanished: %s", id)
		return
	}
	m.State, m.Message = providers.MachineStopped, "crashed"
	s.note("crashed: %s", id)
}

func (s *simulation) toggleFaults() {
	switch s.rng.IntN(3) {
	case 0:
		s.cloud.down = !s.cloud.down
	case 1:
		s.cloud.broken = !s.cloud.broken
	case 2:
		zone := []string{"a", "b", "c"}[s.rng.IntN(3)]
		s.cloud.full[zone] = !s.cloud.full[zone]
	}
	s.note("down %v broken %v full %v", s.cloud.down, s.cloud.broken, s.cloud.full)
}

// someLate lets a call of a former time have its effect now.
func (s *simulation) someLate() {
	if len(s.late) == 0 {
		return
	}
	n := s.rng.IntN(len(s.late))
	late := s.late[n]
	s.late = append(s.late[:n], s.late[n+1:]...)
	late()
}
