// Package providers holds the contracts between the scheduler and the outside
// world: machines, load balancers, access lists and receivers of notices, and
// the classes of error that they answer with.
//
// Every call is absolute, keyed by our instance id (or by a pool or list), and
// safe to repeat. Every call that changes something carries a Fence: a provider
// refuses a call whose epoch is lower than the highest it has seen for that key
// with StaleEpoch, so that a deposed leader cannot undo what its successor did.
//
// Implementations never decide anything: which machine, which zone, which
// target is in the call. They import nothing of the project but this package.
package providers

import (
	"context"
	"time"
)

// Fence names who is calling: the cluster whose machines these are, the
// incarnation of its state (a restore from a backup starts a new one), and the
// Raft term of the leader that makes the call.
type Fence struct {
	Cluster     string
	Incarnation string
	Epoch       uint64
}

// MachineSpec is everything a provider needs to make one machine. The name that
// the platform knows the machine by is derived from Instance, so that a second
// call for the same instance can only meet the same machine.
type MachineSpec struct {
	Instance      string // our instance id, e.g. "i-0123456789abcdef0"
	Group         string // full resource name of the group
	Zone          string
	InstanceType  string
	Image         string
	Command       []string
	Args          []string
	Env           map[string]string
	CPUMillis     int32 // thousandths of a core; 0: no limit stated
	MemoryMiB     int32 // 0: no limit stated
	BandwidthMbps int32
	Disks         []Disk
	Ports         []int32
	UserData      string
	Labels        map[string]string
	StopTimeout   time.Duration // from the stop signal to the kill
	Config        []byte        // JSON object, checked by ValidateSpec
}

// Disk is one disk of a machine.
type Disk struct {
	SizeGiB int32
	Type    string
}

// MachineState is what the platform says of a machine.
type MachineState string

const (
	MachineCreated MachineState = "CREATED" // exists, was never started
	MachineRunning MachineState = "RUNNING"
	MachineStopped MachineState = "STOPPED" // exited, crashed or was stopped
)

// Machine is a machine as the provider sees it.
type Machine struct {
	ID          string // the platform's id
	Instance    string // our instance id, from the machine's tag
	Cluster     string
	Incarnation string
	Zone        string
	State       MachineState
	Addresses   []string // IP addresses; known after Ensure where the provider can
	CreateTime  time.Time
	Message     string // why it is STOPPED, e.g. "exit status 1"
}

// Listing is all that a provider has of one cluster. Store identifies the place
// that the machines live in: when it differs from the one recorded at first
// use, the listing says nothing about our machines ("provider unreachable").
type Listing struct {
	Store    string
	Machines []Machine
}

// Compute makes and destroys machines.
//
// Ensure creates the machine, or returns the one that exists for the same
// instance; it does not start it. Ensure after Remove of the same instance is
// StaleEpoch. Start starts a machine that Ensure made; starting a running one
// returns it; one that ran before and ended is not started again but returned
// as STOPPED. Stop asks the machine to end and kills it after timeout; it
// returns when the machine no longer runs; stopping a stopped or missing one
// succeeds. Remove frees everything the machine held (it must be stopped, or is
// killed); removing a missing one succeeds and still prevents a later Ensure.
// List returns every machine tagged with the cluster.
type Compute interface {
	ValidateSpec(spec MachineSpec) error // InvalidConfiguration with a message for the user
	Ensure(ctx context.Context, fence Fence, spec MachineSpec) (Machine, error)
	Start(ctx context.Context, fence Fence, instance string) (Machine, error)
	Stop(ctx context.Context, fence Fence, instance string, timeout time.Duration) error
	Remove(ctx context.Context, fence Fence, instance string) error
	List(ctx context.Context, cluster string) (Listing, error)
}

// AdoptSpec says which machine becomes which instance's.
type AdoptSpec struct {
	Instance  string
	Group     string // full resource name of the group
	MachineID string
	// CreateTime is what Inspect said of the machine; zero: not known. One of
	// another time is another machine that got the same name: NotFound.
	CreateTime  time.Time
	StopTimeout time.Duration // from the stop signal to the kill
}

