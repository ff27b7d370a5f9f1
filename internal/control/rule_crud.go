package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateRuleRequest asks for a new rule. Of Rule, Disabled and the kind are read.
type CreateRuleRequest struct {
	Caller
	Parent GroupName
	NewMeta
	Rule autoscaling.Rule
}

// UpdateRuleRequest asks for a change of a rule. Change edits a copy; replace
// Simple instead of changing it in place.
type UpdateRuleRequest struct {
	Caller
	Name   ChildName
	Etag   string
	Change func(*autoscaling.Rule) error
}

// DeleteRuleRequest asks to delete a rule.
type DeleteRuleRequest struct {
	Caller
	Name ChildName
	Etag string
}

// CreateRule makes a rule.
func (o Operations) CreateRule(tx *fsm.Tx, req CreateRuleRequest) (*autoscaling.Rule, error) {
	panic("control: being written")
}

// UpdateRule changes a rule.
func (o Operations) UpdateRule(tx *fsm.Tx, req UpdateRuleRequest) (*autoscaling.Rule, error) {
	panic("control: being written")
}

// DeleteRule is refused with IN_USE while a task names the rule.
func (o Operations) DeleteRule(tx *fsm.Tx, req DeleteRuleRequest) error {
	panic("control: being written")
}
