package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// monthSets are the pools, and the access lists: each for several groups.
const monthSets = 10

func setName(n int) string { return fmt.Sprint("s", n) }

// bear makes a group, with what belongs to it.
func (m *month) bear() {
	m.born++
	id := fmt.Sprintf("g%d", m.born)
	spec := autoscaling.DefaultGroupSpec()
	spec.Min, spec.Max = m.rng.Int32N(2), simulatedMax
	spec.Desired = 1 + m.rng.Int32N(simulatedMax-2)
	spec.Configuration = autoscaling.ConfigurationRef{ID: "app"}
	spec.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}, {Name: "c"}}[:1+m.rng.IntN(3)]
	spec.DefaultCooldown = time.Minute
	spec.LaunchTimeout = 5 * time.Minute
	m.keepingSpec(&spec)
	if m.rng.IntN(3) > 0 {
		spec.AccessLists = []autoscaling.AccessListRef{{Provider: "files", List: setName(m.rng.IntN(monthSets))}}
	}
	if m.rng.IntN(3) > 0 {
		spec.Balancers = []autoscaling.BalancerRef{{Provider: "edge", Pool: setName(m.rng.IntN(monthSets)), Weight: 1, DrainTimeout: 20 * time.Second}}
		spec.HealthCheck.Types = append(spec.HealthCheck.Types, autoscaling.HealthBalancer)
		spec.HealthCheck.GracePeriod = 30 * time.Second
	}
	req := control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: id}, Spec: spec, DesiredNamed: true}
	m.do("create "+id, func(tx *fsm.Tx) error { _, err := m.ops.CreateGroup(tx, req); return err })
	g := m.view().GroupByID("default", id)
	m.mark(g.UID)
	m.write(g.UID, "children of "+id, func(tx *fsm.Tx) error { return m.children(tx, control.GroupName{Namespace: "default", ID: id}) })
}

// children are rules, an alarm, for some a schedule and hooks.
func (m *month) children(tx *fsm.Tx, g control.GroupName) error {
	for n, id := range []string{"add", "sub"} {
		rule := autoscaling.Rule{Simple: &autoscaling.SimpleRule{AdjustmentType: autoscaling.ChangeInCapacity, Adjustment: []int32{2, -1}[n]}}
		if _, err := m.ops.CreateRule(tx, control.CreateRuleRequest{Parent: g, NewMeta: control.NewMeta{ID: id}, Rule: rule}); err != nil {
			return err
		}
	}
	alarm := autoscaling.DefaultAlarmTask()
	alarm.Metric.Name, alarm.Comparison, alarm.Threshold, alarm.Rules = "cpu_utilization", autoscaling.GreaterThan, 70, []string{"add"}
	if _, err := m.ops.CreateAlarmTask(tx, control.CreateAlarmTaskRequest{Parent: g, NewMeta: control.NewMeta{ID: "high"}, Alarm: alarm}); err != nil {
		return err
	}
	if m.rng.IntN(2) == 0 {
		task := autoscaling.DefaultScheduledTask()
		task.Cron, task.Rule = fmt.Sprintf("%d %d * * *", m.rng.IntN(60), m.rng.IntN(24)), "sub"
		if _, err := m.ops.CreateScheduledTask(tx, control.CreateScheduledTaskRequest{Parent: g, NewMeta: control.NewMeta{ID: "daily"}, Task: task}); err != nil {
			return err
		}
	}
	if m.rng.IntN(3) == 0 {
		return m.hook(tx, g, 0)
	}
	return nil
}

func (m *month) hook(tx *fsm.Tx, g control.GroupName, n int) error {
	h := autoscaling.LifecycleHook{
		Transition:       []autoscaling.Transition{autoscaling.TransitionLaunching, autoscaling.TransitionTerminating}[m.rng.IntN(2)],
		HeartbeatTimeout: m.between(time.Minute, 20*time.Minute),
		DefaultResult:    []autoscaling.HookResult{autoscaling.ResultContinue, autoscaling.ResultAbandon}[m.rng.IntN(2)],
	}
	_, err := m.ops.CreateLifecycleHook(tx, control.CreateLifecycleHookRequest{Parent: g, NewMeta: control.NewMeta{ID: fmt.Sprint("h", n)}, Hook: h})
	return err
}

