package autoscaling

import (
	"fmt"
	"slices"
)

// InstanceState is a state of the lifecycle, in order of life.
//
//	INITIAL ─► PENDING ─► PENDING_WAIT ─► PENDING_PROCEED ─► IN_SERVICE ─► TERMINATING ─► TERMINATING_WAIT ─► TERMINATING_PROCEED ─► TERMINATED
//	                                            ▲                │ ▲
//	                                            │                ▼ │
//	                                         STANDBY ◄─ ENTERING_STANDBY          IN_SERVICE, STANDBY ─► DETACHING ─► DETACHED
//
// The edges that failures and people add are in Lifecycle, the table.
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

// CanBecome says whether the table allows the transition.
func (s InstanceState) CanBecome(next InstanceState) bool {
	return int(s) < StateCount && allowed[s]&(1<<next) != 0
}

// Row is the state's row of the table; nil for what is no state.
func (s InstanceState) Row() *Row {
	if s == 0 || int(s) >= StateCount {
		return nil
	}
	return &Lifecycle[s-1]
}

// Steps are the state's sub-steps, in order.
func (s InstanceState) Steps() []Step {
	if r := s.Row(); r != nil {
		return r.Steps
	}
	return nil
}

// CanBeAt says whether an instance in the state can be at the step: at none
// where there is nothing to do, else at one of its own.
func (s InstanceState) CanBeAt(step Step) bool {
	steps := s.Steps()
	return slices.Contains(steps, step) || step == StepNone && len(steps) == 0
}

// Final states are never left.
func (s InstanceState) Final() bool { return int(s) < StateCount && s > 0 && allowed[s] == 0 }

// Resting states have no deadline and no next step.
func (s InstanceState) Resting() bool { return s == InService || s == Standby || s == Warmed }

// Counted states count towards desired.
func (s InstanceState) Counted() bool { return s >= Initial && s <= InService }

// Launching states are on the way to IN_SERVICE.
func (s InstanceState) Launching() bool { return s >= Initial && s <= PendingProceed }

// LeavingForGood states are on the way to TERMINATED.
func (s InstanceState) LeavingForGood() bool { return s >= Terminating && s <= TerminatingProceed }
