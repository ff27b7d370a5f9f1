package autoscaling

import "strconv"

// Full resource names, as the API has them.

func ConfigurationResource(namespace, id string) string {
	return "namespaces/" + namespace + "/configurations/" + id
}

func GroupResource(namespace, id string) string {
	return "namespaces/" + namespace + "/groups/" + id
}

func RuleResource(namespace, group, id string) string {
	return GroupResource(namespace, group) + "/rules/" + id
}

func AlarmTaskResource(namespace, group, id string) string {
	return GroupResource(namespace, group) + "/alarmTasks/" + id
}

func ScheduledTaskResource(namespace, group, id string) string {
	return GroupResource(namespace, group) + "/scheduledTasks/" + id
}

func InstanceResource(namespace, group string, id InstanceID) string {
	return GroupResource(namespace, group) + "/instances/" + string(id)
}

func ActivityResource(namespace, group string, id ActivityID) string {
	return GroupResource(namespace, group) + "/activities/" + id.String()
}

func LifecycleHookResource(namespace, group, id string) string {
	return GroupResource(namespace, group) + "/lifecycleHooks/" + id
}

func NotificationResource(namespace, group, id string) string {
	return GroupResource(namespace, group) + "/notifications/" + id
}

func NotificationTargetResource(namespace, id string) string {
	return "namespaces/" + namespace + "/notificationTargets/" + id
}

func (id ActivityID) String() string { return strconv.FormatUint(uint64(id), 10) }

// ParseActivityID reads the decimal form.
func ParseActivityID(s string) (ActivityID, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	return ActivityID(n), err == nil && n > 0 && s[0] != '+'
}

// The kinds of an ARI.
const (
	KindConfiguration = "configuration"
	KindGroup         = "group"
	KindRule          = "rule"
	KindAlarmTask     = "alarm-task"
	KindScheduledTask = "scheduled-task"
	KindInstance      = "instance"
	KindActivity      = "activity"

	KindLifecycleHook      = "lifecycle-hook"
	KindNotification       = "notification"
	KindNotificationTarget = "notification-target"
)

// ARIs of the resources of a cluster, which goes by its name.

func ConfigurationARI(cluster, namespace, id string) string {
	return ARI{cluster, namespace, KindConfiguration, id}.String()
}

func GroupARI(cluster, namespace, id string) string {
	return ARI{cluster, namespace, KindGroup, id}.String()
}

func RuleARI(cluster, namespace, group, id string) string {
	return ARI{cluster, namespace, KindRule, group + "/" + id}.String()
}

func AlarmTaskARI(cluster, namespace, group, id string) string {
	return ARI{cluster, namespace, KindAlarmTask, group + "/" + id}.String()
}

func ScheduledTaskARI(cluster, namespace, group, id string) string {
	return ARI{cluster, namespace, KindScheduledTask, group + "/" + id}.String()
}

func InstanceARI(cluster, namespace, group string, id InstanceID) string {
	return ARI{cluster, namespace, KindInstance, group + "/" + string(id)}.String()
}

func ActivityARI(cluster, namespace, group string, id ActivityID) string {
	return ARI{cluster, namespace, KindActivity, group + "/" + id.String()}.String()
}

func LifecycleHookARI(cluster, namespace, group, id string) string {
	return ARI{cluster, namespace, KindLifecycleHook, group + "/" + id}.String()
}

func NotificationARI(cluster, namespace, group, id string) string {
	return ARI{cluster, namespace, KindNotification, group + "/" + id}.String()
}

func NotificationTargetARI(cluster, namespace, id string) string {
	return ARI{cluster, namespace, KindNotificationTarget, id}.String()
}
