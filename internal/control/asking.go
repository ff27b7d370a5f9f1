package control

import (
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// asking is a request for capacity on its way through the one entry point: who
// asks for what, and what it is that may refuse it.
type asking struct {
	trigger autoscaling.Trigger
	kind    autoscaling.ActivityKind // of the record, when it is refused
	subject string                   // id of the rule or task, for events
	// who says who did what, e.g. "alarm task cpu-high executed rule add-two"; why
	// is what made them, may be empty.
	who, why string
	// cooldown is what the activity starts; 0: the kind starts none.
	cooldown time.Duration

	ifPaused   bool // accepted by a paused group, to act on resume
	whileBusy  bool // accepted while an activity runs that blocks simple rules
	inCooldown bool // accepted during a cooldown, unless its scope is ALL

	announced bool // its TRIGGER_FIRED is written
}

// manual is a person's or program's request to change a group.
func manual(c Caller, did string) asking {
	return asking{
		trigger: autoscaling.Trigger{Kind: autoscaling.TriggerManual, Principal: c.Principal, RequestID: c.RequestID},
		who:     c.name() + " " + did,
	}
}

func (c Caller) name() string {
	if c.Principal == "" {
		return "a caller"
	}
	return c.Principal
}

// cause is the sentence of an activity that moves desired.
func (a *asking) cause(from, to int32) string {
	s := a.who + ": desired " + decimal(from) + " → " + decimal(to)
	if from == to {
		s = a.who + ": desired stays " + decimal(to)
	}
	if a.why != "" {
		s += " (" + a.why + ")"
	}
	return s
}

// fired writes the first line of the workflow, once.
func (a *asking) fired(tx *fsm.Tx, g *autoscaling.Group) {
	if a.announced {
		return
	}
	a.announced = true
	message := a.who
	if a.why != "" {
		message += " (" + a.why + ")"
	}
	e := groupEvent(g, autoscaling.EventTriggerFired, a.subject, message)
	e.Details = details("trigger", string(a.trigger.Kind), "source", a.trigger.Source, "rule", a.trigger.Rule, "principal", a.trigger.Principal)
	tx.Emit(e)
}

// details are an event's, without the empty ones.
func details(pairs ...string) map[string]string {
	m := map[string]string{}
	for n := 0; n+1 < len(pairs); n += 2 {
		if pairs[n+1] != "" {
			m[pairs[n]] = pairs[n+1]
		}
	}
	return m
}
