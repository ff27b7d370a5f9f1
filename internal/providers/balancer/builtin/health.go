package builtin

import (
	"time"

	"github.com/asctl/as/internal/autoscaling/text"
	"github.com/asctl/as/internal/providers"
)

// firstPause is between the first checks of a new target; it doubles up to the
// interval. A target that just started is soon ready.
const firstPause = 50 * time.Millisecond

// health is what the checks of one target came to.
type health struct {
	state   providers.TargetHealth
	message string
	good    int // successes in a row
	bad     int // failures in a row
	ever    bool
	pause   time.Duration
}

// note takes a check's outcome and answers whether the state changed.
func (h *health) note(err error, check HealthCheck) bool {
	before := h.state
	if err != nil {
		h.good, h.message = 0, text.Line(err.Error())
		if h.bad++; h.bad >= check.UnhealthyThreshold {
			h.state = providers.TargetUnhealthy
		}
		return h.state != before
	}
	h.bad, h.message = 0, ""
	if h.good++; !h.ever || h.good >= check.HealthyThreshold {
		h.state, h.ever = providers.TargetHealthy, true
	}
	return h.state != before
}

// next is how long until the next check.
func (h *health) next(check HealthCheck) time.Duration {
	if h.ever {
		return check.Interval
	}
	h.pause = min(max(2*h.pause, firstPause), check.Interval)
	return h.pause
}
