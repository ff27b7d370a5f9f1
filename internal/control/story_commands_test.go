package control_test

import (
	"fmt"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// command is one operation.
func (s *story) command(tx *fsm.Tx, a args) (string, error) {
	switch a.word(0) {
	case "configuration":
		c, v, err := s.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: a.word(1)}, Template: template(a),
		})
		return version(c, v, err)
	case "update-configuration":
		c, v, err := s.Ops.UpdateConfiguration(tx, control.UpdateConfigurationRequest{
			Name: control.ConfigurationName{Namespace: "default", ID: a.word(1)}, Etag: a.named["etag"],
			Change: func(_ *autoscaling.Meta, t *autoscaling.Template) error {
				*t = template(a)
				return nil
			},
		})
		return version(c, v, err)
	case "delete-configuration":
		return "", s.Ops.DeleteConfiguration(tx, control.DeleteConfigurationRequest{Name: control.ConfigurationName{Namespace: "default", ID: a.word(1)}})
	case "group":
		req := control.CreateGroupRequest{
			Caller: a.caller(), Namespace: "default", NewMeta: control.NewMeta{ID: a.word(1)},
			Spec: autoscaling.DefaultGroupSpec(), Paused: a.has("paused"),
		}
		req.DesiredNamed = spec(a, &req.Spec)
		for _, id := range a.list("hooks") {
			req.Hooks = append(req.Hooks, control.NewHook{NewMeta: control.NewMeta{ID: id}, Hook: hook(a)})
		}
		return group(s.Ops.CreateGroup(tx, req))
	case "update":
		_, named := a.named["desired"]
		return group(s.Ops.UpdateGroup(tx, control.UpdateGroupRequest{
			Caller: a.caller(), Name: a.group(), Etag: a.named["etag"], DesiredNamed: named,
			Change: func(_ *autoscaling.Meta, g *autoscaling.GroupSpec) error {
				spec(a, g)
				return nil
			},
		}))
	case "show":
		return group(control.FindGroup(tx.Reader, a.group()))
	case "delete":
		return activity(s.Ops.DeleteGroup(tx, control.DeleteGroupRequest{
			Caller: a.caller(), Name: a.group(), Force: a.has("force"), SkipHooks: a.has("skip-hooks"),
		}))
	case "rebalance":
		return activity(s.Ops.RebalanceGroup(tx, control.RebalanceGroupRequest{Caller: a.caller(), Name: a.group(), HonorCooldown: a.has("honor")}))
	case "pause":
		return group(s.Ops.PauseGroup(tx, control.GroupRequest{Caller: a.caller(), Name: a.group()}))
	case "resume":
		return group(s.Ops.ResumeGroup(tx, control.GroupRequest{Caller: a.caller(), Name: a.group()}))
	case "suspend", "unsuspend":
		return s.processes(tx, a)
	case "set-desired":
		return activity(s.Ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{
			Caller: a.caller(), Name: a.group(), Desired: number(a.word(2)), HonorCooldown: a.has("honor"),
		}))
	case "adjust":
		return activity(s.Ops.Adjust(tx, control.AdjustRequest{
			Caller: a.caller(), Name: a.group(), AdjustmentType: autoscaling.AdjustmentType(a.word(2)), Adjustment: number(a.word(3)),
			HonorCooldown: a.has("honor"),
		}))
	case "execute":
		req := control.ExecuteRuleRequest{Caller: a.caller(), HonorCooldown: a.has("honor"), Name: a.child()}
		if strings.HasPrefix(a.word(1), "ari:") {
			req.ARI = a.word(1)
		}
		return activity(s.Ops.ExecuteRule(tx, req))
	case "rule", "update-rule", "delete-rule", "alarm", "delete-alarm", "report", "enable", "disable":
		return s.ruleCommand(tx, a)
	case "task", "delete-task", "run", "task-state":
		return s.taskCommand(tx, a)
	case "remove":
		var ids []string
		for _, id := range a.list("instances") {
			ids = append(ids, long(id))
		}
		return activity(s.Ops.RemoveInstances(tx, control.RemoveInstancesRequest{
			Caller: a.caller(), Group: a.group(), Instances: ids, Decrement: a.has("decrement"),
		}))
	case "enter-standby", "exit-standby", "attach", "detach":
		return s.memberCommand(tx, a)
	case "target", "update-target", "delete-target", "rotate", "try", "redeliver", "notification", "update-notification", "delete-notification", "taken", "failed", "expired", "outbox":
		return s.notificationCommand(tx, a)
	case "hook", "update-hook", "delete-hook", "complete", "heartbeat":
		return s.hookCommand(tx, a)
	case "protect", "unprotect":
		_, err := s.Ops.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{
			Caller: a.caller(), Group: a.group(), Instances: []string{long(a.word(2))}, Protected: a.word(0) == "protect",
		})
		return "", err
	case "health":
		health := autoscaling.HealthHealthy
		if a.has("unhealthy") {
			health = autoscaling.HealthUnhealthy
		}
		_, err := s.Ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{
			Caller: a.caller(), Group: a.group(), Instance: long(a.word(2)), Health: health, RespectGracePeriod: a.has("respect-grace"),
		})
		return "", err
	}
	panic("nobody can " + a.word(0))
}