// Adopter is implemented by compute providers that can take over machines which
// exist, and let machines go alive.
//
// Inspect answers a machine by the platform's name, whoever's it is: Instance
// and Cluster are those whose mark it bears, empty when it bears none. A name
// that no machine has, or that cannot be one, is NotFound.
//
// Adopt puts our mark on a running machine. From then on it is the instance's:
// List has it, Stop and Remove end it, as if Ensure and Start had made it.
// Again for the same instance and machine it answers the same machine. A machine
// that bears another instance's mark, or whose address another one has, is
// Conflict, and so is an instance that has another machine; one that does not
// run is Failed.
//
// Release takes our mark off and leaves the machine running; its address is
// given to nobody while it runs. Its platform name stays, and it may be adopted
// for another instance. Afterwards Ensure, Start and Adopt of the instance are
// StaleEpoch, and Stop and Remove succeed and do nothing. Releasing a missing,
// removed or released one succeeds and still prevents a later Ensure or Adopt.
type Adopter interface {
	Inspect(ctx context.Context, machineID string) (Machine, error)
	Adopt(ctx context.Context, fence Fence, spec AdoptSpec) (Machine, error)
	Release(ctx context.Context, fence Fence, instance string) error
}

// Usage is what one running machine uses, as a percentage of its allotment
// (CPU: of one core when none is set). A negative value means unknown.
type Usage struct {
	Instance      string
	CPUPercent    float64
	MemoryPercent float64
	Time          time.Time
}

// UsageReporter is implemented by compute providers that can measure their
// machines. The first call after a start may answer nothing: rates need two.
type UsageReporter interface {
	Usage(ctx context.Context, cluster string) ([]Usage, error)
}

// Target is one member of a balancer's pool.
type Target struct {
	Instance string
	Address  string // IP address
	Port     int32
	Weight   int32
	Drain    bool // no new traffic; what is open may finish
}

// TargetSet is the whole membership of a pool. Index is the index of the
// applied state that it was read from: a balancer served by the nodes
// themselves is done when its nodes have applied that index.
type TargetSet struct {
	Index   uint64
	Targets []Target
}

// TargetHealth is a balancer's opinion of a target.
type TargetHealth string

const (
	TargetUnknown   TargetHealth = "UNKNOWN" // no check has ended yet
	TargetHealthy   TargetHealth = "HEALTHY"
	TargetUnhealthy TargetHealth = "UNHEALTHY"
)

// TargetStatus is what the balancer knows of one target.
type TargetStatus struct {
	Instance     string
	Health       TargetHealth
	Message      string // the last check's error
	OpenRequests int32  // requests or connections in flight, over all serving nodes
}

// Pool describes a pool that exists.
type Pool struct {
	HasHealthCheck bool
}

// Balancer puts targets behind load balancer pools.
//
// SetTargets returns when the pool serves exactly that set (targets in Drain
// get no new traffic). Status answers for the targets of the last set.
type Balancer interface {
	CheckPool(ctx context.Context, pool string) (Pool, error) // NotFound: no such pool
	SetTargets(ctx context.Context, fence Fence, pool string, set TargetSet) error
	Status(ctx context.Context, pool string) ([]TargetStatus, error)
}

// StatusWatcher is implemented by balancers that notice by themselves when an
// answer of Status changes. WatchStatus is armed when it returns; the wait that
// it answers ends with the first change after that, or with ctx. A wake-up says
// neither what changed nor where: read Status again.
type StatusWatcher interface {
	WatchStatus() (wait func(ctx context.Context) error)
}

// Entry is one line of an access list.
type Entry struct {
	Address  string
	Instance string
}

// AccessList lets addresses into something: a database, a firewall.
//
// SetEntries replaces all our entries of the list atomically. CheckList says
// whether the list could be written now and has room.
type AccessList interface {
	CheckList(ctx context.Context, list string) error
	SetEntries(ctx context.Context, fence Fence, list string, entries []Entry) error
}
