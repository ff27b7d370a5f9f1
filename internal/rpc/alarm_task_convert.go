package rpc

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// alarmTaskMessage shows an alarm of the group.
func alarmTaskMessage(r fsm.Reader, g *autoscaling.Group, a *autoscaling.AlarmTask) *pb.AlarmTask {
	m := alarmTaskSpecMessage(a)
	m.Name = autoscaling.AlarmTaskResource(g.Namespace, g.ID, a.ID)
	m.Ari = autoscaling.AlarmTaskARI(clusterName(r), g.Namespace, g.ID, a.ID)
	m.Uid = string(a.UID)
	m.CreateTime, m.UpdateTime = timestamp(a.CreateTime), timestamp(a.UpdateTime)
	m.Etag = a.Etag()
	m.State = enum[pb.AlarmTask_State](pb.AlarmTask_State_value, string(a.State))
	m.StateReason, m.StateTime = a.StateReason, timestamp(a.StateTime)
	return m
}

// alarmTaskSpecMessage shows what people say of an alarm.
func alarmTaskSpecMessage(a *autoscaling.AlarmTask) *pb.AlarmTask {
	threshold, periods, datapoints, enabled := a.Threshold, a.EvaluationPeriods, a.DatapointsToAlarm, !a.Disabled
	return &pb.AlarmTask{
		Labels:        a.Labels,
		ExternalNames: a.ExternalNames,
		Metric: &pb.Metric{
			Source: a.Metric.Source, Namespace: a.Metric.Namespace, Name: a.Metric.Name, Dimensions: a.Metric.Dimensions,
			Statistic: enum[pb.Metric_Statistic](pb.Metric_Statistic_value, string(a.Metric.Statistic)),
		},
		Period:            duration(a.Period),
		Comparison:        enum[pb.AlarmTask_Comparison](pb.AlarmTask_Comparison_value, string(a.Comparison)),
		Threshold:         &threshold,
		EvaluationPeriods: &periods,
		DatapointsToAlarm: &datapoints,
		Rules:             a.Rules,
		Enabled:           &enabled,
	}
}

// readAlarmTask writes what people say of an alarm of the named group into it;
// what they do not say is the default.
func readAlarmTask(m *pb.AlarmTask, group string, a *autoscaling.AlarmTask) error {
	d := autoscaling.DefaultAlarmTask()
	if m.Threshold == nil {
		return autoscaling.FieldErrorf("threshold", "is required")
	}
	rules, err := localIDs("rules", m.GetRules(), group+"/rules/")
	if err != nil {
		return err
	}
	a.Labels, a.ExternalNames = m.GetLabels(), m.GetExternalNames()
	a.Disabled = !valueOr(m.Enabled, true)
	a.Metric = autoscaling.Metric{
		Source:     orDefault(m.GetMetric().GetSource(), d.Metric.Source),
		Namespace:  m.GetMetric().GetNamespace(),
		Name:       m.GetMetric().GetName(),
		Dimensions: m.GetMetric().GetDimensions(),
		Statistic:  orDefault(name[pb.Metric_Statistic, autoscaling.Statistic](m.GetMetric().GetStatistic()), d.Metric.Statistic),
	}
	a.Period = durationOr(m.GetPeriod(), d.Period)
	a.Comparison = name[pb.AlarmTask_Comparison, autoscaling.Comparison](m.GetComparison())
	a.Threshold = m.GetThreshold()
	a.EvaluationPeriods = valueOr(m.EvaluationPeriods, d.EvaluationPeriods)
	a.DatapointsToAlarm = valueOr(m.DatapointsToAlarm, a.EvaluationPeriods)
	a.Rules = rules
	return nil
}
