package providers

import (
	"errors"
	"fmt"
	"time"

	"github.com/asctl/as/internal/autoscaling/text"
)

// Class says what an error of a provider means for the one who called. The
// provider decides it; nobody matches texts.
type Class string

const (
	// UnknownOutcome: the call may or may not have taken effect (a time-out, a
	// broken connection). List before any repeat. It is the class of every error
	// that names none.
	UnknownOutcome Class = "UNKNOWN_OUTCOME"
	// OutOfCapacity: this zone or type has no room now; another may have.
	OutOfCapacity Class = "OUT_OF_CAPACITY"
	// QuotaExceeded: the account's limit is reached; another zone will not help.
	QuotaExceeded Class = "QUOTA_EXCEEDED"
	// Throttled: too many calls; RetryAfter says when to come back.
	Throttled Class = "THROTTLED"
	// InvalidConfiguration: the specification can never work; do not repeat.
	InvalidConfiguration Class = "INVALID_CONFIGURATION"
	// Unauthorized: our credentials do not allow it.
	Unauthorized Class = "UNAUTHORIZED"
	// Conflict: something else holds the name or address.
	Conflict Class = "CONFLICT"
	// StaleEpoch: a newer leader has spoken, or the machine was removed.
	StaleEpoch Class = "STALE_EPOCH"
	// NotFound: the machine, pool or list does not exist.
	NotFound Class = "NOT_FOUND"
	// Unavailable: the provider did not take the call; nothing happened.
	Unavailable Class = "UNAVAILABLE"
	// Failed: the provider tried and the machine is not there, e.g. its command
	// cannot be executed; a repeat may or may not work.
	Failed Class = "FAILED"
	// Gone: the receiver of notices wants none any more.
	Gone Class = "GONE"
)

// Error is an error of a provider.
type Error struct {
	Class      Class
	Message    string        // for the user: what failed, with what, and why
	RetryAfter time.Duration // with Throttled
	Err        error         // the cause for errors.Is and As, may be nil
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of the class; %w wraps the cause. Its message is a line,
// whatever it quotes.
func Errorf(class Class, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Class: class, Message: text.Short(err.Error(), maxMessage), Err: errors.Unwrap(err)}
}

// ClassOf is the class of err: UnknownOutcome unless an Error in its chain says
// otherwise, because a call that ended in an unnamed way may have taken effect.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return UnknownOutcome
}
