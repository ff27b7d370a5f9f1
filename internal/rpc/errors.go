package rpc

import (
	"context"
	"errors"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/asctl/as/internal/autoscaling"
)

// domain is the domain of every ErrorInfo.
const domain = "autoscaling"

// reasonInternal is the reason of every error that is nobody's business but
// ours; its message is an id that the log has too.
const reasonInternal autoscaling.Reason = "INTERNAL"

// leaderRetry is when to come back when there is no leader: an election takes
// that long.
const leaderRetry = 200 * time.Millisecond

// code is the only table from reason to code.
func code(r autoscaling.Reason) codes.Code {
	switch r {
	case autoscaling.NotFound:
		return codes.NotFound
	case autoscaling.AlreadyExists, autoscaling.IdempotencyMismatch:
		return codes.AlreadyExists
	case autoscaling.InvalidArgument:
		return codes.InvalidArgument
	case autoscaling.OutOfRange:
		return codes.OutOfRange
	case autoscaling.NoChange, autoscaling.Cooldown, autoscaling.ActivityRunning, autoscaling.GroupIsPaused,
		autoscaling.GroupIsDeleting, autoscaling.ProcessSuspended, autoscaling.InUse, autoscaling.Protected,
		autoscaling.WrongState, autoscaling.DependencyMissing:
		return codes.FailedPrecondition
	case autoscaling.LimitExceeded:
		return codes.ResourceExhausted
	case autoscaling.EtagMismatch:
		return codes.Aborted
	case autoscaling.NoLeader, autoscaling.OutcomeUnknown:
		return codes.Unavailable
	case autoscaling.Unauthenticated:
		return codes.Unauthenticated
	case autoscaling.PermissionDenied:
		return codes.PermissionDenied
	}
	return codes.Internal
}

// refusal is the status of a refusal that its reader can act on.
func refusal(e *autoscaling.Error) *status.Status {
	c, message := code(e.Reason), shortened(e.Message)
	field, resource := shortened(e.Field), shortened(e.Resource)
	details := []protoadapt.MessageV1{errorInfo(e.Reason, e.Metadata)}
	switch {
	case len(e.Violations) > 0:
		details = append(details, ofItems(e))
	case field != "":
		details = append(details, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: field, Description: strings.TrimPrefix(message, field+": "), Reason: string(e.Reason)},
		}})
	}
	if c == codes.FailedPrecondition {
		details = append(details, &errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
			{Type: string(e.Reason), Subject: resource, Description: message},
		}})
	}
	if resource != "" {
		details = append(details, &errdetails.ResourceInfo{ResourceType: resourceType(resource), ResourceName: resource, Description: message})
	}
	retry := e.RetryAfter
	if retry == 0 && e.Reason == autoscaling.NoLeader {
		retry = leaderRetry
	}
	if retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retry)})
	}
	return withDetails(status.New(c, message), details...)
}

// An error travels in headers, which are bounded.
const (
	maxMessage    = 1024
	maxViolations = 20
	maxItems      = 100      // of a batch
	maxItemBytes  = 4 * 1024 // of their descriptions together
)

// ofItems names every item of a batch that stands in the way, with its reason;
// what there is to say of each as far as there is room.
func ofItems(e *autoscaling.Error) *errdetails.BadRequest {
	bad, room := &errdetails.BadRequest{}, maxItemBytes
	for _, v := range e.Violations[:min(len(e.Violations), maxItems)] {
		field := shortened(v.Field)
		description := strings.TrimPrefix(shortened(v.Message), field+": ")
		if room -= len(description); room < 0 {
			description = ""
		}
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: field, Description: description, Reason: string(orDefault(v.Reason, e.Reason)),
		})
	}
	return bad
}

// shortened makes text that can be sent of a caller's own words, which may be
// long, or no text at all.
func shortened(message string) string {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return strings.ToValidUTF8(message, "\uFFFD")
}

// invalid is the status of a message that breaks the rules in the .proto files.
func invalid(v *protovalidate.ValidationError) *status.Status {
	bad := &errdetails.BadRequest{}
	message := "invalid request"
	for i, violation := range v.Violations[:min(len(v.Violations), maxViolations)] {
		p := violation.Proto
		field := inResource(protovalidate.FieldPathString(p.GetField()))
		if i == 0 {
			message = p.GetMessage()
			if field != "" {
				message = field + ": " + message
			}
		}
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: field, Description: p.GetMessage(), Reason: string(autoscaling.InvalidArgument),
		})
	}
	return withDetails(status.New(codes.InvalidArgument, message), errorInfo(autoscaling.InvalidArgument, nil), bad)
}

// inResource takes the request's name for its resource off a field, since REST
// has the resource alone as its body and the operations name fields so too.
func inResource(field string) string {
	for _, resource := range []string{
		"configuration.", "group.", "rule.", "alarm_task.", "scheduled_task.", "lifecycle_hook.", "notification_target.", "notification.",
	} {
		if inside, ok := strings.CutPrefix(field, resource); ok {
			return inside
		}
	}
	return field
}

// toStatus makes a status of any error. It answers false for an error whose
// cause belongs into the log: then the status names only the id.
func toStatus(err error, id string) (*status.Status, bool) {
	var refused *autoscaling.Error
	if errors.As(err, &refused) {
		return refusal(refused), true
	}
	if st, ok := status.FromError(err); ok {
		return st, true // made here, or by the leader that a call was forwarded to
	}
	var v *protovalidate.ValidationError
	switch {
	case errors.As(err, &v):
		return invalid(v), true
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, "the caller went away"), true
	case errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, "the caller's deadline passed"), true
	}
	return internal(id), false
}

func internal(id string) *status.Status {
	return withDetails(status.New(codes.Internal, "internal error "+id), errorInfo(reasonInternal, map[string]string{"id": id}))
}

// reasonOf reads the reason back from a status of ours; "" from any other.
func reasonOf(st *status.Status) autoscaling.Reason {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return autoscaling.Reason(info.GetReason())
		}
	}
	return ""
}

func errorInfo(r autoscaling.Reason, metadata map[string]string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: string(r), Domain: domain, Metadata: metadata}
}

// withDetails panics when the details cannot be encoded: they are all ours.
func withDetails(st *status.Status, details ...protoadapt.MessageV1) *status.Status {
	full, err := st.WithDetails(details...)
	if err != nil {
		panic("rpc: details of " + st.Message() + ": " + err.Error())
	}
	return full
}