// somebody is a person or program with a wish.
func (m *month) somebody() {
	g := m.anyGroup()
	name := control.GroupName{Namespace: g.Namespace, ID: g.ID}
	act := func(what string, fn func(*fsm.Tx) error) {
		m.did[what]++
		m.write(g.UID, g.ID+": "+what, fn)
	}
	asks := func(what string, fn func(*fsm.Tx) (*autoscaling.Activity, error)) {
		act(what, func(tx *fsm.Tx) error {
			a, err := fn(tx)
			if err == nil && a.Status != autoscaling.ActivityRejected {
				m.did[what+" accepted"]++
			}
			return err
		})
	}
	caller := control.Caller{Principal: "somebody"}
	child := func(id string) control.ChildName {
		return control.ChildName{Namespace: g.Namespace, Group: g.ID, ID: id}
	}
	switch n := m.rng.IntN(100); {
	case n < 14:
		to := 1 + m.rng.Int32N(simulatedMax)
		asks("desired", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Caller: caller, Name: name, Desired: to})
		})
	case n < 24:
		rule := []string{"add", "sub"}[m.rng.IntN(2)]
		asks("execute", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.ExecuteRule(tx, control.ExecuteRuleRequest{Caller: caller, Name: child(rule), HonorCooldown: m.rng.IntN(2) == 0})
		})
	case n < 32:
		state := []autoscaling.AlarmState{autoscaling.AlarmOK, autoscaling.AlarmAlarm, autoscaling.AlarmInsufficientData}[m.rng.IntN(3)]
		act("alarm", func(tx *fsm.Tx) error {
			return m.ops.ReportAlarm(tx, control.AlarmReport{Group: g.UID, ID: "high", Evaluation: autoscaling.AlarmEvaluation{State: state, Reason: "simulated"}})
		})
	case n < 35:
		act("pause", func(tx *fsm.Tx) error {
			_, err := m.ops.PauseGroup(tx, control.GroupRequest{Name: name})
			return err
		})
		m.after(m.between(time.Minute, 2*time.Hour), func() { m.write(g.UID, "resume", func(tx *fsm.Tx) error { return m.resumeIfThere(tx, name) }) })
	case n < 40:
		all := []autoscaling.Process{
			autoscaling.ProcessLaunch, autoscaling.ProcessTerminate, autoscaling.ProcessHealthCheck, autoscaling.ProcessReplaceUnhealthy,
			autoscaling.ProcessAlarm, autoscaling.ProcessScheduled, autoscaling.ProcessLoadBalancer, autoscaling.ProcessZoneRebalance, autoscaling.ProcessRefresh,
		}
		p := all[m.rng.IntN(len(all))]
		act("suspend", func(tx *fsm.Tx) error {
			_, err := m.ops.SuspendProcesses(tx, control.ProcessesRequest{Name: name, Processes: []autoscaling.Process{p}})
			return err
		})
		m.after(m.between(time.Minute, 4*time.Hour), func() { m.write(g.UID, "unsuspend", func(tx *fsm.Tx) error { return m.resumeIfThere(tx, name) }) })
	case n < 62:
		m.withInstance(g, name, asks, act)
	case n < 67:
		asks("attach", func(tx *fsm.Tx) (*autoscaling.Activity, error) { return m.attach(tx, name) })
	case n < 73:
		asks("rebalance", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.RebalanceGroup(tx, control.RebalanceGroupRequest{Caller: caller, Name: name})
		})
	case n < 80:
		m.personKeeps(name, func(what string, fn func(*fsm.Tx) error) { act(what, fn) })
	case n < 83:
		act("configuration", func(tx *fsm.Tx) error {
			_, _, err := m.ops.UpdateConfiguration(tx, control.UpdateConfigurationRequest{
				Name: control.ConfigurationName{Namespace: "default", ID: "app"},
				Change: func(_ *autoscaling.Meta, t *autoscaling.Template) error {
					t.Image = fmt.Sprint("v", m.steps)
					return nil
				},
			})
			return err
		})
	case n < 88:
		act("attachments", func(tx *fsm.Tx) error { return m.changeSets(tx, name) })
	case n < 94:
		act("hooks", func(tx *fsm.Tx) error { return m.changeHooks(tx, name) })
	case n < 96:
		act("health", func(tx *fsm.Tx) error { return m.reportHealth(tx, name) })
	default:
		force, skip := m.rng.IntN(4) > 0, m.rng.IntN(3) == 0
		asks("delete", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.DeleteGroup(tx, control.DeleteGroupRequest{Caller: caller, Name: name, Force: force, SkipHooks: force && skip})
		})
		if len(m.groups()) < monthGroups {
			m.bear()
		}
	}
}

// resumeIfThere resumes a group, unless it is gone by now.
func (m *month) resumeIfThere(tx *fsm.Tx, name control.GroupName) error {
	if tx.GroupByID(name.Namespace, name.ID) == nil {
		return nil
	}
	return m.resume(tx, name)
}

