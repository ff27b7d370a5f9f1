package control

import (
	"reflect"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateAlarmTaskRequest asks for a new alarm. Of Alarm the fields of the spec
// are read; it begins as autoscaling.DefaultAlarmTask.
type CreateAlarmTaskRequest struct {
	Caller
	Parent GroupName
	NewMeta
	Alarm autoscaling.AlarmTask
}

// UpdateAlarmTaskRequest asks for a change of an alarm. Change edits a copy;
// slices and maps are replaced, not changed in place.
type UpdateAlarmTaskRequest struct {
	Caller
	Name   ChildName
	Etag   string
	Change func(*autoscaling.AlarmTask) error
}

// AlarmTaskRequest names an alarm and nothing else.
type AlarmTaskRequest struct {
	Caller
	Name ChildName
	Etag string
}

// CreateAlarmTask makes an alarm; it begins as INSUFFICIENT_DATA.
func (o Operations) CreateAlarmTask(tx *fsm.Tx, req CreateAlarmTaskRequest) (*autoscaling.AlarmTask, error) {
	g, err := changeableGroup(tx, req.Parent)
	if err != nil {
		return nil, err
	}
	a := req.Alarm
	a.Meta, a.Group = newMeta(tx, g.Namespace, req.NewMeta), g.UID
	if err := autoscaling.ValidateMeta("alarm_task_id", &a.Meta); err != nil {
		return nil, err
	}
	if tx.AlarmTask(g.UID, a.ID) != nil {
		return nil, alreadyExists(autoscaling.AlarmTaskResource(g.Namespace, g.ID, a.ID))
	}
	if err := o.checkAlarm(tx, g, &a); err != nil {
		return nil, err
	}
	if err := checkLimit("alarm tasks in group "+g.ID, tx.AlarmTasks(g.UID), MaxChildren); err != nil {
		return nil, err
	}
	startAnew(tx, &a, "not evaluated yet")
	a.UID = tx.NewUID()
	tx.PutAlarmTask(&a)
	tx.Emit(groupEvent(g, autoscaling.EventAlarmCreated, a.ID, ""))
	return &a, nil
}

// UpdateAlarmTask changes an alarm; another condition starts its state anew.
func (o Operations) UpdateAlarmTask(tx *fsm.Tx, req UpdateAlarmTaskRequest) (*autoscaling.AlarmTask, error) {
	return o.changeAlarm(tx, req.Name, req.Etag, req.Change)
}

// EnableAlarmTask does nothing to one that is enabled.
func (o Operations) EnableAlarmTask(tx *fsm.Tx, req AlarmTaskRequest) (*autoscaling.AlarmTask, error) {
	return o.changeAlarm(tx, req.Name, req.Etag, func(a *autoscaling.AlarmTask) error {
		a.Disabled = false
		return nil
	})
}

// DisableAlarmTask stops an alarm's evaluation.
func (o Operations) DisableAlarmTask(tx *fsm.Tx, req AlarmTaskRequest) (*autoscaling.AlarmTask, error) {
	return o.changeAlarm(tx, req.Name, req.Etag, func(a *autoscaling.AlarmTask) error {
		a.Disabled = true
		return nil
	})
}

// DeleteAlarmTask deletes an alarm.
func (o Operations) DeleteAlarmTask(tx *fsm.Tx, req AlarmTaskRequest) error {
	g, a, err := FindAlarmTask(tx.Reader, req.Name)
	if err != nil {
		return err
	}
	if err := checkChild(g, autoscaling.AlarmTaskResource(g.Namespace, g.ID, a.ID), req.Etag, &a.Meta); err != nil {
		return err
	}
	tx.DeleteAlarmTask(g.UID, a.ID)
	tx.Emit(groupEvent(g, autoscaling.EventAlarmDeleted, a.ID, ""))
	return nil
}

func (o Operations) changeAlarm(tx *fsm.Tx, name ChildName, etag string, change func(*autoscaling.AlarmTask) error) (*autoscaling.AlarmTask, error) {
	g, was, err := FindAlarmTask(tx.Reader, name)
	if err != nil {
		return nil, err
	}
	if err := checkChild(g, autoscaling.AlarmTaskResource(g.Namespace, g.ID, was.ID), etag, &was.Meta); err != nil {
		return nil, err
	}
	a := *was
	if err := change(&a); err != nil {
		return nil, err
	}
	a.Meta, a.Group = fixedMeta(was.Meta, a.Meta), was.Group
	a.State, a.StateReason, a.StateTime, a.RequestTime = was.State, was.StateReason, was.StateTime, was.RequestTime
	if err := o.checkAlarm(tx, g, &a); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(a, *was) {
		return was, nil
	}
	switch {
	case a.Disabled && !was.Disabled:
		startAnew(tx, &a, "not enabled")
	case a.Disabled != was.Disabled || conditionDiffers(&a, was):
		startAnew(tx, &a, "not evaluated yet")
	}
	touch(tx, &a.Meta)
	tx.PutAlarmTask(&a)
	tx.Emit(groupEvent(g, autoscaling.EventAlarmUpdated, a.ID, ""))
	return &a, nil
}

// checkAlarm completes and checks an alarm, with what it refers to.
func (o Operations) checkAlarm(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.AlarmTask) error {
	if a.DatapointsToAlarm == 0 {
		a.DatapointsToAlarm = a.EvaluationPeriods
	}
	if err := autoscaling.ValidateMeta("alarm_task_id", &a.Meta); err != nil {
		return err
	}
	rules := make([]string, len(a.Rules))
	for n, id := range a.Rules {
		_, r, err := FindRule(tx.Reader, ChildName{g.Namespace, g.ID, id})
		if err != nil {
			return err
		}
		rules[n] = r.ID
	}
	a.Rules = rules
	if err := autoscaling.ValidateAlarm(a); err != nil {
		return err
	}
	switch source := a.Metric.Source; source {
	case autoscaling.MetricSourceProvider, autoscaling.MetricSourcePush:
	default:
		if !o.Platform.HasMetricSource(source) {
			return autoscaling.FieldErrorf("metric.source", "there is no metric source %q", source)
		}
	}
	return checkExternalNames(&a.Meta, inGroups(tx.Groups(a.Namespace), func(a *autoscaling.AlarmTask) *autoscaling.Meta { return &a.Meta }, tx.AlarmTasks))
}

func conditionDiffers(a, b *autoscaling.AlarmTask) bool {
	return !reflect.DeepEqual(a.Metric, b.Metric) || a.Period != b.Period || a.Comparison != b.Comparison || a.Threshold != b.Threshold ||
		a.EvaluationPeriods != b.EvaluationPeriods || a.DatapointsToAlarm != b.DatapointsToAlarm
}

// startAnew forgets what the alarm found.
func startAnew(tx *fsm.Tx, a *autoscaling.AlarmTask, why string) {
	a.State, a.StateReason, a.StateTime, a.RequestTime = autoscaling.AlarmInsufficientData, why, tx.Now(), 0
}
