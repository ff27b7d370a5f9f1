package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asctl/as/cmd/asctl/client"
)

// Exit codes. Scripts rely on them.
const (
	exitOK          = 0
	exitError       = 1 // the API's other errors, and ours
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 4 // conflict, or a precondition that does not hold
	exitAuth        = 5
	exitUnavailable = 6
	exitTimedOut    = 124
	exitInterrupted = 130
)

// usageError is a command line that cannot be understood; nothing was sent.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// coded is an error with an exit code of its own. Without an error nothing is
// printed.
type coded struct {
	code int
	err  error
}

func (e coded) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e coded) Unwrap() error { return e.err }

// interrupted makes whatever a Ctrl-C brought about the exit code of that.
func interrupted(err error) error {
	var c coded
	if errors.As(err, &c) {
		return err
	}
	return coded{code: exitInterrupted}
}

func exitCode(err error) int {
	var c coded
	var u usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &u):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	s, ok := apiStatus(err)
	if !ok {
		return exitError
	}
	switch s.Code() {
	case codes.NotFound:
		return exitNotFound
	case codes.AlreadyExists, codes.Aborted, codes.FailedPrecondition, codes.OutOfRange:
		return exitConflict
	case codes.Unauthenticated, codes.PermissionDenied:
		return exitAuth
	case codes.Unavailable, codes.DeadlineExceeded:
		return exitUnavailable
	}
	return exitError
}

// apiStatus is the API's answer within an error, if there is one.
func apiStatus(err error) (*status.Status, bool) {
	var s statusError
	if !errors.As(err, &s) {
		return nil, false
	}
	return s.GRPCStatus(), true
}

// statusError is what all errors of gRPC calls are.
type statusError interface {
	error
	GRPCStatus() *status.Status
}

// printError says what went wrong in one line, and in further ones what is known
// beside it.
func printError(out io.Writer, command *cobra.Command, err error) {
	if err == nil || err.Error() == "" {
		return
	}
	var u usageError
	if errors.As(err, &u) {
		fmt.Fprintf(out, "%s: %v\nSee '%s --help'.\n", command.CommandPath(), err, command.CommandPath())
		return
	}
	s, ok := apiStatus(err)
	if !ok {
		fmt.Fprintf(out, "asctl: %v\n", err)
		return
	}
	// What we said around the API's words is kept, gRPC's own wording is not.
	var api statusError
	errors.As(err, &api)
	text := strings.Replace(err.Error(), api.Error(), s.Message(), 1)
	fmt.Fprintf(out, "asctl: %s (%s)\n", text, label(s))
	var batch *batchError
	errors.As(err, &batch)
	for _, line := range hints(s, batch) {
		fmt.Fprintf(out, "  %s\n", line)
	}
}

// label is the most telling word for the error: its reason, else its code.
func label(s *status.Status) string {
	if reason := client.Reason(s.Err()); reason != "" {
		return reason
	}
	return strings.ToUpper(codeNames.ReplaceAllString(s.Code().String(), "${1}_${2}"))
}

func hints(s *status.Status, batch *batchError) []string {
	var lines []string
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.FieldViolations {
				// The first violation usually is in the message.
				told := v.Description
				if len(d.FieldViolations) > 1 {
					told = v.Field + ": " + v.Description
				}
				if batch != nil && len(d.FieldViolations) > 1 || !strings.Contains(s.Message(), told) {
					lines = append(lines, batch.name(v)+": "+v.Description)
				}
			}
		case *errdetails.RetryInfo:
			if delay := d.RetryDelay.AsDuration(); delay >= 1e9 {
				lines = append(lines, "retry after "+delay.Round(1e9).String())
			}
		case *errdetails.ErrorInfo:
			if name := d.Metadata["activity"]; name != "" {
				lines = append(lines, "on record: asctl activity get "+shortName(name))
			}
		}
	}
	return lines
}
