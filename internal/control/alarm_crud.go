package control

import (
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
	panic("control: being written")
}

// UpdateAlarmTask changes an alarm; another condition starts its state anew.
func (o Operations) UpdateAlarmTask(tx *fsm.Tx, req UpdateAlarmTaskRequest) (*autoscaling.AlarmTask, error) {
	panic("control: being written")
}

// DeleteAlarmTask deletes an alarm.
func (o Operations) DeleteAlarmTask(tx *fsm.Tx, req AlarmTaskRequest) error {
	panic("control: being written")
}

// EnableAlarmTask does nothing to one that is enabled.
func (o Operations) EnableAlarmTask(tx *fsm.Tx, req AlarmTaskRequest) (*autoscaling.AlarmTask, error) {
	panic("control: being written")
}

// DisableAlarmTask stops an alarm's evaluation.
func (o Operations) DisableAlarmTask(tx *fsm.Tx, req AlarmTaskRequest) (*autoscaling.AlarmTask, error) {
	panic("control: being written")
}
