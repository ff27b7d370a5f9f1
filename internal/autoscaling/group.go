package autoscaling

import "time"

// GroupState is the state of a group as a whole.
type GroupState string

const (
	GroupActive   GroupState = "ACTIVE"
	GroupPaused   GroupState = "PAUSED"   // what is moving finishes, nothing new starts
	GroupDeleting GroupState = "DELETING" // everything leaves, then the group is gone
	GroupDeleted  GroupState = "DELETED"  // kept, hidden, until its activities expire
)

// Group keeps Desired instances made from a configuration, between Min and Max.
// Desired is the truth: the group converges to it whatever happened.
type Group struct {
	Meta
	GroupSpec
	GroupStatus
}

// GroupSpec is what people say of a group. Keys 10 to 59.
type GroupSpec struct {
	Min                    int32             `cbor:"10,keyasint"`
	Max                    int32             `cbor:"11,keyasint"`
	Desired                int32             `cbor:"12,keyasint"`
	DesiredMode            DesiredMode       `cbor:"13,keyasint,omitempty"`
	Configuration          ConfigurationRef  `cbor:"14,keyasint,omitempty"`
	Zones                  []Zone            `cbor:"15,keyasint,omitempty"` // never empty: the default is one zone "default"
	ZonePolicy             ZonePolicy        `cbor:"16,keyasint,omitempty"`
	ZoneRebalance          bool              `cbor:"17,keyasint,omitempty"`
	DefaultCooldown        time.Duration     `cbor:"18,keyasint,omitempty"`
	CooldownScope          CooldownScope     `cbor:"19,keyasint,omitempty"`
	DefaultWarmup          time.Duration     `cbor:"20,keyasint,omitempty"` // 0: the cooldown
	HealthCheck            HealthCheck       `cbor:"21,keyasint,omitempty"`
	TerminationPolicies    []TerminationRule `cbor:"22,keyasint,omitempty"`
	AttachedLast           bool              `cbor:"23,keyasint,omitempty"`
	Balancers              []BalancerRef     `cbor:"24,keyasint,omitempty"`
	AccessLists            []AccessListRef   `cbor:"25,keyasint,omitempty"`
	NewInstancesProtected  bool              `cbor:"26,keyasint,omitempty"`
	KeepProtectedUnhealthy bool              `cbor:"27,keyasint,omitempty"`
	LaunchTimeout          time.Duration     `cbor:"28,keyasint,omitempty"`
	LaunchFailureLimit     int32             `cbor:"29,keyasint,omitempty"`
	Suspended              []Process         `cbor:"30,keyasint,omitempty"` // sorted
	DeletionProtection     Protection        `cbor:"31,keyasint,omitempty"`
	PropagatedLabels       []string          `cbor:"32,keyasint,omitempty"` // label keys copied to machines
	Maintenance            Maintenance       `cbor:"33,keyasint,omitempty"`
	MaxInstanceLifetime    time.Duration     `cbor:"34,keyasint,omitempty"` // 0: for ever
}

// GroupStatus is what the service knows of a group. Keys from 60.
type GroupStatus struct {
	State         GroupState  `cbor:"60,keyasint,omitempty"`
	Conditions    []Condition `cbor:"61,keyasint,omitempty"` // sorted by type, only those that hold
	CooldownUntil Time        `cbor:"62,keyasint,omitempty" time:"deadline"`
	Generation    uint64      `cbor:"63,keyasint,omitempty"` // changes of the spec, desired included
	ForceDelete   bool        `cbor:"64,keyasint,omitempty"`
	// DeleteActivity is the DELETE_GROUP activity while the group is DELETING.
	DeleteActivity ActivityID `cbor:"65,keyasint,omitempty"`
	// Converging is the SYSTEM activity that makes up for what is missing or
	// takes away what is too much; at most one runs.
	Converging ActivityID `cbor:"66,keyasint,omitempty"`
	// LaunchFailures counts launches that failed in a row; a success sets it to 0.
	LaunchFailures  int32     `cbor:"67,keyasint,omitempty"`
	LastLaunchError string    `cbor:"68,keyasint,omitempty"`
	Backoffs        []Backoff `cbor:"69,keyasint,omitempty"` // sorted by provider, zone, type
	// StormHeld is set while the storm guard holds replacements.
	StormHeld bool `cbor:"70,keyasint,omitempty"`
	// FirstUse says when each configuration version was first used by the group:
	// the age that the termination policies mean.
	FirstUse []ConfigurationUse `cbor:"71,keyasint,omitempty"`
	// CooldownCause says in a sentence which activity started the cooldown.
	CooldownCause string `cbor:"73,keyasint,omitempty"`
	// RefusalActivity is the newest REJECTED activity, into which equal refusals fold.
	RefusalActivity ActivityID `cbor:"74,keyasint,omitempty"`
	// DeleteTime is when the group became DELETED.
	DeleteTime Time `cbor:"75,keyasint,omitempty" time:"since"`
	// Fitted is the Generation whose balancers and access lists the instances in
	// service have, or are getting.
	Fitted uint64 `cbor:"76,keyasint,omitempty"`
	// SkipHooks is set while the group is DELETING without its terminate hooks.
	SkipHooks bool `cbor:"77,keyasint,omitempty"`
	// RebalanceTime is when zones may be rebalanced next by the service itself.
	RebalanceTime Time `cbor:"78,keyasint,omitempty" time:"deadline"`
	// RebalanceAsked is set by a request to rebalance, until the zones are even or
	// nothing more can be done.
	RebalanceAsked bool `cbor:"79,keyasint,omitempty"`
}

