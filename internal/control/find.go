package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// The Find functions look a resource up by id or uid, for operations and for
// reads. They answer NOT_FOUND with the name that was asked for.

// FindConfiguration looks a configuration up.
func FindConfiguration(r fsm.Reader, name ConfigurationName) (*autoscaling.Configuration, error) {
	panic("control: being written")
}

// FindGroup looks a group up that is not DELETED.
func FindGroup(r fsm.Reader, name GroupName) (*autoscaling.Group, error) {
	panic("control: being written")
}

// FindRule looks a rule up, with its group.
func FindRule(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.Rule, error) {
	panic("control: being written")
}

// FindAlarmTask looks an alarm up, with its group.
func FindAlarmTask(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.AlarmTask, error) {
	panic("control: being written")
}

// FindScheduledTask looks a scheduled task up, with its group.
func FindScheduledTask(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.ScheduledTask, error) {
	panic("control: being written")
}

// FindInstance looks an instance up, also a final one, with its group.
func FindInstance(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.Instance, error) {
	panic("control: being written")
}

// FindActivity looks an activity up by number or uid. Its group may be DELETED:
// name.Group may be the id that it had, or its uid.
func FindActivity(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.Activity, error) {
	panic("control: being written")
}
