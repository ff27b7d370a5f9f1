package rpc

import (
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// readByName shows the resource of a full name, whatever its kind.
func readByName(r fsm.Reader, name string) (proto.Message, error) {
	switch segment(name, 2) {
	case "configurations":
		return readConfiguration(r, configurationName(name))
	case "notificationTargets": // without the secret, which was in the first answer
		t, err := control.FindNotificationTarget(r, targetName(name))
		if err != nil {
			return nil, err
		}
		return notificationTargetMessage(r, t), nil
	}
	switch segment(name, 4) {
	case "":
		g, err := control.FindGroup(r, groupName(name))
		if err != nil {
			return nil, err
		}
		return groupMessage(r, r.Stamp(), g), nil
	case "rules":
		g, rule, err := control.FindRule(r, childName(name))
		if err != nil {
			return nil, err
		}
		return ruleMessage(r, g, rule), nil
	case "alarmTasks":
		g, a, err := control.FindAlarmTask(r, childName(name))
		if err != nil {
			return nil, err
		}
		return alarmTaskMessage(r, g, a), nil
	case "scheduledTasks":
		g, t, err := control.FindScheduledTask(r, childName(name))
		if err != nil {
			return nil, err
		}
		return scheduledTaskMessage(r, g, t), nil
	case "lifecycleHooks":
		g, h, err := control.FindLifecycleHook(r, childName(name))
		if err != nil {
			return nil, err
		}
		return lifecycleHookMessage(r, g, h), nil
	case "notifications":
		g, n, err := control.FindNotification(r, childName(name))
		if err != nil {
			return nil, err
		}
		return notificationMessage(r, g, n), nil
	case "instances":
		return readInstance(r, childName(name), r.Stamp())
	case "activities":
		return readActivity(r, childName(name))
	}
	return nil, autoscaling.Errorf(autoscaling.NotFound, "there is no %s", name)
}
