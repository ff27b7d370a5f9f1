package autoscaling

// Event is one thing that happened, in the order in which it was committed.
type Event struct {
	Index     uint64            `cbor:"1,keyasint,omitempty"` // given by the state, from 1, without gaps
	Time      Time              `cbor:"2,keyasint,omitempty" time:"history"`
	Type      EventType         `cbor:"3,keyasint,omitempty"`
	Namespace string            `cbor:"4,keyasint,omitempty"`
	GroupID   string            `cbor:"5,keyasint,omitempty"`
	Group     UID               `cbor:"6,keyasint,omitempty"`
	Instance  InstanceID        `cbor:"7,keyasint,omitempty"`
	Activity  ActivityID        `cbor:"8,keyasint,omitempty"`
	Subject   string            `cbor:"9,keyasint,omitempty"`  // id of the rule, task, alarm, node… meant
	State     InstanceState     `cbor:"10,keyasint,omitempty"` // of INSTANCE_STATE
	Step      Step              `cbor:"11,keyasint,omitempty"` // of INSTANCE_STEP
	Message   string            `cbor:"12,keyasint,omitempty"`
	Details   map[string]string `cbor:"13,keyasint,omitempty" text:"lines"`
}

// EventType is the kind of an event. The set grows; names are for ever.
type EventType string

const (
	EventConfigurationCreated EventType = "CONFIGURATION_CREATED"
	EventConfigurationUpdated EventType = "CONFIGURATION_UPDATED"
	EventConfigurationDeleted EventType = "CONFIGURATION_DELETED"
	EventGroupCreated         EventType = "GROUP_CREATED"
	EventGroupUpdated         EventType = "GROUP_UPDATED"
	EventGroupPaused          EventType = "GROUP_PAUSED"
	EventGroupResumed         EventType = "GROUP_RESUMED"
	EventGroupDeleting        EventType = "GROUP_DELETING"
	EventGroupDeleted         EventType = "GROUP_DELETED"
	EventProcessesSuspended   EventType = "PROCESSES_SUSPENDED"
	EventProcessesResumed     EventType = "PROCESSES_RESUMED"
	EventDesiredChanged       EventType = "DESIRED_CHANGED"
	EventConditionRaised      EventType = "CONDITION_RAISED"
	EventConditionCleared     EventType = "CONDITION_CLEARED"
	EventRuleCreated          EventType = "RULE_CREATED"
	EventRuleUpdated          EventType = "RULE_UPDATED"
	EventRuleDeleted          EventType = "RULE_DELETED"
	EventAlarmCreated         EventType = "ALARM_TASK_CREATED"
	EventAlarmUpdated         EventType = "ALARM_TASK_UPDATED"
	EventAlarmDeleted         EventType = "ALARM_TASK_DELETED"
	EventAlarmState           EventType = "ALARM_STATE_CHANGED"
	EventTaskCreated          EventType = "SCHEDULED_TASK_CREATED"
	EventTaskUpdated          EventType = "SCHEDULED_TASK_UPDATED"
	EventTaskDeleted          EventType = "SCHEDULED_TASK_DELETED"
	EventTaskRun              EventType = "SCHEDULED_TASK_RUN"
	EventTriggerFired         EventType = "TRIGGER_FIRED"    // semantics.md workflow step 1
	EventRequestRefused       EventType = "REQUEST_REFUSED"  // step 2
	EventActivityStarted      EventType = "ACTIVITY_STARTED" // steps 3 and 4
	EventInstanceState        EventType = "INSTANCE_STATE"   // step 5: a transition
	EventInstanceStep         EventType = "INSTANCE_STEP"    // step 5: a finished sub-step
	EventInstanceHealth       EventType = "INSTANCE_HEALTH"  // healthy or unhealthy, and why
	EventInstanceProtection   EventType = "INSTANCE_PROTECTION"
	EventActivityEnded        EventType = "ACTIVITY_ENDED"   // step 6
	EventCooldownStarted      EventType = "COOLDOWN_STARTED" // step 6
	EventLaunchFailed         EventType = "LAUNCH_FAILED"
	EventMachineAdopted       EventType = "MACHINE_ADOPTED"
	EventMachineLost          EventType = "MACHINE_LOST"
	EventOrphanFound          EventType = "ORPHAN_FOUND"
	EventMachinesForgotten    EventType = "MACHINES_FORGOTTEN"
	EventOrphanRemoved        EventType = "ORPHAN_REMOVED"
	EventHookCreated          EventType = "LIFECYCLE_HOOK_CREATED"
	EventHookUpdated          EventType = "LIFECYCLE_HOOK_UPDATED"
	EventHookDeleted          EventType = "LIFECYCLE_HOOK_DELETED"
	EventHookWaiting          EventType = "LIFECYCLE_ACTION_OPENED"    // the notice: token, hook, instance, transition, deadline, metadata
	EventHookHeartbeat        EventType = "LIFECYCLE_ACTION_HEARTBEAT" // its deadline moved
	EventHookEnded            EventType = "LIFECYCLE_ACTION_ENDED"     // result and who said so
	EventTargetCreated        EventType = "NOTIFICATION_TARGET_CREATED"
	EventTargetUpdated        EventType = "NOTIFICATION_TARGET_UPDATED"
	EventTargetDeleted        EventType = "NOTIFICATION_TARGET_DELETED"
	EventNotificationCreated  EventType = "NOTIFICATION_CREATED"
	EventNotificationUpdated  EventType = "NOTIFICATION_UPDATED"
	EventNotificationDeleted  EventType = "NOTIFICATION_DELETED"
	EventNotificationDead     EventType = "NOTIFICATION_DEAD_LETTERED"
	EventNotificationTest     EventType = "NOTIFICATION_TEST"
	EventMachineReleased      EventType = "MACHINE_RELEASED"
	EventRebalanceStarted     EventType = "REBALANCE_REQUESTED"
	EventLeaderElected        EventType = "LEADER_ELECTED"
	EventNodeChanged          EventType = "NODE_CHANGED"
	EventTimeSet              EventType = "TIME_SET" // its time may be before that of the event before
)
