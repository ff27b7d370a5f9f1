package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asctl/as/internal/autoscaling"
)

func TestEachReasonHasItsCode(t *testing.T) {
	want := map[autoscaling.Reason]codes.Code{
		autoscaling.NotFound: codes.NotFound, autoscaling.AlreadyExists: codes.AlreadyExists,
		autoscaling.IdempotencyMismatch: codes.AlreadyExists, autoscaling.InvalidArgument: codes.InvalidArgument,
		autoscaling.OutOfRange: codes.OutOfRange, autoscaling.NoChange: codes.FailedPrecondition,
		autoscaling.Cooldown: codes.FailedPrecondition, autoscaling.ActivityRunning: codes.FailedPrecondition,
		autoscaling.GroupIsPaused: codes.FailedPrecondition, autoscaling.GroupIsDeleting: codes.FailedPrecondition,
		autoscaling.ProcessSuspended: codes.FailedPrecondition, autoscaling.InUse: codes.FailedPrecondition,
		autoscaling.Protected: codes.FailedPrecondition, autoscaling.WrongState: codes.FailedPrecondition,
		autoscaling.DependencyMissing: codes.FailedPrecondition, autoscaling.LimitExceeded: codes.ResourceExhausted,
		autoscaling.EtagMismatch: codes.Aborted, autoscaling.NoLeader: codes.Unavailable, autoscaling.OutcomeUnknown: codes.Unavailable,
		autoscaling.Unauthenticated: codes.Unauthenticated, autoscaling.PermissionDenied: codes.PermissionDenied,
	}
	for reason, c := range want {
		st, known := toStatus(fmt.Errorf("wrapped: %w", autoscaling.Errorf(reason, "because")), "id")
		if !known || st.Code() != c || reasonOf(st) != reason || st.Message() != "because" {
			t.Errorf("%s: %v %v %q %q", reason, known, st.Code(), reasonOf(st), st.Message())
		}
		pre := false
		for _, d := range st.Details() {
			_, is := d.(*errdetails.PreconditionFailure)
			pre = pre || is
		}
		if pre != (c == codes.FailedPrecondition) {
			t.Errorf("%s: PreconditionFailure is %v", reason, pre)
		}
	}
}

func TestErrorsCarryTheirDetails(t *testing.T) {
	st := refusal(&autoscaling.Error{
		Reason: autoscaling.Cooldown, Message: "cooling down", Resource: web, RetryAfter: 5 * time.Second,
		Metadata: map[string]string{"activity": web + "/activities/7"},
	})
	if d := detail[*errdetails.RetryInfo](t, st); d.GetRetryDelay().AsDuration() != 5*time.Second {
		t.Error(d)
	}
	if d := detail[*errdetails.ResourceInfo](t, st); d.GetResourceName() != web || d.GetResourceType() != "autoscaling/groups" {
		t.Error(d)
	}
	if d := detail[*errdetails.ErrorInfo](t, st); d.GetMetadata()["activity"] != web+"/activities/7" || d.GetDomain() != "autoscaling" {
		t.Error(d)
	}
	if d := detail[*errdetails.PreconditionFailure](t, st); d.GetViolations()[0].GetType() != "COOLDOWN" {
		t.Error(d)
	}
	st = refusal(autoscaling.FieldErrorf("min_size", "is above max_size"))
	if d := detail[*errdetails.BadRequest](t, st); d.GetFieldViolations()[0].GetField() != "min_size" {
		t.Error(d)
	}
	if d := detail[*errdetails.RetryInfo](t, refusal(autoscaling.Errorf(autoscaling.NoLeader, "none"))); d.GetRetryDelay().AsDuration() <= 0 {
		t.Error(d)
	}
}

func TestOtherErrorsAreInternalWithAnIDOnly(t *testing.T) {
	st, known := toStatus(errors.New("password is hunter2"), "id-7")
	if known || st.Code() != codes.Internal || st.Message() != "internal error id-7" {
		t.Errorf("%v %v", known, st)
	}
	if d := detail[*errdetails.ErrorInfo](t, st); d.GetMetadata()["id"] != "id-7" || d.GetReason() != "INTERNAL" {
		t.Error(d)
	}
}

func TestContextErrorsAndStatusesStayWhatTheyAre(t *testing.T) {
	for err, want := range map[error]codes.Code{
		context.Canceled:                          codes.Canceled,
		fmt.Errorf("x: %w", context.Canceled):     codes.Canceled,
		context.DeadlineExceeded:                  codes.DeadlineExceeded,
		status.Error(codes.ResourceExhausted, ""): codes.ResourceExhausted,
	} {
		if st, known := toStatus(err, "id"); !known || st.Code() != want {
			t.Errorf("%v: %v, want %v", err, st, want)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	st := refusal(autoscaling.FieldErrorf("f", "%s", strings.Repeat("ä", 5000)))
	if len(st.Message()) > maxMessage+8 || !utf8.ValidString(st.Message()) {
		t.Errorf("%d bytes", len(st.Message()))
	}
}
