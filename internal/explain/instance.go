package explain

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Instance explains why the instance was launched, why it is where it is, what
// happens next, and why it left.
func Instance(r fsm.Reader, i *autoscaling.Instance, now autoscaling.Time) Explanation {
	return Explanation{}
}
