package autoscaling

// Activity is an accepted (or refused) request to change a group's capacity.
// What became of each instance is kept on the instances while the activity
// runs, and copied to Outcomes, at most MaxOutcomes, when it ends: no fact
// rewrites a growing record.
type Activity struct {
	ID        ActivityID     `cbor:"1,keyasint,omitempty"`
	Namespace string         `cbor:"2,keyasint,omitempty"`
	GroupID   string         `cbor:"3,keyasint,omitempty"`
	Group     UID            `cbor:"4,keyasint,omitempty"`
	Kind      ActivityKind   `cbor:"5,keyasint,omitempty"`
	Status    ActivityStatus `cbor:"6,keyasint,omitempty"`
	Trigger   Trigger        `cbor:"7,keyasint,omitempty"`
	Cause     string         `cbor:"8,keyasint,omitempty"` // one sentence
	From      int32          `cbor:"9,keyasint"`           // capacity before and after
	To        int32          `cbor:"10,keyasint"`

	Configuration UID             `cbor:"11,keyasint,omitempty"`
	Version       int32           `cbor:"12,keyasint,omitempty"`
	Balancers     []BalancerRef   `cbor:"13,keyasint,omitempty"`
	AccessLists   []AccessListRef `cbor:"14,keyasint,omitempty"`
	Notes         []string        `cbor:"15,keyasint,omitempty"` // e.g. dependencies that were skipped

	// Launches and Removals count the instances that it brings in and takes out;
	// Done and Failed how many of them ended. It ends when all did.
	Launches      int32 `cbor:"16,keyasint,omitempty"`
	Removals      int32 `cbor:"17,keyasint,omitempty"`
	LaunchesDone  int32 `cbor:"18,keyasint,omitempty"`
	LaunchesFail  int32 `cbor:"19,keyasint,omitempty"`
	LaunchesEnded int32 `cbor:"20,keyasint,omitempty"` // cancelled
	RemovalsDone  int32 `cbor:"21,keyasint,omitempty"`
	// LastServed is when the last of its instances reached IN_SERVICE, or, leaving,
	// was drained: the cooldown counts from it.
	LastServed Time `cbor:"22,keyasint,omitempty" time:"since"`

	Outcomes  []Outcome `cbor:"23,keyasint,omitempty"`
	Reason    Reason    `cbor:"24,keyasint,omitempty"` // of a refusal
	Message   string    `cbor:"25,keyasint,omitempty"` // of a refusal or failure
	Repeats   int32     `cbor:"26,keyasint,omitempty"` // equal refusals folded into this one
	LastTime  Time      `cbor:"27,keyasint,omitempty" time:"since"`
	StartTime Time      `cbor:"28,keyasint,omitempty" time:"since"`
	EndTime   Time      `cbor:"29,keyasint,omitempty" time:"since"`
	// Cooldown is the length that this activity starts, in microseconds; 0: none.
	Cooldown int64  `cbor:"30,keyasint,omitempty"`
	Revision uint64 `cbor:"32,keyasint,omitempty"`
	// RetryTime is when it makes sense to ask again, of a refusal that passes.
	RetryTime Time `cbor:"33,keyasint,omitempty" time:"history"`
	// RemovalsEnded are those of Removals that did not leave after all: a hook's
	// ROLLBACK.
	RemovalsEnded int32 `cbor:"34,keyasint,omitempty"`
	// Victims are the instances that it takes out, with why each was chosen; at
	// most MaxVictims.
	Victims []Victim `cbor:"35,keyasint,omitempty"`
	// Violations are, of a refused batch, the items that it was refused for.
	Violations []Violation `cbor:"36,keyasint,omitempty"`
}

// MaxVictims bounds Activity.Victims.
const MaxVictims = 100

// Victim is an instance that was chosen to leave, and why it and not another.
type Victim struct {
	Instance InstanceID `cbor:"1,keyasint,omitempty"`
	Why      string     `cbor:"2,keyasint,omitempty"`
}

// MaxOutcomes bounds Activity.Outcomes; the counts cover the rest.
const MaxOutcomes = 1000

// ActivityKind says what an activity does.
type ActivityKind string

const (
	ScaleOut     ActivityKind = "SCALE_OUT"
	ScaleIn      ActivityKind = "SCALE_IN"
	Replace      ActivityKind = "REPLACE"
	Attach       ActivityKind = "ATTACH"
	Detach       ActivityKind = "DETACH"
	Remove       ActivityKind = "REMOVE"
	EnterStandby ActivityKind = "ENTER_STANDBY"
	ExitStandby  ActivityKind = "EXIT_STANDBY"
	Rebalance    ActivityKind = "REBALANCE"
	Refresh      ActivityKind = "REFRESH"
	DeleteGroup  ActivityKind = "DELETE_GROUP"
)

// ActivityStatus is how far an activity is.
type ActivityStatus string

const (
	ActivityInProgress ActivityStatus = "IN_PROGRESS"
	ActivitySuccessful ActivityStatus = "SUCCESSFUL"
	ActivityPartial    ActivityStatus = "PARTIAL"   // some instances failed
	ActivityFailed     ActivityStatus = "FAILED"    // none succeeded
	ActivityRejected   ActivityStatus = "REJECTED"  // refused; Reason says why
	ActivityCancelled  ActivityStatus = "CANCELLED" // group deleted, or desired lowered meanwhile
)

// Trigger says who asked.
type Trigger struct {
	Kind      TriggerKind `cbor:"1,keyasint,omitempty"`
	Source    string      `cbor:"2,keyasint,omitempty"` // ARI of the task, alarm or group that asked
	Rule      string      `cbor:"3,keyasint,omitempty"` // ARI of the rule
	Principal string      `cbor:"4,keyasint,omitempty"`
	RequestID string      `cbor:"5,keyasint,omitempty"`
}

// TriggerKind is the kind of who asked.
type TriggerKind string

const (
	TriggerManual      TriggerKind = "MANUAL"
	TriggerScheduled   TriggerKind = "SCHEDULED"
	TriggerAlarm       TriggerKind = "ALARM"
	TriggerCustom      TriggerKind = "CUSTOM"
	TriggerHealthCheck TriggerKind = "HEALTH_CHECK"
	TriggerSystem      TriggerKind = "SYSTEM"
)

// Outcome is what became of one instance in an activity.
type Outcome struct {
	Instance  InstanceID    `cbor:"1,keyasint,omitempty"`
	Direction Direction     `cbor:"2,keyasint,omitempty"`
	Status    OutcomeStatus `cbor:"3,keyasint,omitempty"`
	StartTime Time          `cbor:"4,keyasint,omitempty" time:"history"`
	EndTime   Time          `cbor:"5,keyasint,omitempty" time:"history"`
	Error     string        `cbor:"6,keyasint,omitempty"`
	State     InstanceState `cbor:"7,keyasint,omitempty"`
	Cause     string        `cbor:"8,keyasint,omitempty"`
}

// Direction says what an activity does with an instance.
type Direction string

const (
	DirectionLaunch    Direction = "LAUNCH"
	DirectionTerminate Direction = "TERMINATE"
	DirectionAttach    Direction = "ATTACH"
	DirectionDetach    Direction = "DETACH"
)

// OutcomeStatus is how far an instance is in an activity.
type OutcomeStatus string

const (
	OutcomeInProgress OutcomeStatus = "IN_PROGRESS"
	OutcomeSuccessful OutcomeStatus = "SUCCESSFUL"
	OutcomeFailed     OutcomeStatus = "FAILED"
	OutcomeCancelled  OutcomeStatus = "CANCELLED"
)
