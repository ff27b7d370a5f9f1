package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ExecuteRuleRequest asks for what a rule says. The rule is named by ARI or, when
// that is empty, by Name.
type ExecuteRuleRequest struct {
	Caller
	ARI  string
	Name ChildName
	// Trigger is CUSTOM for callers, which is also what "" means. ALARM and
	// SCHEDULED come from the service itself, with Source.
	Trigger autoscaling.TriggerKind
	Source  string // ARI of the task or alarm that asks
	// Why is what made the source ask, a sentence; it becomes part of the cause.
	Why           string
	HonorCooldown bool
	// MetricValue and BreachThreshold are for step rules; simple ones ignore them.
	MetricValue     *float64
	BreachThreshold *float64
}

// ExecuteRule is the one entry point of every trigger: scheduled tasks, alarms
// and callers. It answers with the activity that it opened, or with a recorded
// refusal.
func (o Operations) ExecuteRule(tx *fsm.Tx, req ExecuteRuleRequest) (*autoscaling.Activity, error) {
	panic("control: being written")
}
