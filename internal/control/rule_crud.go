package control

import (
	"reflect"
	"slices"

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
	g, err := changeableGroup(tx, req.Parent)
	if err != nil {
		return nil, err
	}
	r := autoscaling.Rule{Meta: newMeta(tx, g.Namespace, req.NewMeta), Group: g.UID, Disabled: req.Rule.Disabled, Simple: req.Rule.Simple}
	if err := autoscaling.ValidateMeta("rule_id", &r.Meta); err != nil {
		return nil, err
	}
	if tx.Rule(g.UID, r.ID) != nil {
		return nil, alreadyExists(autoscaling.RuleResource(g.Namespace, g.ID, r.ID))
	}
	if err := checkRule(tx, &r); err != nil {
		return nil, err
	}
	if err := checkLimit("rules in group "+g.ID, tx.Rules(g.UID), MaxChildren); err != nil {
		return nil, err
	}
	r.UID = tx.NewUID()
	tx.PutRule(&r)
	tx.Emit(groupEvent(g, autoscaling.EventRuleCreated, r.ID, ""))
	showScaleIn(tx, g)
	return &r, nil
}

// UpdateRule changes a rule.
func (o Operations) UpdateRule(tx *fsm.Tx, req UpdateRuleRequest) (*autoscaling.Rule, error) {
	g, was, err := FindRule(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkChild(g, autoscaling.RuleResource(g.Namespace, g.ID, was.ID), req.Etag, &was.Meta); err != nil {
		return nil, err
	}
	r := *was
	if err := req.Change(&r); err != nil {
		return nil, err
	}
	r.Meta, r.Group = fixedMeta(was.Meta, r.Meta), was.Group
	if err := checkRule(tx, &r); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(r, *was) {
		return was, nil
	}
	touch(tx, &r.Meta)
	tx.PutRule(&r)
	tx.Emit(groupEvent(g, autoscaling.EventRuleUpdated, r.ID, ""))
	showScaleIn(tx, g)
	return &r, nil
}

// DeleteRule is refused with IN_USE while a task names the rule.
func (o Operations) DeleteRule(tx *fsm.Tx, req DeleteRuleRequest) error {
	g, r, err := FindRule(tx.Reader, req.Name)
	if err != nil {
		return err
	}
	resource := autoscaling.RuleResource(g.Namespace, g.ID, r.ID)
	if err := checkChild(g, resource, req.Etag, &r.Meta); err != nil {
		return err
	}
	if user := userOf(tx, g.UID, r.ID); user != "" {
		err := autoscaling.Errorf(autoscaling.InUse, "%s executes rule %s", user, r.ID)
		err.Resource = resource
		return err
	}
	tx.DeleteRule(g.UID, r.ID)
	tx.Emit(groupEvent(g, autoscaling.EventRuleDeleted, r.ID, ""))
	showScaleIn(tx, g)
	return nil
}

func checkRule(tx *fsm.Tx, r *autoscaling.Rule) error {
	if err := autoscaling.ValidateMeta("rule_id", &r.Meta); err != nil {
		return err
	}
	if err := autoscaling.ValidateRule(r); err != nil {
		return err
	}
	return checkExternalNames(&r.Meta, inGroups(tx.Groups(r.Namespace), func(r *autoscaling.Rule) *autoscaling.Meta { return &r.Meta }, tx.Rules))
}

// checkChild checks what every change of a group's child needs.
func checkChild(g *autoscaling.Group, resource, etag string, m *autoscaling.Meta) error {
	if err := checkChangeable(g); err != nil {
		return err
	}
	return checkEtag(resource, etag, m)
}

// userOf is a task that executes the rule, in words; "" when none does.
func userOf(tx *fsm.Tx, group autoscaling.UID, rule string) string {
	for a := range tx.AlarmTasks(group) {
		if slices.Contains(a.Rules, rule) {
			return "alarm task " + a.ID
		}
	}
	for t := range tx.ScheduledTasks(group) {
		if t.Rule == rule {
			return "scheduled task " + t.ID
		}
	}
	return ""
}

// showScaleIn says so when a group's rules can only make it larger.
func showScaleIn(tx *fsm.Tx, g *autoscaling.Group) {
	enabled, canShrink := false, false
	for r := range tx.Rules(g.UID) {
		enabled = enabled || !r.Disabled
		canShrink = canShrink || (!r.Disabled && r.CanScaleIn())
	}
	c := *tx.Group(g.UID)
	var changed bool
	if enabled && !canShrink {
		changed = raise(tx, &c, autoscaling.ConditionNoScaleIn, "RULES_ONLY_ADD", "none of the group's rules can make it smaller")
	} else {
		changed = clearCondition(tx, &c, autoscaling.ConditionNoScaleIn)
	}
	if changed {
		tx.PutGroup(&c)
	}
}