func version(c *autoscaling.Configuration, v *autoscaling.ConfigurationVersion, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("configuration %s version %d etag %s", c.ID, v.Version, c.Etag()), nil
}

func template(a args) autoscaling.Template {
	t := autoscaling.Template{Provider: "sim", Image: a.named["image"]}
	if p, ok := a.named["provider"]; ok {
		t.Provider = p
	}
	for _, p := range a.list("ports") {
		t.Ports = append(t.Ports, number(p))
	}
	for _, text := range a.list("types") {
		name, weight, _ := strings.Cut(text, ":")
		t.InstanceTypes = append(t.InstanceTypes, autoscaling.InstanceType{Type: name, Weight: number(weight)})
	}
	return t
}

// spec sets what is named of a group; it says whether desired is.
func spec(a args, g *autoscaling.GroupSpec) bool {
	g.Min, g.Max = a.number("min", g.Min), a.number("max", g.Max)
	g.Desired = a.number("desired", g.Desired)
	g.DefaultCooldown = a.duration("cooldown", g.DefaultCooldown)
	if v, ok := a.named["configuration"]; ok {
		g.Configuration.ID = v
	}
	if v, ok := a.named["scope"]; ok {
		g.CooldownScope = autoscaling.CooldownScope(v)
	}
	if v, ok := a.named["protection"]; ok {
		g.DeletionProtection = autoscaling.Protection(v)
	}
	if zones := a.list("zones"); zones != nil {
		g.Zones = nil
		for _, z := range zones {
			g.Zones = append(g.Zones, autoscaling.Zone{Name: z})
		}
	}
	if a.has("no-pools") {
		g.Balancers = nil
	}
	if a.has("no-lists") {
		g.AccessLists = nil
	}
	for _, pool := range a.list("pools") {
		provider, name, _ := strings.Cut(pool, "/")
		g.Balancers = append(g.Balancers[:len(g.Balancers):len(g.Balancers)], autoscaling.BalancerRef{Provider: provider, Pool: name, Weight: 1})
	}
	for _, list := range a.list("lists") {
		provider, name, _ := strings.Cut(list, "/")
		g.AccessLists = append(g.AccessLists[:len(g.AccessLists):len(g.AccessLists)], autoscaling.AccessListRef{Provider: provider, List: name})
	}
	if health := a.list("health"); health != nil {
		g.HealthCheck.Types = nil
		for _, h := range health {
			g.HealthCheck.Types = append(g.HealthCheck.Types, autoscaling.HealthType(h))
		}
	}
	g.HealthCheck.GracePeriod = a.duration("grace", g.HealthCheck.GracePeriod)
	keepingSpec(a, g)
	g.NewInstancesProtected = g.NewInstancesProtected || a.has("protected")
	_, named := a.named["desired"]
	return named
}

func (s *story) processes(tx *fsm.Tx, a args) (string, error) {
	req := control.ProcessesRequest{Caller: a.caller(), Name: a.group()}
	for _, p := range a.words[2:] {
		req.Processes = append(req.Processes, autoscaling.Process(p))
	}
	if a.word(0) == "suspend" {
		return group(s.Ops.SuspendProcesses(tx, req))
	}
	return group(s.Ops.ResumeProcesses(tx, req))
}