// Maintenance bounds what the service's own replacements (health, lifetime,
// rebalancing, refresh) do to a group's capacity, in percent of desired. Both 0:
// the defaults of 90 and 110. Min rounds up, max rounds down; one instance may
// always be replaced. Min 100 and max above 100: launch before terminate.
type Maintenance struct {
	MinHealthyPercent int32 `cbor:"1,keyasint,omitempty"`
	MaxHealthyPercent int32 `cbor:"2,keyasint,omitempty"`
}

// DesiredMode says who owns desired.
type DesiredMode string

const (
	DesiredMaintained DesiredMode = "MAINTAINED" // converge to desired
	DesiredFollows    DesiredMode = "FOLLOWS"    // desired follows what is counted when an activity ends
)

// ConfigurationRef names a configuration in the group's namespace. Version 0
// means the latest; UseDefault the configuration's default version.
type ConfigurationRef struct {
	ID         string `cbor:"1,keyasint,omitempty"`
	Version    int32  `cbor:"2,keyasint,omitempty"`
	UseDefault bool   `cbor:"3,keyasint,omitempty"`
}

// Zone is a place to launch in.
type Zone struct {
	Name    string `cbor:"1,keyasint,omitempty"`
	Network string `cbor:"2,keyasint,omitempty"`
}

// ZonePolicy says how instances are spread over the zones.
type ZonePolicy string

const (
	ZoneBalanced ZonePolicy = "BALANCED"
	ZonePriority ZonePolicy = "PRIORITY"
)

// CooldownScope says what a running cooldown refuses.
type CooldownScope string

const (
	CooldownAlarms CooldownScope = "ALARMS" // simple rules asked by alarms
	CooldownAll    CooldownScope = "ALL"    // every new scaling activity except health and deletion
)

// HealthType is a source of health.
type HealthType string

const (
	HealthProvider HealthType = "PROVIDER"
	HealthBalancer HealthType = "BALANCER"
	HealthProbe    HealthType = "PROBE"
)

// HealthCheck says how a group's instances are checked.
type HealthCheck struct {
	Types          []HealthType  `cbor:"1,keyasint,omitempty"`
	Probe          *Probe        `cbor:"2,keyasint,omitempty"`
	GracePeriod    time.Duration `cbor:"3,keyasint,omitempty"`
	StormThreshold int32         `cbor:"4,keyasint,omitempty"` // percent of desired
}

// Probe is the service's own check of an instance, by HTTP or by TCP.
type Probe struct {
	HTTPPath           string        `cbor:"1,keyasint,omitempty"` // empty: TCP
	Port               int32         `cbor:"2,keyasint,omitempty"` // 0: the configuration's first port
	Interval           time.Duration `cbor:"3,keyasint,omitempty"`
	Timeout            time.Duration `cbor:"4,keyasint,omitempty"`
	UnhealthyThreshold int32         `cbor:"5,keyasint,omitempty"`
	HealthyThreshold   int32         `cbor:"6,keyasint,omitempty"`
}

// TerminationRule is one filter of who goes on scale-in.
type TerminationRule string

