package autoscaling

import "fmt"

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
