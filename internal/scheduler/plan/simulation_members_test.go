package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// outsiders are the machines that bear nobody's mark, and those that were never
// entrusted to us, by the platform's id.
type outsiders struct {
	free  map[string]*providers.Machine
	spare map[string]bool // never to be ended by us
	count int
}

func newOutsiders() outsiders {
	return outsiders{free: map[string]*providers.Machine{}, spare: map[string]bool{}}
}

func (c *cloud) makeOutside() string {
	c.outsiders.count++
	n := c.outsiders.count
	id := fmt.Sprintf("o-%d", n)
	c.outsiders.free[id] = &providers.Machine{ID: id, State: providers.MachineRunning, Addresses: []string{fmt.Sprintf("11.0.%d.%d", n>>8, n&255)}}
	return id
}

// inspect is the machine of the platform's id, whoever's it is.
func (c *cloud) inspect(id string) (providers.Machine, bool) {
	if m := c.outsiders.free[id]; m != nil {
		return *m, true
	}
	for _, m := range c.machines {
		if m.ID == id {
			return *m, true
		}
	}
	return providers.Machine{}, false
}

func (c *cloud) adopt(epoch uint64, cluster, incarnation string, spec providers.AdoptSpec) (providers.Machine, error) {
	if err := c.fence(spec.Instance, epoch); err != nil {
		return providers.Machine{}, err
	}
	if c.graves[spec.Instance] {
		return providers.Machine{}, providers.Errorf(providers.StaleEpoch, "%s was let go", spec.Instance)
	}
	if m := c.machines[spec.Instance]; m != nil {
		return *m, nil
	}
	m := c.outsiders.free[spec.MachineID]
	switch _, there := c.inspect(spec.MachineID); {
	case m != nil && m.State == providers.MachineRunning:
	case m != nil:
		return providers.Machine{}, providers.Errorf(providers.Failed, "%s does not run", m.ID)
	case there:
		return providers.Machine{}, providers.Errorf(providers.Conflict, "%s is another one's", spec.MachineID)
	default:
		return providers.Machine{}, providers.Errorf(providers.NotFound, "there is no %s", spec.MachineID)
	}
	delete(c.outsiders.free, m.ID)
	m.Instance, m.Cluster, m.Incarnation = spec.Instance, cluster, incarnation
	c.machines[spec.Instance] = m
	return *m, nil
}

func (c *cloud) release(epoch uint64, id string) error {
	if err := c.fence(id, epoch); err != nil {
		return err
	}
	c.graves[id] = true
	if m := c.machines[id]; m != nil {
		delete(c.machines, id)
		if m.State == providers.MachineRunning {
			m.Instance, m.Cluster, m.Incarnation = "", "", ""
			c.outsiders.free[m.ID] = m
		}
	}
	return nil
}

// personMoves is what people do to members by hand.
func (s *simulation) personMoves(name control.GroupName, act func(string, func(*fsm.Tx) error)) {
	decrement := s.rng.IntN(2) == 0
	switch s.rng.IntN(4) {
	case 0:
		ids := s.some(name, autoscaling.InService)
		act(fmt.Sprintf("standby %v", ids), func(tx *fsm.Tx) error {
			_, err := s.ops.EnterStandby(tx, control.EnterStandbyRequest{Group: name, Instances: ids, Decrement: decrement})
			return err
		})
	case 1:
		ids := s.some(name, autoscaling.Standby)
		act(fmt.Sprintf("back %v", ids), func(tx *fsm.Tx) error {
			_, err := s.ops.ExitStandby(tx, control.ExitStandbyRequest{Group: name, Instances: ids})
			return err
		})
	case 2:
		ids := s.some(name, autoscaling.InService, autoscaling.Standby)
		act(fmt.Sprintf("detach %v", ids), func(tx *fsm.Tx) error {
			_, err := s.ops.DetachInstances(tx, control.DetachInstancesRequest{Group: name, Instances: ids, Decrement: decrement})
			return err
		})
	case 3:
		s.attachSome(name, act)
	}
}

