package control

import (
	"github.com/asctl/as/internal/autoscaling"
)

// RefusalError is the error that the caller of a recorded refusal gets; nil for
// an activity that was not refused. Its metadata name the record.
func RefusalError(a *autoscaling.Activity) *autoscaling.Error {
	panic("control: being written")
}
