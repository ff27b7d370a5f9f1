package explain

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Instance explains why the instance was launched, why it is where it is, what
// happens next, and why it left.
func Instance(r fsm.Reader, i *autoscaling.Instance, now autoscaling.Time) Explanation {
	t := newTeller(r, r.Group(i.Group), now)
	t.origin(i)
	t.history(i)
	t.leaving(i)
	t.present(i)
	t.trouble(i)
	t.next(i)
	return Explanation{
		Resource:   autoscaling.InstanceResource(t.group.Namespace, t.group.ID, i.ID),
		Summary:    t.summary(i),
		Statements: t.statements,
	}
}

// summary is the instance in one sentence.
func (t *teller) summary(i *autoscaling.Instance) string {
	s := fmt.Sprintf("%s is %s since %s", i.ID, i.State, at(i.StateTime))
	if late, _ := t.late(i); late {
		s += ", and late"
	}
	switch {
	case i.Leaving != 0 && !i.State.Final():
		s += ": " + because(t.by(i.Leaving)+" takes it out", t.chosen(i.Leaving, i.ID))
	case i.Leaving != 0:
		s += ": " + because(t.by(i.Leaving)+" took it out", t.chosen(i.Leaving, i.ID))
	case i.Failure != "":
		s += ": its launch failed: " + i.Failure
	case i.Moving != 0:
		s += ": " + t.by(i.Moving) + " moves it"
	case i.Activity != 0:
		s += ": " + because(t.by(i.Activity)+" brought it in", t.causeOf(i.Activity))
	}
	return s + "."
}

// origin is why it is there at all.
func (t *teller) origin(i *autoscaling.Instance) {
	verb := "launched"
	if i.Origin == autoscaling.OriginAttached {
		verb = "machine " + i.MachineID + " was attached"
	}
	if i.Activity == 0 {
		t.say(Origin, fmt.Sprintf("%s at %s; by which activity is not known", verb, at(i.CreateTime)), i.CreateTime)
	} else {
		t.say(Origin, because(fmt.Sprintf("%s at %s by %s", verb, at(i.CreateTime), t.by(i.Activity)), t.causeOf(i.Activity)),
			i.CreateTime, t.linksOf(i.Activity)...)
		t.say(Origin, t.asked(i.Activity), 0, t.linksOf(i.Activity)...)
	}
	if i.Replaces != "" {
		t.say(Origin, fmt.Sprintf("it takes the place of instance %s as soon as it serves", i.Replaces), 0, t.instanceLink(i.Replaces))
	}
	t.madeFrom(i)
}

func (t *teller) madeFrom(i *autoscaling.Instance) {
	var links []Link
	s := "configuration " + string(i.Configuration)
	if c := t.Configuration(i.Configuration); c != nil {
		s = "configuration " + c.ID
		links = append(links, t.configurationLink(c))
	}
	s = fmt.Sprintf("it was made from %s, version %d, at provider %s in zone %s", s, i.Version, i.Provider, i.Zone)
	if i.Origin == autoscaling.OriginAttached {
		s = fmt.Sprintf("its machine was made by somebody else, at provider %s", i.Provider)
		if !i.Entrusted {
			s += ", and is not entrusted to the service: it is let go alive when the instance leaves"
		}
	} else if i.InstanceType != "" {
		s += ", as " + i.InstanceType
	}
	if n := len(i.Tried); n > 0 {
		s += fmt.Sprintf("; %s before had no room", number(n, "place"))
	}
	t.say(Origin, s, 0, links...)
}

// history is what a reader wants to know of the time since, besides where it
// went: the timeline has all of it.
func (t *teller) history(i *autoscaling.Instance) {
	for _, e := range i.Timeline {
		if e.State == autoscaling.InService && e.Step == autoscaling.StepNone {
			t.say(History, fmt.Sprintf("it entered service at %s, %s after it was asked for", at(e.Time), span(e.Time.Sub(i.CreateTime))), e.Time)
			break
		}
	}
	for n := range i.Waits {
		if w := &i.Waits[n]; !w.Open() {
			t.say(History, fmt.Sprintf("hook %s held it for %s and ended with %s: %s", w.Hook, span(w.EndTime.Sub(w.StartTime)), w.Result, saidBy(w)), w.EndTime, t.hookLink(w.Hook))
		}
	}
	if i.Released {
		t.say(History, fmt.Sprintf("our mark was taken off machine %s, which lives on", i.MachineID), 0)
	}
}

// saidBy says who ended a wait.
func saidBy(w *autoscaling.HookWait) string {
	switch w.EndedBy {
	case "deadline":
		return "nobody had completed it when its deadline passed"
	case "machine":
		return "the machine ended"
	case "removal":
		return "the instance was removed"
	case "another hook":
		return "another hook had decided"
	case "skip_hooks":
		return "the group is deleted with skip_hooks"
	case "":
		return "by a caller who gave no name"
	}
	return "said " + w.EndedBy
}

// leaving is why it left, or is about to.
func (t *teller) leaving(i *autoscaling.Instance) {
	if i.Failure != "" {
		t.say(End, "its launch failed: "+i.Failure, 0)
	}
	if i.Leaving == 0 {
		return
	}
	s := "it leaves by " + t.by(i.Leaving)
	if i.State.Final() {
		s = "it left by " + t.by(i.Leaving)
	}
	t.say(End, because(s, t.causeOf(i.Leaving)), 0, t.linksOf(i.Leaving)...)
	t.say(End, t.asked(i.Leaving), 0, t.linksOf(i.Leaving)...)
	if why := t.chosen(i.Leaving, i.ID); why != "" {
		t.say(End, "it was chosen because: "+why, 0)
	}
	if i.UnhealthyReason != "" {
		t.say(End, fmt.Sprintf("it was found unhealthy (by %s) at %s: %s", i.UnhealthySource, at(i.UnhealthySince), i.UnhealthyReason), i.UnhealthySince)
	}
	if i.LoweredDesired {
		t.say(End, "desired was lowered by what it counted for, so nobody takes its place", 0)
	}
	for other := range t.Instances(i.Group) {
		if other.Replaces == i.ID {
			t.say(End, fmt.Sprintf("instance %s takes its place", other.ID), 0, t.instanceLink(other.ID))
		}
	}
}
