package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
)

// late says whether the instance is past its deadline, and since when.
func (t *teller) late(i *autoscaling.Instance) (bool, autoscaling.Time) {
	late, since := control.Overdue(t.group, i, t.now)
	return late, since
}

// present is where it is, and what that means. The words are the lifecycle's
// own, so no state is without any.
func (t *teller) present(i *autoscaling.Instance) {
	row := i.State.Row()
	t.say(Present, fmt.Sprintf("since %s it is %s: %s", at(i.StateTime), i.State, row.Meaning), i.StateTime)
	if i.State.Final() {
		return
	}
	if i.Step != autoscaling.StepNone {
		s := "it is at " + i.Step.String() + ": " + doing[i.Step]
		if i.StatusReason != "" {
			s += "; what was last said of it: " + i.StatusReason
		}
		t.say(Present, s, 0)
	} else if i.StatusReason != "" {
		t.say(Present, "what was last said of it: "+i.StatusReason, 0)
	}
	if i.Moving != 0 {
		t.say(Present, because("it is moved by "+t.by(i.Moving), t.causeOf(i.Moving)), 0, t.linksOf(i.Moving)...)
	}
	t.say(Present, places(i), 0)
	switch {
	case i.State != autoscaling.InService:
	case t.now < i.GraceUntil:
		t.say(Present, "failing checks of balancer and probe do not count before "+at(i.GraceUntil)+", when its grace period ends", i.GraceUntil)
	case i.Health == autoscaling.HealthHealthy:
		t.say(Present, "it is healthy", 0)
	}
	if i.Protected {
		t.say(Present, "it is protected from scale-in", 0)
	}
	if i.LifetimeUntil != 0 && i.State == autoscaling.InService {
		t.say(Next, "it is replaced for its age after "+at(i.LifetimeUntil), i.LifetimeUntil)
	}
}

// doing is what is done at each step.
var doing = map[autoscaling.Step]string{
	autoscaling.StepCreate:   "its machine is made, or taken over",
	autoscaling.StepAllow:    "its address is put into the access lists",
	autoscaling.StepStart:    "its machine is started",
	autoscaling.StepRegister: "it is registered with the load balancers",
	autoscaling.StepCheck:    "health checks have to say yes",
	autoscaling.StepDrain:    "it gets no new traffic, and open requests finish",
	autoscaling.StepStop:     "its machine is stopped",
	autoscaling.StepRevoke:   "its address is taken off the access lists",
	autoscaling.StepDelete:   "its machine is deleted",
	autoscaling.StepHooks:    "lifecycle hooks hold it",
	autoscaling.StepRelease:  "our mark is taken off its machine",
}

var attachment = map[autoscaling.AttachmentState]string{
	autoscaling.AttachmentAdding:   "being added",
	autoscaling.AttachmentActive:   "in it",
	autoscaling.AttachmentDraining: "draining",
	autoscaling.AttachmentRemoving: "being removed",
}

