package rpc

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// scheduledTaskMessage shows a scheduled task of the group.
func scheduledTaskMessage(r fsm.Reader, g *autoscaling.Group, t *autoscaling.ScheduledTask) *pb.ScheduledTask {
	m := scheduledTaskSpecMessage(t)
	m.Name = autoscaling.ScheduledTaskResource(g.Namespace, g.ID, t.ID)
	m.Ari = autoscaling.ScheduledTaskARI(clusterName(r), g.Namespace, g.ID, t.ID)
	m.Uid = string(t.UID)
	m.CreateTime, m.UpdateTime = timestamp(t.CreateTime), timestamp(t.UpdateTime)
	m.Etag = t.Etag()
	m.NextRunTime = timestamp(t.NextRun)
	if l := t.LastRun; l != nil {
		m.LastRun = &pb.ScheduledTask_Run{
			Time:    timestamp(l.Time),
			Outcome: enum[pb.ScheduledTask_Run_Outcome](pb.ScheduledTask_Run_Outcome_value, string(l.Outcome)),
			Reason:  l.Reason,
		}
		if l.Activity != 0 {
			m.LastRun.Activity = autoscaling.ActivityResource(g.Namespace, g.ID, l.Activity)
		}
	}
	return m
}

// scheduledTaskSpecMessage shows what people say of a scheduled task.
func scheduledTaskSpecMessage(t *autoscaling.ScheduledTask) *pb.ScheduledTask {
	enabled := !t.Disabled
	m := &pb.ScheduledTask{
		Labels:        t.Labels,
		ExternalNames: t.ExternalNames,
		StartTime:     timestamp(t.StartTime),
		TimeZone:      t.TimeZone,
		EndTime:       timestamp(t.EndTime),
		LaunchWindow:  duration(t.LaunchWindow),
		Enabled:       &enabled,
	}
	if t.Cron != "" {
		m.Recurrence = &pb.ScheduledTask_Cron{Cron: t.Cron}
	}
	if c := t.Capacity; c != nil {
		m.Action = &pb.ScheduledTask_Capacity_{Capacity: &pb.ScheduledTask_Capacity{
			MinSize: copied(c.Min), DesiredCapacity: copied(c.Desired), MaxSize: copied(c.Max),
		}}
	} else if t.Rule != "" {
		m.Action = &pb.ScheduledTask_Rule{Rule: t.Rule}
	}
	return m
}

// readScheduledTask writes what people say of a scheduled task of the named group
// into it; what they do not say is the default.
func readScheduledTask(m *pb.ScheduledTask, group string, t *autoscaling.ScheduledTask) error {
	d := autoscaling.DefaultScheduledTask()
	rule, err := localID("rule", m.GetRule(), group+"/rules/")
	if err != nil {
		return err
	}
	t.Labels, t.ExternalNames = m.GetLabels(), m.GetExternalNames()
	t.Disabled = !valueOr(m.Enabled, true)
	t.StartTime, t.EndTime = instant(m.GetStartTime()), instant(m.GetEndTime())
	t.Cron = m.GetCron()
	t.TimeZone = orDefault(m.GetTimeZone(), d.TimeZone)
	t.LaunchWindow = durationOr(m.GetLaunchWindow(), d.LaunchWindow)
	t.Rule, t.Capacity = rule, nil
	if c := m.GetCapacity(); c != nil {
		t.Capacity = &autoscaling.Capacity{Min: copied(c.MinSize), Desired: copied(c.DesiredCapacity), Max: copied(c.MaxSize)}
	}
	return nil
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
