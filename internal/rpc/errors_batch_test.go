package rpc

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
)

func TestEachItemOfABatchThatStandsInTheWayIsNamed(t *testing.T) {
	st := refusal(&autoscaling.Error{Reason: autoscaling.NotFound, Message: "2 of 3 machines cannot be attached", Violations: []autoscaling.Violation{
		{Field: "machine_ids[0]", Message: "machine_ids[0]: there is no machine a"},
		{Field: "machine_ids[2]", Reason: autoscaling.InUse, Message: "machine c is in group web"},
	}})
	got := detail[*errdetails.BadRequest](t, st).GetFieldViolations()
	if len(got) != 2 || got[0].GetField() != "machine_ids[0]" || got[0].GetReason() != "NOT_FOUND" || got[0].GetDescription() != "there is no machine a" ||
		got[1].GetReason() != "IN_USE" || got[1].GetDescription() != "machine c is in group web" {
		t.Error(got)
	}
}

func TestTheErrorOfABigBatchFitsIntoHeaders(t *testing.T) {
	e := &autoscaling.Error{Reason: autoscaling.WrongState, Message: "none can"}
	for i := range 100 {
		e.Violations = append(e.Violations, autoscaling.Violation{Field: fmt.Sprintf("instances[%d]", i), Message: strings.Repeat("x", 900)})
	}
	st := refusal(e)
	got := detail[*errdetails.BadRequest](t, st).GetFieldViolations()
	if len(got) != 100 || got[99].GetField() != "instances[99]" || got[99].GetReason() != "WRONG_STATE" || got[0].GetDescription() == "" || got[99].GetDescription() != "" {
		t.Errorf("%d items: %v", len(got), got)
	}
	if size := proto.Size(st.Proto()); size > 12<<10 {
		t.Errorf("%d bytes", size)
	}
}
