package virtual

import (
	"fmt"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

var (
	soakGroups    = []string{"api", "batch", "web"}
	soakProcesses = []autoscaling.Process{
		autoscaling.ProcessLaunch, autoscaling.ProcessTerminate, autoscaling.ProcessHealthCheck, autoscaling.ProcessReplaceUnhealthy,
		autoscaling.ProcessLoadBalancer, autoscaling.ProcessZoneRebalance,
	}
)

const soakMax = 8

// create makes one of the groups: with and without balancer, list and zones.
func (s *soaking) create(id string) {
	s.w.Group(id, 2, func(g *autoscaling.GroupSpec) {
		g.Max, g.LaunchFailureLimit, g.LaunchTimeout, g.DefaultCooldown = soakMax, 4, 2*time.Minute, time.Minute
		switch id {
		case "api":
			g.Balancers[0].Pool = "api"
			g.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}}
			g.HealthCheck.Types = []autoscaling.HealthType{autoscaling.HealthProvider, autoscaling.HealthBalancer}
		case "batch":
			g.Balancers = nil
			g.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "c"}}
			g.ZonePolicy = autoscaling.ZonePriority
		}
	})
	s.w.Rule(id, "more", 2)
	s.w.Rule(id, "fewer", -1)
	s.w.Task(id, "tick", func(t *autoscaling.ScheduledTask) { t.Cron, t.Rule = "*/17 * * * *", "more" })
	s.w.Subscribe(id, "ops")
	// Each transition is held, for as long as nobody deletes the hook.
	for hook, transition := range map[string]autoscaling.Transition{"hook-0": autoscaling.TransitionLaunching, "hook-1": autoscaling.TransitionTerminating} {
		s.w.Hook(id, hook, transition, func(h *autoscaling.LifecycleHook) {
			h.HeartbeatTimeout, h.DefaultResult = 40*time.Second, autoscaling.ResultContinue
		})
	}
}

// attempt makes a request that may be refused.
func (s *soaking) attempt(what string, op func(tx *fsm.Tx) error) {
	s.w.t.Helper()
	_, err := s.w.Request(func(tx *fsm.Tx) (string, error) { return "", op(tx) })
	if err != nil {
		what += ": " + err.Error()
	}
	s.did("%s", what)
	s.w.CheckBooks()
}

func (s *soaking) group() string { return soakGroups[s.rng.IntN(len(soakGroups))] }

// operation picks something that people do. All dice are cast when it is picked.
func (s *soaking) operation() func() {
	switch s.rng.IntN(3) {
	case 0:
		return s.hookAct()
	case 1:
		return s.memberAct()
	}
	return s.groupAct()
}

// groupAct is something that people do to a group as a whole.
func (s *soaking) groupAct() func() {
	id := s.group()
	name := groupName(id)
	size, die := int32(s.rng.IntN(soakMax+1)), s.rng.IntN(1000)
	switch s.rng.IntN(14) {
	case 11, 12:
		return s.upkeepAct(id, die)
	case 0, 1, 2, 3:
		return func() {
			s.attempt(fmt.Sprintf("set %s to %d", id, size), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: name, Desired: size})
				return err
			})
		}
	case 4, 5:
		rule, trigger := []string{"more", "fewer"}[die%2], []autoscaling.TriggerKind{autoscaling.TriggerCustom, autoscaling.TriggerAlarm}[die/2%2]
		return func() {
			s.attempt(fmt.Sprintf("execute %s of %s (%s)", rule, id, trigger), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.ExecuteRule(tx, control.ExecuteRuleRequest{Name: control.ChildName{Namespace: "default", Group: id, ID: rule}, Trigger: trigger})
				return err
			})
		}
	case 6:
		return func() {
			if i := s.instance(id, die); i != nil {
				s.attempt(fmt.Sprintf("remove %s", i.ID), func(tx *fsm.Tx) error {
					_, err := s.w.Ops.RemoveInstances(tx, control.RemoveInstancesRequest{Group: name, Instances: []string{string(i.ID)}, Decrement: die%2 == 0})
					return err
				})
			}
		}
	case 7:
		return func() {
			if i := s.instance(id, die); i != nil {
				s.attempt(fmt.Sprintf("report %s unhealthy", i.ID), func(tx *fsm.Tx) error {
					_, err := s.w.Ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{Group: name, Instance: string(i.ID), Health: autoscaling.HealthUnhealthy})
					return err
				})
			}
		}
	case 8:
		return func() {
			s.attempt("pause or resume "+id, func(tx *fsm.Tx) error {
				request := s.w.Ops.PauseGroup
				if die%2 == 0 {
					request = s.w.Ops.ResumeGroup
				}
				_, err := request(tx, control.GroupRequest{Name: name})
				return err
			})
		}
	case 9:
		p := soakProcesses[die%len(soakProcesses)]
		return func() {
			s.attempt(fmt.Sprintf("suspend %s of %s", p, id), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.SuspendProcesses(tx, control.ProcessesRequest{Name: name, Processes: []autoscaling.Process{p}})
				return err
			})
		}
	case 10:
		return func() {
			s.attempt("change the lists and sizes of "+id, func(tx *fsm.Tx) error {
				_, err := s.w.Ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: name, Change: func(_ *autoscaling.Meta, g *autoscaling.GroupSpec) error {
					g.Min, g.Max = size/4, max(size, soakMax/2)
					g.AccessLists = []autoscaling.AccessListRef{{Provider: ListsName, List: []string{"db", "cache"}[die%2]}}
					if die%3 == 0 {
						g.AccessLists = []autoscaling.AccessListRef{{Provider: ListsName, List: "cache"}, {Provider: ListsName, List: "db"}}
					}
					return nil
				}})
				return err
			})
		}
	}
	return func() {
		skip := die%3 == 0
		s.attempt(fmt.Sprintf("delete %s (skip hooks: %t)", id, skip), func(tx *fsm.Tx) error {
			_, err := s.w.Ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: name, Force: true, SkipHooks: skip})
			return err
		})
		if s.w.comes(20*time.Second, func() bool { return s.w.Leader().View().GroupByID("default", id) == nil }) {
			s.create(id)
			s.did("create %s", id)
		}
	}
}