func (s *story) ruleCommand(tx *fsm.Tx, a args) (string, error) {
	switch a.word(0) {
	case "rule":
		_, err := s.Ops.CreateRule(tx, control.CreateRuleRequest{Parent: a.parent(), NewMeta: a.meta(), Rule: autoscaling.Rule{Simple: simple(a)}})
		return "", err
	case "update-rule":
		_, err := s.Ops.UpdateRule(tx, control.UpdateRuleRequest{Name: a.child(), Etag: a.named["etag"], Change: func(r *autoscaling.Rule) error {
			r.Disabled = a.has("disabled")
			if a.word(2) != "" && a.word(2) != "disabled" {
				r.Simple = simple(a)
			}
			return nil
		}})
		return "", err
	case "delete-rule":
		return "", s.Ops.DeleteRule(tx, control.DeleteRuleRequest{Name: a.child()})
	case "alarm":
		alarm := autoscaling.DefaultAlarmTask()
		alarm.Metric.Name, alarm.Comparison, alarm.Threshold = "cpu_utilization", autoscaling.GreaterThan, float64(a.number("above", 70))
		if below, ok := a.named["below"]; ok {
			alarm.Comparison, alarm.Threshold = autoscaling.LessThan, float64(number(below))
		}
		if source, ok := a.named["source"]; ok {
			alarm.Metric.Source = source
		}
		alarm.Rules = a.list("rules")
		_, err := s.Ops.CreateAlarmTask(tx, control.CreateAlarmTaskRequest{Parent: a.parent(), NewMeta: a.meta(), Alarm: alarm})
		return "", err
	case "delete-alarm":
		return "", s.Ops.DeleteAlarmTask(tx, control.AlarmTaskRequest{Name: a.child()})
	case "enable":
		_, err := s.Ops.EnableAlarmTask(tx, control.AlarmTaskRequest{Name: a.child()})
		return "", err
	case "disable":
		_, err := s.Ops.DisableAlarmTask(tx, control.AlarmTaskRequest{Name: a.child()})
		return "", err
	}
	g, alarm, err := control.FindAlarmTask(tx.Reader, a.child())
	if err != nil {
		return "", err
	}
	point := autoscaling.Datapoint{Present: a.word(2) != "nothing"}
	if point.Present {
		point.Value = float64(number(a.word(2)))
	}
	return "", s.Ops.ReportAlarm(tx, control.AlarmReport{
		Group: g.UID, ID: alarm.ID, HoldScaleIn: a.has("hold"),
		Evaluation: autoscaling.EvaluateAlarm(alarm, []autoscaling.Datapoint{point}),
	})
}

func simple(a args) *autoscaling.SimpleRule {
	r := &autoscaling.SimpleRule{AdjustmentType: autoscaling.AdjustmentType(a.word(2)), Adjustment: number(a.word(3))}
	if _, ok := a.named["cooldown"]; ok {
		d := a.duration("cooldown", 0)
		r.Cooldown = &d
	}
	return r
}

func (s *story) taskCommand(tx *fsm.Tx, a args) (string, error) {
	switch a.word(0) {
	case "task":
		t := autoscaling.DefaultScheduledTask()
		t.Cron, t.Rule = a.named["cron"], a.named["rule"]
		t.LaunchWindow = a.duration("window", t.LaunchWindow)
		if in, ok := a.named["in"]; ok {
			t.StartTime = tx.Now().Add(duration(in))
		}
		for name, size := range map[string]**int32{"min": nil, "desired": nil, "max": nil} {
			if _, ok := a.named[name]; ok {
				if t.Capacity == nil {
					t.Capacity = &autoscaling.Capacity{}
				}
				size = map[string]**int32{"min": &t.Capacity.Min, "desired": &t.Capacity.Desired, "max": &t.Capacity.Max}[name]
				n := a.number(name, 0)
				*size = &n
			}
		}
		created, err := s.Ops.CreateScheduledTask(tx, control.CreateScheduledTaskRequest{Parent: a.parent(), NewMeta: a.meta(), Task: t})
		return taskState(created, err)
	case "delete-task":
		return "", s.Ops.DeleteScheduledTask(tx, control.DeleteScheduledTaskRequest{Name: a.child()})
	case "task-state":
		_, t, err := control.FindScheduledTask(tx.Reader, a.child())
		return taskState(t, err)
	}
	g, err := control.FindGroup(tx.Reader, a.group())
	if err != nil {
		return "", err
	}
	for _, id := range control.DueScheduledTasks(tx.Reader, g.UID, tx.Now()) {
		if err := s.Ops.RunScheduledTask(tx, g.UID, id); err != nil {
			return "", err
		}
	}
	return "", nil
}

func taskState(t *autoscaling.ScheduledTask, err error) (string, error) {
	if err != nil {
		return "", err
	}
	text := "next run " + t.NextRun.String()
	if t.RetryTime != 0 {
		text += ", tried again at " + t.RetryTime.String()
	}
	if l := t.LastRun; l != nil {
		text += fmt.Sprintf("; last %s %s", l.Time, l.Outcome)
	}
	return text, nil
}