// some are one to three of the group's instances, mostly of those in the states.
func (s *simulation) some(name control.GroupName, states ...autoscaling.InstanceState) []string {
	var ids []string
	for i := range s.view().Instances(s.view().GroupByID(name.Namespace, name.ID).UID) {
		if slices.Contains(states, i.State) || s.rng.IntN(20) == 0 {
			ids = append(ids, string(i.ID))
		}
	}
	s.rng.Shuffle(len(ids), func(a, b int) { ids[a], ids[b] = ids[b], ids[a] })
	return ids[:min(len(ids), 1+s.rng.IntN(3))]
}

func (s *simulation) attachSome(name control.GroupName, act func(string, func(*fsm.Tx) error)) {
	platform := s.ops.Platform.(*controltest.Platform)
	for range 1 + s.rng.IntN(2) {
		s.cloud.makeOutside()
	}
	ids := slices.Sorted(maps.Keys(s.cloud.outsiders.free))
	s.rng.Shuffle(len(ids), func(a, b int) { ids[a], ids[b] = ids[b], ids[a] })
	ids = ids[:min(len(ids), 1+s.rng.IntN(2))]
	entrusted := s.rng.IntN(2) == 0
	for _, id := range ids {
		if _, looked := platform.Machines["sim/"+id]; looked && s.rng.IntN(4) == 0 {
			continue // what is known is old
		}
		m, _ := s.cloud.inspect(id)
		platform.Machines["sim/"+id] = control.MachineStatus{
			ID: m.ID, Addresses: m.Addresses, Running: m.State == providers.MachineRunning, Cluster: m.Cluster, Instance: autoscaling.InstanceID(m.Instance),
		}
	}
	act(fmt.Sprintf("attach %v entrusted %v", ids, entrusted), func(tx *fsm.Tx) error {
		a, err := s.ops.AttachInstances(tx, control.AttachInstancesRequest{Group: name, MachineIDs: ids, Entrusted: entrusted})
		if err == nil && a.Status == autoscaling.ActivityInProgress {
			for _, id := range ids {
				s.cloud.outsiders.spare[id] = !entrusted
			}
		}
		return err
	})
}

// onEnd: a machine that was not entrusted to us is never ended by us.
func (s *simulation) onEnd(m *providers.Machine) {
	i := s.view().FindInstance(autoscaling.InstanceID(m.Instance))
	if i != nil && i.OnlyReleased() && s.cloud.outsiders.spare[m.ID] && m.State == providers.MachineRunning {
		s.fail("machine %s of %s was ended, and was not ours to end", m.ID, m.Instance)
	}
}

// checkMembers: a machine is one live instance's at most; those that were let go
// are not listed as ours.
func (s *simulation) checkMembers(v fsm.View) {
	owners := map[string]autoscaling.InstanceID{}
	for g := range v.Groups("") {
		for i := range v.Instances(g.UID) {
			if !i.HasMachine() || !i.MachineRunning || i.Step == autoscaling.StepRelease {
				continue
			}
			if other := owners[i.MachineID]; other != "" {
				s.fail("machine %s is that of %s and of %s", i.MachineID, other, i.ID)
			}
			owners[i.MachineID] = i.ID
		}
	}
	for r := range v.AllReleased() {
		if strings.HasPrefix(r.MachineID, "o-") || s.cloud.outsiders.free[r.MachineID] != nil {
			continue
		}
		if m, there := s.cloud.inspect(r.MachineID); there && m.Instance == string(r.Instance) {
			s.fail("machine %s was released, and bears the mark of %s", r.MachineID, m.Instance)
		}
	}
}

// endStandby sends those away who would rest for ever.
func (s *simulation) endStandby() {
	for _, g := range s.groups() {
		var ids []string
		for i := range s.view().Instances(g.UID) {
			if i.State == autoscaling.Standby {
				ids = append(ids, string(i.ID))
			}
		}
		if len(ids) > 0 {
			s.do("calm: end standby", func(tx *fsm.Tx) error {
				_, err := s.ops.RemoveInstances(tx, control.RemoveInstancesRequest{Group: control.GroupName{Namespace: g.Namespace, ID: g.ID}, Instances: ids})
				return err
			})
		}
	}
}
