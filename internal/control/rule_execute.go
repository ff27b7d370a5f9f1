package control

import (
	"fmt"
	"strings"

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
	name, err := ruleName(tx.Reader, req)
	if err != nil {
		return nil, err
	}
	g, rule, err := FindRule(tx.Reader, name)
	if err != nil {
		return nil, err
	}
	a := o.executing(tx.Reader, g, rule, req)
	if rule.Disabled {
		return o.refuse(tx, g, &a, refusef(autoscaling.WrongState, "rule %s of group %s is not enabled", rule.ID, g.ID)), nil
	}
	return o.adjust(tx, g, rule.Simple, &a), nil
}

// executing says who executes the rule, and what may refuse it: only alarms are
// held by a cooldown unless the request honours it.
func (o Operations) executing(r fsm.Reader, g *autoscaling.Group, rule *autoscaling.Rule, req ExecuteRuleRequest) asking {
	if req.Trigger == "" {
		req.Trigger = autoscaling.TriggerCustom
	}
	a := asking{
		trigger: autoscaling.Trigger{
			Kind: req.Trigger, Source: req.Source, Rule: autoscaling.RuleARI(clusterName(r), g.Namespace, g.ID, rule.ID),
			Principal: req.Principal, RequestID: req.RequestID,
		},
		kind:       autoscaling.ScaleOut,
		subject:    rule.ID,
		who:        fmt.Sprintf("%s executed rule %s", asker(req), rule.ID),
		why:        req.Why,
		cooldown:   g.DefaultCooldown,
		inCooldown: req.Trigger != autoscaling.TriggerAlarm && !req.HonorCooldown,
	}
	if rule.Simple.Adjustment < 0 {
		a.kind = autoscaling.ScaleIn
	}
	if rule.Simple.Cooldown != nil {
		a.cooldown = *rule.Simple.Cooldown
	}
	return a
}

// asker is the trigger in words, e.g. "alarm task cpu-high".
func asker(req ExecuteRuleRequest) string {
	source := req.Source
	if ari, err := autoscaling.ParseARI(req.Source); err == nil {
		source = ari.Path[strings.LastIndexByte(ari.Path, '/')+1:]
	}
	switch req.Trigger {
	case autoscaling.TriggerAlarm:
		return "alarm task " + source
	case autoscaling.TriggerScheduled:
		return "scheduled task " + source
	}
	return req.Caller.name()
}

// ruleName reads the ARI, which must be one of a rule of this cluster.
func ruleName(r fsm.Reader, req ExecuteRuleRequest) (ChildName, error) {
	if req.ARI == "" {
		return req.Name, nil
	}
	ari, err := autoscaling.ParseARI(req.ARI)
	if err != nil {
		return ChildName{}, autoscaling.FieldErrorf("ari", "%v", err)
	}
	group, rule, ok := strings.Cut(ari.Path, "/")
	if ari.Kind != autoscaling.KindRule || !ok || strings.Contains(rule, "/") {
		return ChildName{}, autoscaling.FieldErrorf("ari", "%q is not the ARI of a rule (ari:as:CLUSTER:NAMESPACE:rule/GROUP/RULE)", req.ARI)
	}
	if ari.Cluster != clusterName(r) {
		return ChildName{}, notFound(req.ARI)
	}
	return ChildName{Namespace: ari.Namespace, Group: group, ID: rule}, nil
}