func (m *month) withInstance(g *autoscaling.Group, name control.GroupName, asks func(string, func(*fsm.Tx) (*autoscaling.Activity, error)), act func(string, func(*fsm.Tx) error)) {
	all := slices.Collect(m.view().Instances(g.UID))
	if len(all) == 0 {
		return
	}
	i := all[m.rng.IntN(len(all))]
	ids, yes := []string{string(i.ID)}, m.rng.IntN(2) == 0
	if i.State == autoscaling.Standby && m.rng.IntN(4) > 0 {
		asks("exit standby", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.ExitStandby(tx, control.ExitStandbyRequest{Group: name, Instances: ids})
		})
		return
	}
	switch m.rng.IntN(6) {
	case 0:
		asks("remove", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.RemoveInstances(tx, control.RemoveInstancesRequest{Group: name, Instances: ids, Decrement: yes})
		})
	case 1, 2:
		asks("enter standby", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.EnterStandby(tx, control.EnterStandbyRequest{Group: name, Instances: ids, Decrement: yes})
		})
	case 3:
		asks("detach", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
			return m.ops.DetachInstances(tx, control.DetachInstancesRequest{Group: name, Instances: ids, Decrement: yes, RunHooks: m.rng.IntN(2) == 0})
		})
	case 4:
		act("protect", func(tx *fsm.Tx) error {
			_, err := m.ops.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{Group: name, Instances: ids, Protected: yes})
			return err
		})
	case 5:
		act("unhealthy", func(tx *fsm.Tx) error {
			_, err := m.ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{
				Group: name, Instance: ids[0], Health: autoscaling.HealthUnhealthy, RespectGracePeriod: yes,
			})
			return err
		})
	}
}

// reportHealth reports everybody of a group, for the storm guard to hold.
func (m *month) reportHealth(tx *fsm.Tx, name control.GroupName) error {
	g := tx.GroupByID(name.Namespace, name.ID)
	for _, i := range slices.Collect(tx.Instances(g.UID)) {
		if i.State == autoscaling.InService {
			if _, err := m.ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{Group: name, Instance: string(i.ID), Health: autoscaling.HealthUnhealthy}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *month) changeSets(tx *fsm.Tx, name control.GroupName) error {
	_, err := m.ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: name, Change: func(_ *autoscaling.Meta, spec *autoscaling.GroupSpec) error {
		set := setName(m.rng.IntN(monthSets))
		if m.rng.IntN(2) == 0 {
			spec.AccessLists = []autoscaling.AccessListRef{{Provider: "files", List: set}}[:m.rng.IntN(2)]
		} else {
			spec.Balancers = []autoscaling.BalancerRef{{Provider: "edge", Pool: set, Weight: 1, DrainTimeout: 20 * time.Second}}[:m.rng.IntN(2)]
		}
		return nil
	}})
	return err
}

func (m *month) changeHooks(tx *fsm.Tx, name control.GroupName) error {
	g := tx.GroupByID(name.Namespace, name.ID)
	for h := range tx.LifecycleHooks(g.UID) {
		return m.ops.DeleteLifecycleHook(tx, control.DeleteLifecycleHookRequest{Name: control.ChildName{Namespace: name.Namespace, Group: name.ID, ID: h.ID}})
	}
	return m.hook(tx, name, m.rng.IntN(3))
}

// answerHooks is the program that completes actions: not always, and not always
// as one would wish.
func (m *month) answerHooks(group autoscaling.UID) {
	delete(m.program, group)
	g := m.view().Group(group)
	if g == nil || g.State == autoscaling.GroupDeleted {
		return
	}
	name := control.GroupName{Namespace: g.Namespace, ID: g.ID}
	for a := range control.PendingActions(m.view().Reader, group) {
		result := []autoscaling.HookResult{
			autoscaling.ResultContinue, autoscaling.ResultContinue, autoscaling.ResultContinue, autoscaling.ResultContinue,
			autoscaling.ResultContinue, autoscaling.ResultContinue, autoscaling.ResultAbandon, autoscaling.ResultRollback,
		}[m.rng.IntN(8)]
		switch m.rng.IntN(8) {
		case 0: // it forgets
		case 1:
			m.did["heartbeat"]++
			m.write(group, "heartbeat", func(tx *fsm.Tx) error {
				_, err := m.ops.RecordLifecycleActionHeartbeat(tx, control.RecordLifecycleActionHeartbeatRequest{Group: name, Token: string(a.Token)})
				return err
			})
		default:
			m.did["complete "+string(result)]++
			m.write(group, "complete "+string(result), func(tx *fsm.Tx) error {
				_, err := m.ops.CompleteLifecycleAction(tx, control.CompleteLifecycleActionRequest{Group: name, Token: string(a.Token), Result: result})
				return err
			})
		}
	}
}

