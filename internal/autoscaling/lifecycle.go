package autoscaling

import "fmt"

// InstanceState is a state of the lifecycle, in order of life.
//
//	INITIAL ─► PENDING ─► PENDING_WAIT ─► PENDING_PROCEED ─► IN_SERVICE ─► TERMINATING ─► TERMINATING_WAIT ─► TERMINATING_PROCEED ─► TERMINATED
//	                                            ▲                │ ▲
//	                                            │                ▼ │
//	                                         STANDBY ◄─ ENTERING_STANDBY          IN_SERVICE, STANDBY ─► DETACHING ─► DETACHED
//
// The edges that failures and people add are in the table below.
type InstanceState uint8

const (
	Initial            InstanceState = iota + 1 // the intent is recorded, nothing else
	Pending                                     // create, access lists, start
	PendingWait                                 // held by launch hooks
	PendingProceed                              // load balancers, then health
	InService                                   // serves traffic
	EnteringStandby                             // draining, to rest
	Standby                                     // managed, takes no traffic
	Detaching                                   // leaving alive
	Detached                                    // final: the machine lives on
	Terminating                                 // draining, to die
	TerminatingWait                             // held by terminate hooks
	TerminatingProceed                          // stop, access lists, delete
	Terminated                                  // final
	Warmed                                      // at rest in the warm pool
)

// StateCount is one more than the highest state: the size of an array that is
// indexed by state.
const StateCount = int(Warmed) + 1

var stateNames = [StateCount]string{
	"STATE_UNSPECIFIED", "INITIAL", "PENDING", "PENDING_WAIT", "PENDING_PROCEED", "IN_SERVICE",
	"ENTERING_STANDBY", "STANDBY", "DETACHING", "DETACHED", "TERMINATING", "TERMINATING_WAIT",
	"TERMINATING_PROCEED", "TERMINATED", "WARMED",
}

func (s InstanceState) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("InstanceState(%d)", uint8(s))
}

// transitions is the one table that rules every change of an instance's state.
var transitions = map[InstanceState][]InstanceState{
	Initial:            {Pending, Terminated},
	Pending:            {PendingWait, PendingProceed, Terminating, TerminatingProceed},
	PendingWait:        {PendingProceed, TerminatingProceed},
	PendingProceed:     {InService, Terminating},
	InService:          {Terminating, EnteringStandby, Detaching},
	EnteringStandby:    {Standby, Terminating},
	Standby:            {PendingProceed, Terminating, Detaching},
	Detaching:          {Detached},
	Terminating:        {TerminatingWait, TerminatingProceed},
	TerminatingWait:    {TerminatingProceed, PendingProceed},
	TerminatingProceed: {Terminated, Detached},
	Warmed:             {Pending, Terminating},
}

// CanBecome says whether the table allows the transition.
func (s InstanceState) CanBecome(next InstanceState) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// Final states are never left.
func (s InstanceState) Final() bool { return s == Terminated || s == Detached }

// Resting states have no deadline and no next step.
func (s InstanceState) Resting() bool { return s == InService || s == Standby || s == Warmed }

// Counted states count towards desired.
func (s InstanceState) Counted() bool { return s >= Initial && s <= InService }

// Launching states are on the way to IN_SERVICE.
func (s InstanceState) Launching() bool { return s >= Initial && s <= PendingProceed }

// LeavingForGood states are on the way to TERMINATED.
func (s InstanceState) LeavingForGood() bool { return s >= Terminating && s <= TerminatingProceed }

// Step is a sub-step inside a state: the one thing that is being done now. The
// scheduler's effects follow from it.
type Step uint8

const (
	StepNone     Step = iota
	StepCreate        // PENDING: make the machine
	StepAllow         // PENDING: its address into the access lists
	StepStart         // PENDING: start it and wait until it runs
	StepRegister      // PENDING_PROCEED: register with the load balancers
	StepCheck         // PENDING_PROCEED: wait until health says yes
	StepDrain         // TERMINATING and others: no new traffic, drain, deregister
	StepStop          // TERMINATING_PROCEED: stop the machine
	StepRevoke        // TERMINATING_PROCEED: its address out of the access lists
	StepDelete        // TERMINATING_PROCEED: delete the machine
	StepHooks         // *_WAIT, and DETACHING with run_hooks: held by hooks
	StepRelease       // DETACHING and TERMINATING_PROCEED: our mark off a machine that lives on
)

var stepNames = [...]string{"", "CREATE", "ALLOW", "START", "REGISTER", "CHECK", "DRAIN", "STOP", "REVOKE", "DELETE", "HOOKS", "RELEASE"}

func (s Step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return fmt.Sprintf("Step(%d)", uint8(s))
}
