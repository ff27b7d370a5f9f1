package control

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// How long a sub-step's effect waits before it is tried again.
const (
	minEffectRetry = 500 * time.Millisecond
	maxEffectRetry = time.Minute
)

// EffectFailure is an effect that did not work, or of which nobody knows
// whether it did, and that will be tried again.
type EffectFailure struct {
	Group      autoscaling.UID
	Instance   autoscaling.InstanceID
	State      autoscaling.InstanceState // where the instance was when it began
	Step       autoscaling.Step
	Message    string
	RetryAfter time.Duration // at least; 0: by the number of tries
}

// ReportEffectFailed holds the current sub-step's effect for a while. The
// sub-step's own deadline is not moved.
func (o Operations) ReportEffectFailed(tx *fsm.Tx, r EffectFailure) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil || !at(i, r.State, r.Step) {
		return nil
	}
	c := *i
	c.Attempts++
	c.RetryTime = tx.Now().Add(max(r.RetryAfter, jittered(minEffectRetry, maxEffectRetry, c.Attempts, string(c.ID))))
	c.StatusReason = r.Message
	put(tx, &c)
	return nil
}