// places are the pools and lists that it is in, or on its way into or out of.
func places(i *autoscaling.Instance) string {
	var parts []string
	for _, l := range i.AccessLists {
		if how := attachment[l.State]; how != "" {
			parts = append(parts, fmt.Sprintf("access list %s/%s (%s)", l.Provider, l.List, how))
		}
	}
	for _, b := range i.Balancers {
		if how := attachment[b.State]; how != "" {
			if b.State == autoscaling.AttachmentActive && b.Checked && !b.Healthy {
				how = "in it, and found unhealthy"
			}
			parts = append(parts, fmt.Sprintf("pool %s/%s (%s)", b.Provider, b.Pool, how))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "outside it is known in " + list(parts)
}

// trouble is what is wrong with it, or holds it back.
func (t *teller) trouble(i *autoscaling.Instance) {
	if i.State.Final() {
		return
	}
	if late, since := t.late(i); late {
		t.say(Problem, "it is past its deadline since "+at(since), since)
	}
	if i.Health == autoscaling.HealthUnhealthy && i.Leaving == 0 {
		t.say(Problem, because(fmt.Sprintf("it is unhealthy (says %s) since %s", i.UnhealthySource, at(i.UnhealthySince)), i.UnhealthyReason), i.UnhealthySince)
		t.say(Problem, t.keptUnhealthy(i), 0)
	}
	if i.MissingSince != 0 {
		t.say(Problem, "the provider does not list its machine since "+at(i.MissingSince), i.MissingSince)
	}
	if i.Attempts > 0 {
		t.say(Problem, fmt.Sprintf("%s was tried %s without success", i.Step, number(i.Attempts, "time")), 0)
	}
	if i.State == autoscaling.Initial {
		t.held(i)
	}
}

// keptUnhealthy is why an unhealthy instance is not replaced now; "" when it is.
func (t *teller) keptUnhealthy(i *autoscaling.Instance) string {
	g := t.group
	switch {
	case i.State == autoscaling.Standby:
		return "on standby it is not replaced"
	case i.State != autoscaling.InService:
		return ""
	case suspended(g, autoscaling.ProcessReplaceUnhealthy):
		return "it is kept: the process REPLACE_UNHEALTHY is suspended"
	case i.Protected && g.KeepProtectedUnhealthy:
		return "it is kept: it is protected, and the group keeps protected instances also when they are unhealthy"
	case g.StormHeld && i.UnhealthySource != autoscaling.SourceProvider && i.UnhealthySource != autoscaling.SourceReport:
		return "it is kept: so many are unhealthy at once that the check is suspected, not the instances"
	}
	return ""
}

// held is why an INITIAL instance does not begin.
func (t *teller) held(i *autoscaling.Instance) {
	a := control.AdmissionOf(t.Reader, t.group, t.now)
	if ok, until := a.Admit(i); ok {
		return
	} else if until != 0 {
		t.say(Problem, because("its launch is held until "+at(until), t.group.LastLaunchError), until)
		return
	}
	for _, c := range t.group.Conditions {
		switch c.Type {
		case autoscaling.ConditionProviderDown, autoscaling.ConditionLaunchSuspended, autoscaling.ConditionBelowDesired:
			t.say(Problem, "its launch is held: "+c.Message, c.Time)
		}
	}
}

// next is what follows, who does it, and when at the latest.
func (t *teller) next(i *autoscaling.Instance) {
	row := i.State.Row()
	if i.State.Final() {
		t.say(Next, "nothing follows; the record is kept until "+at(i.EndTime.Add(control.RetainInstances)), i.EndTime.Add(control.RetainInstances))
		return
	}
	t.say(Next, fmt.Sprintf("%s; that is up to %s", strings.TrimPrefix(row.Next, "none: "), row.Owner), 0)
	if t.now < i.RetryTime {
		t.say(Next, fmt.Sprintf("%s is tried again at %s", i.Step, at(i.RetryTime)), i.RetryTime)
	}
	for n := range i.Waits {
		if w := &i.Waits[n]; w.Open() {
			t.say(Next, fmt.Sprintf("hook %s holds it until somebody completes it, or until %s: then %s is assumed", w.Hook, at(w.Deadline), w.DefaultResult), w.Deadline, t.hookLink(w.Hook))
		}
	}
	if deadline := control.DeadlineOf(t.group, i); t.now < deadline && row.Deadline != "" && i.Step != autoscaling.StepHooks {
		t.say(Next, fmt.Sprintf("at the latest at %s (%s)", at(deadline), row.Deadline), deadline)
	}
	t.ways(row)
}

// ways are those out of a state that somebody has to ask for.
func (t *teller) ways(row *autoscaling.Row) {
	var ways []string
	for n, e := range row.Exits {
		if e.Auto || e.Later || slices.ContainsFunc(row.Exits[:n], func(before autoscaling.Exit) bool { return before.To == e.To && !before.Auto }) {
			continue
		}
		var when []string
		for _, same := range row.Exits[n:] {
			if same.To == e.To && !same.Auto {
				when = append(when, same.When)
			}
		}
		ways = append(ways, fmt.Sprintf("%s (%s)", e.To, strings.Join(when, "; ")))
	}
	if len(ways) > 0 {
		t.say(Next, "others can send it to "+list(ways), 0)
	}
}

func suspended(g *autoscaling.Group, p autoscaling.Process) bool {
	for _, s := range g.Suspended {
		if s == p {
			return true
		}
	}
	return false
}