const (
	TerminateDefault             TerminationRule = "DEFAULT"
	TerminateOldestInstance      TerminationRule = "OLDEST_INSTANCE"
	TerminateNewestInstance      TerminationRule = "NEWEST_INSTANCE"
	TerminateOldestConfiguration TerminationRule = "OLDEST_CONFIGURATION"
	TerminateLeastBusy           TerminationRule = "LEAST_BUSY"
	TerminateRandomSeeded        TerminationRule = "RANDOM_SEEDED"
)

// BalancerRef is a pool that the group's instances are registered with.
type BalancerRef struct {
	Provider     string        `cbor:"1,keyasint,omitempty"`
	Pool         string        `cbor:"2,keyasint,omitempty"`
	Port         int32         `cbor:"3,keyasint,omitempty"`
	Weight       int32         `cbor:"4,keyasint,omitempty"`
	DrainTimeout time.Duration `cbor:"5,keyasint,omitempty"`
}

// AccessListRef is a list that the group's instances' addresses are put into.
type AccessListRef struct {
	Provider string `cbor:"1,keyasint,omitempty"`
	List     string `cbor:"2,keyasint,omitempty"`
}

// Process is one of the things that the service does to a group and that can be
// suspended.
type Process string

const (
	ProcessLaunch           Process = "LAUNCH"
	ProcessTerminate        Process = "TERMINATE"
	ProcessHealthCheck      Process = "HEALTH_CHECK"
	ProcessReplaceUnhealthy Process = "REPLACE_UNHEALTHY"
	ProcessAlarm            Process = "ALARM"
	ProcessScheduled        Process = "SCHEDULED"
	ProcessLoadBalancer     Process = "LOAD_BALANCER"
	ProcessZoneRebalance    Process = "ZONE_REBALANCE"
	ProcessRefresh          Process = "REFRESH"
)

// Protection says which deletions of the group are refused.
type Protection string

const (
	ProtectionNone      Protection = "NONE"
	ProtectionForceOnly Protection = "FORCE_ONLY"
	ProtectionAll       Protection = "ALL"
)

// Condition is something about a group that a person should know.
type Condition struct {
	Type    ConditionType `cbor:"1,keyasint,omitempty"`
	Reason  string        `cbor:"2,keyasint,omitempty"`
	Message string        `cbor:"3,keyasint,omitempty"`
	Time    Time          `cbor:"4,keyasint,omitempty" time:"since"` // when it began to hold
}

// ConditionType names a condition.
type ConditionType string

const (
	ConditionAboveDesired      ConditionType = "ABOVE_DESIRED"
	ConditionBelowDesired      ConditionType = "BELOW_DESIRED"
	ConditionDegraded          ConditionType = "DEGRADED"
	ConditionDependencyMissing ConditionType = "DEPENDENCY_MISSING"
	ConditionHealthStorm       ConditionType = "HEALTH_STORM"
	ConditionLaunchSuspended   ConditionType = "LAUNCH_SUSPENDED"
	ConditionNoConfiguration   ConditionType = "NO_CONFIGURATION"
	ConditionNoScaleIn         ConditionType = "NO_SCALE_IN"
	ConditionProviderDown      ConditionType = "PROVIDER_UNREACHABLE"
	ConditionWaitingForRemoval ConditionType = "WAITING_FOR_REMOVAL"
	ConditionInstanceOverdue   ConditionType = "INSTANCE_OVERDUE"
	ConditionZoneImbalance     ConditionType = "ZONE_IMBALANCE"
	ConditionDeletionWaiting   ConditionType = "DELETION_WAITING"
)

// Backoff holds launches of one kind after failures.
type Backoff struct {
	Provider string `cbor:"1,keyasint,omitempty"`
	Zone     string `cbor:"2,keyasint,omitempty"`
	Type     string `cbor:"3,keyasint,omitempty"`
	Failures int32  `cbor:"4,keyasint,omitempty"`
	Until    Time   `cbor:"5,keyasint,omitempty" time:"deadline"`
	Error    string `cbor:"6,keyasint,omitempty"`
}

// ConfigurationUse is when a group first used a version of a configuration.
type ConfigurationUse struct {
	Configuration UID   `cbor:"1,keyasint,omitempty"`
	Version       int32 `cbor:"2,keyasint,omitempty"`
	Time          Time  `cbor:"3,keyasint,omitempty" time:"since"`
}