// instance is some live instance of a group; nil when it has none.
func (s *soaking) instance(group string, die int) *autoscaling.Instance {
	v := s.w.Leader().View()
	g := v.GroupByID("default", group)
	if g == nil {
		return nil
	}
	all := slices.Collect(v.Instances(g.UID))
	if len(all) == 0 {
		return nil
	}
	return all[die%len(all)]
}

// fault picks something that goes wrong.
func (s *soaking) fault() func() {
	die := s.rng.IntN(1000)
	id := s.group()
	switch s.rng.IntN(16) {
	case 13:
		return func() {
			s.did("the notification target is down: %t", die%3 > 0)
			s.receiver(die%3 > 0)
		}
	case 14:
		return func() {
			if free := s.w.Books.Free(); len(free) > 0 {
				s.did("machine %s, which is nobody's, crashes", free[die%len(free)])
				s.w.killOutside(free[die%len(free)])
			}
		}
	case 0, 1:
		return s.toNode("kill", (*World).Kill, die)
	case 2, 3:
		return s.toNode("freeze", (*World).Freeze, die)
	case 4:
		return s.toNode("cut off", func(w *World, m *clustertest.Member) { w.Partition(m) }, die)
	case 5:
		return func() {
			if s.down != "" {
				return // together they may leave nobody who can lead
			}
			s.down = "a link"
			a, b := s.w.Members[die%3].ID, s.w.Members[(die+1+die/3%2)%3].ID
			s.did("break the link from %s to %s", a, b)
			s.w.Network.Break(a, b)
		}
	case 6:
		return func() {
			s.did("kill all nodes")
			s.heal()
			for _, m := range s.w.Members {
				s.w.Kill(m)
			}
			s.w.Advance(time.Duration(die) * 100 * time.Millisecond)
			s.heal()
		}
	case 7:
		return func() { s.did("outage %t", die%3 > 0); s.outage.Store(die%3 > 0) }
	case 8:
		return func() { s.did("%d%% of the calls and answers are lost", 10+die%30); s.lossy.Store(int64(10 + die%30)) }
	case 9:
		return func() { s.did("machines are born broken: %t", die%3 > 0); s.w.Cloud.BornBroken(die%3 > 0) }
	case 10:
		return func() {
			m := s.w.Members[die%3]
			ahead := []time.Duration{time.Hour, -time.Hour, 3 * time.Second, 700 * time.Millisecond}[die/3%4]
			s.did("the clock of %s is %s ahead", m.ID, ahead)
			s.w.SetClock(m, ahead)
		}
	case 11:
		return func() {
			if i := s.instance(id, die); i != nil {
				s.did("machine %s vanishes", i.ID)
				s.w.Vanish(i.ID)
			}
		}
	case 12:
		return func() {
			if i := s.instance(id, die); i != nil {
				s.did("%s is sick", i.ID)
				s.w.Pools.Sicken(string(i.ID), "GET / answered 500")
			}
		}
	}
	return func() {
		for n := range 1 + die%5 {
			if i := s.instance(id, die+n); i != nil {
				s.did("machine %s crashes", i.ID)
				s.w.KillMachine(i.ID)
			}
		}
	}
}

// toNode does something to the leader, or to another node, unless one is down.
func (s *soaking) toNode(what string, do func(*World, *clustertest.Member), die int) func() {
	return func() {
		if s.down != "" {
			s.did("%s is back", s.down)
			s.heal()
			return
		}
		m := s.w.Leader()
		if die%3 == 0 {
			m = s.w.Followers()[die/3%2]
		}
		s.did("%s %s", what, m.ID)
		s.down = m.ID
		do(s.w, m)
	}
}
