package explain

import "github.com/asctl/as/internal/autoscaling"

// Finding is something that is late or wrong.
type Finding struct {
	Kind     string // one word for programs; see the constants
	Severity Severity
	Resource string // full name of what it is about
	Group    string // full name of its group, if it has one
	Problem  string // one sentence: what is late or wrong
	Cause    string // why, as far as is known
	Next     string // what happens next by itself, and when
	Command  string // what unsticks it; empty: there is nothing to do but wait
	Since    autoscaling.Time
	Deadline autoscaling.Time // when it should have been over; 0: not known
}

// Severity is how much a finding asks for.
type Severity uint8

const (
	Notice  Severity = iota + 1 // nobody needs to do anything
	Warning                     // not as wanted; it may end by itself
	Error                       // it does not end by itself
)
