package autoscaling

import (
	"fmt"
	"time"
)

// Reason is why something was refused or failed. The set is closed; rpc holds
// the only table from reason to code.
type Reason string

const (
	NotFound            Reason = "NOT_FOUND"
	AlreadyExists       Reason = "ALREADY_EXISTS"
	IdempotencyMismatch Reason = "IDEMPOTENCY_MISMATCH"
	InvalidArgument     Reason = "INVALID_ARGUMENT"
	OutOfRange          Reason = "OUT_OF_RANGE"
	NoChange            Reason = "NO_CHANGE"
	Cooldown            Reason = "COOLDOWN"
	ActivityRunning     Reason = "ACTIVITY_IN_PROGRESS"
	GroupIsPaused       Reason = "GROUP_PAUSED"
	GroupIsDeleting     Reason = "GROUP_DELETING"
	ProcessSuspended    Reason = "PROCESS_SUSPENDED"
	InUse               Reason = "IN_USE"
	Protected           Reason = "PROTECTED"
	WrongState          Reason = "WRONG_STATE"
	DependencyMissing   Reason = "DEPENDENCY_MISSING"
	LimitExceeded       Reason = "LIMIT_EXCEEDED"
	EtagMismatch        Reason = "ETAG_MISMATCH"
	NoLeader            Reason = "NO_LEADER"
	OutcomeUnknown      Reason = "OUTCOME_UNKNOWN"
	Unauthenticated     Reason = "UNAUTHENTICATED"
	PermissionDenied    Reason = "PERMISSION_DENIED"
)

// Error is a refusal that its reader can act on. Every other error is internal.
type Error struct {
	Reason   Reason
	Message  string // a sentence for people
	Resource string // the resource meant, e.g. "groups/web"; may be empty
	// Field is the offending field of an INVALID_ARGUMENT or OUT_OF_RANGE, as in the API.
	Field      string
	RetryAfter time.Duration
	Metadata   map[string]string // e.g. the name of the recorded refusal
	// Violations are what stands in the way of each item of a batch, where that is
	// more than Field can say.
	Violations []Violation
}

// Violation is one item's own refusal; the error's Reason is the first one's.
type Violation struct {
	Field   string `cbor:"1,keyasint,omitempty"` // e.g. "instances[3]"
	Reason  Reason `cbor:"2,keyasint,omitempty"` // "": the error's
	Message string `cbor:"3,keyasint,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// FieldErrorf makes an INVALID_ARGUMENT about one field.
func FieldErrorf(field, format string, args ...any) *Error {
	return &Error{Reason: InvalidArgument, Field: field, Message: field + ": " + fmt.Sprintf(format, args...)}
}
