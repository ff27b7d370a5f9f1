package autoscaling

import "time"

// Transition is where on an instance's way a lifecycle hook holds it.
type Transition string

const (
	TransitionLaunching   Transition = "LAUNCHING"   // after PENDING, before the load balancers
	TransitionTerminating Transition = "TERMINATING" // after the load balancers, before the machine stops
)

// HookResult is what a hook's program says of an instance, or what is assumed
// when it says nothing in time.
type HookResult string

const (
	ResultContinue HookResult = "CONTINUE"
	ResultAbandon  HookResult = "ABANDON"
	ResultRollback HookResult = "ROLLBACK" // terminating only: back into service
)

// LifecycleHook holds the instances of its group on their way in or out until
// a program says how to go on, or a deadline passes.
type LifecycleHook struct {
	Meta
	Group            UID           `cbor:"10,keyasint,omitempty"`
	Transition       Transition    `cbor:"11,keyasint,omitempty"`
	HeartbeatTimeout time.Duration `cbor:"12,keyasint,omitempty"`
	DefaultResult    HookResult    `cbor:"13,keyasint,omitempty"` // CONTINUE or ABANDON
	// NotificationTarget is the id of the target that the notices go to; empty: to
	// the group's notifications only.
	NotificationTarget string `cbor:"14,keyasint,omitempty"`
	Metadata           string `cbor:"15,keyasint,omitempty" text:"lines"` // copied into the notice
}

// Bounds of a hook, as semantics.md has them.
const (
	MinHeartbeatTimeout     = 30 * time.Second
	MaxHeartbeatTimeout     = 86400 * time.Second
	DefaultHeartbeatTimeout = 3600 * time.Second
	MaxHookMetadata         = 1024 // bytes
	MaxHooks                = 50   // per group
	maxWait                 = 48 * time.Hour
	maxHeartbeats           = 100
)

// MaxHookWait is how long a wait may last at most, however often its heartbeat
// is recorded.
func MaxHookWait(heartbeatTimeout time.Duration) time.Duration {
	return min(maxWait, maxHeartbeats*heartbeatTimeout)
}

// HookWait is one hook's hold on one instance. It carries what its notice said,
// so that a hook that is changed or deleted meanwhile changes nothing for those
// who wait.
type HookWait struct {
	Token            UID           `cbor:"1,keyasint,omitempty"` // see HookToken
	Hook             string        `cbor:"2,keyasint,omitempty"` // the hook's id
	HeartbeatTimeout time.Duration `cbor:"3,keyasint,omitempty"`
	DefaultResult    HookResult    `cbor:"4,keyasint,omitempty"`
	StartTime        Time          `cbor:"5,keyasint,omitempty" time:"since"`
	Deadline         Time          `cbor:"6,keyasint,omitempty" time:"deadline"`
	LastDeadline     Time          `cbor:"7,keyasint,omitempty" time:"deadline"` // no heartbeat goes beyond it
	Result           HookResult    `cbor:"8,keyasint,omitempty"`                 // empty while it waits
	EndTime          Time          `cbor:"9,keyasint,omitempty" time:"since"`
	EndedBy          string        `cbor:"10,keyasint,omitempty"` // "deadline", or who completed it
	Metadata         string        `cbor:"11,keyasint,omitempty" text:"lines"`
}

// Open says whether the wait goes on.
func (w *HookWait) Open() bool { return w.Result == "" }