// attach takes over a machine that exists, or one that was made outside just now.
func (m *month) attach(tx *fsm.Tx, name control.GroupName) (*autoscaling.Activity, error) {
	if len(m.outside) == 0 || m.rng.IntN(2) == 0 {
		m.cloud.count++
		id := fmt.Sprintf("m-%d", m.cloud.count)
		m.outside[id] = &providers.Machine{ID: id, Zone: "a", State: providers.MachineRunning, Addresses: []string{address(m.cloud.count)}}
	}
	ids := slices.Sorted(maps.Keys(m.outside))
	id := ids[m.rng.IntN(len(ids))]
	x := m.outside[id]
	p := m.ops.Platform.(*controltest.Platform)
	clear(p.Machines) // what is known is from just now
	p.Machines["sim/"+id] = control.MachineStatus{ID: id, Zone: x.Zone, Addresses: x.Addresses, Running: true}
	return m.ops.AttachInstances(tx, control.AttachInstancesRequest{
		Group: name, MachineIDs: []string{id}, Entrusted: m.rng.IntN(2) == 0, RunHooks: m.rng.IntN(2) == 0,
	})
}

func address(n int) string { return fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255) }

// adopt puts our mark on a machine.
func (m *month) adopt(term uint64, spec providers.AdoptSpec) (providers.Machine, error) {
	if err := m.cloud.fence(spec.Instance, term); err != nil {
		return providers.Machine{}, err
	}
	if x := m.cloud.machines[spec.Instance]; x != nil {
		return *x, nil
	}
	x := m.outside[spec.MachineID]
	switch {
	case m.cloud.graves[spec.Instance]:
		return providers.Machine{}, providers.Errorf(providers.StaleEpoch, "%s was removed", spec.Instance)
	case x == nil:
		return providers.Machine{}, providers.Errorf(providers.NotFound, "there is no free %s", spec.MachineID)
	}
	delete(m.outside, spec.MachineID)
	x.Instance, x.Incarnation = spec.Instance, m.incarnation()
	m.cloud.machines[spec.Instance] = x
	return *x, nil
}

// release takes our mark off a machine, which lives on.
func (m *month) release(term uint64, id string) error {
	if err := m.cloud.fence(id, term); err != nil {
		return err
	}
	m.cloud.graves[id] = true
	if x := m.cloud.machines[id]; x != nil {
		delete(m.cloud.machines, id)
		if x.State == providers.MachineRunning {
			x.Instance, x.Incarnation = "", ""
			m.outside[x.ID] = x
		}
	}
	return nil
}

// misfortune happens to a machine.
func (m *month) misfortune() {
	if m.rng.IntN(5) == 0 {
		m.unwell()
		return
	}
	m.did["crash"]++
	m.crash()
	m.list(m.chief, m.between(0, 15*time.Second))
}

// unwell: a pool finds an instance unhealthy, for a while or for good.
func (m *month) unwell() {
	i := m.anyInstance()
	if i == nil || i.State != autoscaling.InService || len(i.Balancers) == 0 {
		return
	}
	key := poolOf(i)
	set := m.chief.sets[key]
	if set == nil {
		return
	}
	m.did["unwell"]++
	m.hear(key, set, []providers.TargetStatus{{Instance: string(i.ID), Health: providers.TargetUnhealthy, Message: "slow"}})
	if m.rng.IntN(2) == 0 {
		m.after(m.between(time.Second, time.Minute), func() {
			if set := m.chief.sets[key]; set != nil {
				m.hear(key, set, []providers.TargetStatus{m.targetStatus(string(i.ID))})
			}
		})
	}
}

// fault is something that ails the provider for a while; a zone may be full for
// most of a day.
func (m *month) fault() {
	switch m.rng.IntN(3) {
	case 0:
		m.did["down"]++
		m.cloud.down = true
		m.after(m.between(time.Second, 10*time.Minute), func() { m.cloud.down = false })
	case 1:
		m.did["broken"]++
		m.cloud.broken = true
		m.after(m.between(time.Second, 10*time.Minute), func() { m.cloud.broken = false })
	case 2:
		m.did["full"]++
		zone := []string{"a", "b", "c"}[m.rng.IntN(3)]
		m.cloud.full[zone] = true
		m.after(m.between(time.Minute, 20*time.Hour), func() { delete(m.cloud.full, zone) })
	}
}
