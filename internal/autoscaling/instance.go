package autoscaling

import "time"

// Instance is one member of a group, from the intent to make it until long
// after it is gone. Effects follow from State and Step; a record says all that
// the next leader needs to go on.
type Instance struct {
	ID            InstanceID    `cbor:"1,keyasint,omitempty"`
	Group         UID           `cbor:"2,keyasint,omitempty"`
	State         InstanceState `cbor:"3,keyasint"`
	Step          Step          `cbor:"4,keyasint,omitempty"` // what is done in State now
	Health        Health        `cbor:"5,keyasint,omitempty"`
	Zone          string        `cbor:"6,keyasint,omitempty"`
	Configuration UID           `cbor:"7,keyasint,omitempty"`
	Version       int32         `cbor:"8,keyasint,omitempty"`
	Provider      string        `cbor:"9,keyasint,omitempty"`
	InstanceType  string        `cbor:"10,keyasint,omitempty"`
	Weight        int32         `cbor:"11,keyasint,omitempty"` // 0 is 1
	// Activity brought the instance in; Leaving is the one that takes it out.
	Activity ActivityID `cbor:"12,keyasint,omitempty"`
	Leaving  ActivityID `cbor:"13,keyasint,omitempty"`

	MachineID         string   `cbor:"14,keyasint,omitempty"`
	MachineCreateTime Time     `cbor:"15,keyasint,omitempty" time:"since"`
	Addresses         []string `cbor:"16,keyasint,omitempty"`

	Protected bool   `cbor:"17,keyasint,omitempty"`
	Origin    Origin `cbor:"18,keyasint,omitempty"`
	Entrusted bool   `cbor:"19,keyasint,omitempty"`

	Balancers   []BalancerAttachment   `cbor:"20,keyasint,omitempty"`
	AccessLists []AccessListAttachment `cbor:"21,keyasint,omitempty"`

	CreateTime Time `cbor:"22,keyasint,omitempty" time:"since"` // of the intent
	StateTime  Time `cbor:"23,keyasint,omitempty" time:"since"` // when State was entered
	// Deadline is when the current step, or the wait in this state, gives up;
	// every non-final state but the resting ones has one.
	Deadline Time `cbor:"24,keyasint,omitempty" time:"deadline"`
	// LaunchDeadline is when the whole launch gives up.
	LaunchDeadline Time `cbor:"25,keyasint,omitempty" time:"deadline"`
	// RetryTime holds the current step's effect until then; Attempts counts its tries.
	RetryTime Time  `cbor:"26,keyasint,omitempty" time:"deadline"`
	Attempts  int32 `cbor:"27,keyasint,omitempty"`
	// Served is set when it first reached IN_SERVICE.
	Served bool `cbor:"28,keyasint,omitempty"`
	// MachineRunning is what the provider last said.
	MachineRunning bool `cbor:"29,keyasint,omitempty"`
	// GraceUntil ends the grace period for balancer and probe health.
	GraceUntil Time `cbor:"30,keyasint,omitempty" time:"deadline"`
	WarmUntil  Time `cbor:"31,keyasint,omitempty" time:"deadline"`
	// StatusReason says why it is where it is, in a sentence.
	StatusReason string `cbor:"32,keyasint,omitempty"`
	// Failure is what went wrong with the launch, for activity and back-off.
	Failure string `cbor:"33,keyasint,omitempty"`
	// Unhealthy says why Health is UNHEALTHY, and since when.
	UnhealthyReason string `cbor:"34,keyasint,omitempty"`
	UnhealthySince  Time   `cbor:"35,keyasint,omitempty" time:"since"`
	// UnhealthySource is who said so.
	UnhealthySource HealthSource `cbor:"36,keyasint,omitempty"`
	// MissingSince is when the provider first did not list the machine.
	MissingSince Time `cbor:"37,keyasint,omitempty" time:"since"`
	// LoweredDesired is set when this leaving lowered desired.
	LoweredDesired bool            `cbor:"38,keyasint,omitempty"`
	Timeline       []TimelineEntry `cbor:"39,keyasint,omitempty"`
	EndTime        Time            `cbor:"40,keyasint,omitempty" time:"since"` // when it became final
	StopTimeout    time.Duration   `cbor:"41,keyasint,omitempty"`
	Revision       uint64          `cbor:"42,keyasint,omitempty"`
	// Stopped is set when our stop of the machine was confirmed, or its end seen.
	Stopped bool `cbor:"43,keyasint,omitempty"`
	// ProbeHealthy is the last word of the service's own probe; ProbeChecked says
	// that it has given one.
	ProbeHealthy bool `cbor:"44,keyasint,omitempty"`
	ProbeChecked bool `cbor:"46,keyasint,omitempty"`
	// HealthMessage is why a balancer or the probe last said no.
	HealthMessage string `cbor:"47,keyasint,omitempty"`
	// Tried are the zones and types that had no room for it, in order.
	Tried []Placement `cbor:"45,keyasint,omitempty"`
	// Waits are the hooks that hold it in this *_WAIT state, or the last one, all
	// opened together.
	Waits []HookWait `cbor:"48,keyasint,omitempty"`
	// Moving is the activity that moves a served instance into or out of standby.
	Moving ActivityID `cbor:"49,keyasint,omitempty"`
	// RunHooks: of an attached or detaching one, hooks hold it too.
	RunHooks bool `cbor:"50,keyasint,omitempty"`
	// Released is set when our mark is off the machine, and it lives on.
	Released bool `cbor:"51,keyasint,omitempty"`
	// LifetimeUntil is when max_instance_lifetime, spread over the group, ends.
	LifetimeUntil Time `cbor:"52,keyasint,omitempty" time:"deadline"`
	// Replaces is the instance whose place this one takes once it serves: launched
	// before the other is terminated.
	Replaces InstanceID `cbor:"53,keyasint,omitempty"`
	// Adopted is set when our mark is on an attached machine. MachineID of an
	// attached one is known from the beginning.
	Adopted bool `cbor:"54,keyasint,omitempty"`
	// HealthyPasses etc. are kept by the prober, not here: samples stay out of the log.
}

// HasMachine says whether there is a machine that the provider knows to be the
// instance's.
func (i *Instance) HasMachine() bool {
	return i.MachineID != "" && (i.Origin != OriginAttached || i.Adopted)
}

// OnlyReleased says whether the machine is never ours to end: attached, and not
// entrusted to us.
func (i *Instance) OnlyReleased() bool { return i.Origin == OriginAttached && !i.Entrusted }

// Placement is a zone and a type of machine in it.
type Placement struct {
	Zone         string `cbor:"1,keyasint,omitempty"`
	InstanceType string `cbor:"2,keyasint,omitempty"`
}

// Origin says where an instance's machine came from.
type Origin string

const (
	OriginCreated  Origin = "CREATED"
	OriginAttached Origin = "ATTACHED"
)

// Health of an instance.
type Health uint8

const (
	HealthInitializing Health = iota // in its grace period, or not yet in service
	HealthHealthy
	HealthUnhealthy
)

// HealthSource says who found an instance unhealthy; it decides what holds the
// replacement back.
type HealthSource string

const (
	SourceProvider HealthSource = "PROVIDER" // the machine does not run: replaced at once
	SourceBalancer HealthSource = "BALANCER"
	SourceProbe    HealthSource = "PROBE"
	SourceReport   HealthSource = "REPORT" // SetHealth: replaced at once
)

// AttachmentState is how far an instance is into, or out of, a balancer's pool
// or an access list.
type AttachmentState uint8

const (
	AttachmentPending  AttachmentState = iota // not wanted there yet
	AttachmentAdding                          // wanted; the provider has not confirmed
	AttachmentActive                          // confirmed
	AttachmentDraining                        // balancers: no new traffic, open requests finish
	AttachmentRemoving                        // no longer wanted; the provider has not confirmed
	AttachmentRemoved                         // confirmed gone, or never was there
)

// BalancerAttachment is an instance's membership of a pool, as of its launch.
type BalancerAttachment struct {
	Provider     string          `cbor:"1,keyasint,omitempty"`
	Pool         string          `cbor:"2,keyasint,omitempty"`
	Port         int32           `cbor:"3,keyasint,omitempty"`
	Weight       int32           `cbor:"4,keyasint,omitempty"`
	DrainTimeout time.Duration   `cbor:"5,keyasint,omitempty"`
	State        AttachmentState `cbor:"6,keyasint,omitempty"`
	Healthy      bool            `cbor:"7,keyasint,omitempty"` // the balancer's last word
	Checked      bool            `cbor:"8,keyasint,omitempty"` // it has given one
}

// AccessListAttachment is an instance's entry in a list, as of its launch.
type AccessListAttachment struct {
	Provider string          `cbor:"1,keyasint,omitempty"`
	List     string          `cbor:"2,keyasint,omitempty"`
	State    AttachmentState `cbor:"3,keyasint,omitempty"`
}

// TimelineEntry is one transition or finished sub-step. Message is empty where
// the name says it all.
type TimelineEntry struct {
	State   InstanceState `cbor:"1,keyasint,omitempty"`
	Step    Step          `cbor:"2,keyasint,omitempty"` // a finished sub-step; StepNone: State was entered
	Time    Time          `cbor:"3,keyasint,omitempty" time:"since"`
	Message string        `cbor:"4,keyasint,omitempty"`
}
