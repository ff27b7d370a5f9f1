package explain

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// by names an activity with its kind: "activity 42 (SCALE_OUT)". One whose
// retention has ended is known by its number only.
func (t *teller) by(id autoscaling.ActivityID) string {
	if a := t.Activity(id); a != nil {
		return fmt.Sprintf("activity %d (%s)", id, a.Kind)
	}
	return fmt.Sprintf("activity %d (no longer kept)", id)
}

// causeOf is why the activity was, in its own words.
func (t *teller) causeOf(id autoscaling.ActivityID) string {
	if a := t.Activity(id); a != nil {
		return a.Cause
	}
	return ""
}

// linksOf are an activity and all that stands behind it: who or what asked, by
// which rule.
func (t *teller) linksOf(id autoscaling.ActivityID) []Link {
	links := []Link{t.activityLink(id)}
	a := t.Activity(id)
	if a == nil {
		return links
	}
	for _, ari := range []string{a.Trigger.Source, a.Trigger.Rule} {
		if l, ok := linkOfARI(ari); ok {
			links = append(links, l)
		}
	}
	if p := a.Trigger.Principal; p != "" {
		links = append(links, Link{Kind: "principal", Name: p})
	}
	return links
}

// asked says who or what asked for an activity; "" when the activity is not
// kept.
func (t *teller) asked(id autoscaling.ActivityID) string {
	a := t.Activity(id)
	if a == nil {
		return ""
	}
	source, _ := linkOfARI(a.Trigger.Source)
	s := fmt.Sprintf("activity %d was asked for by ", id)
	switch a.Trigger.Kind {
	case autoscaling.TriggerManual, autoscaling.TriggerCustom:
		who := a.Trigger.Principal
		if who == "" {
			who = "a caller who gave no name"
		}
		s += who
		if a.Trigger.RequestID != "" {
			s += ", with request " + a.Trigger.RequestID
		}
	case autoscaling.TriggerAlarm:
		s += "alarm task " + source.idOf()
	case autoscaling.TriggerScheduled:
		s += "scheduled task " + source.idOf()
	case autoscaling.TriggerHealthCheck:
		s += "a health check"
	default:
		s += "nobody: the service keeps the group as it is wanted"
	}
	if rule, ok := linkOfARI(a.Trigger.Rule); ok {
		s += ", by rule " + rule.idOf()
	}
	return s
}

// chosen is why the activity took this instance and no other; "" where it had no
// choice, or does not name so many.
func (t *teller) chosen(id autoscaling.ActivityID, i autoscaling.InstanceID) string {
	a := t.Activity(id)
	if a == nil {
		return ""
	}
	for _, v := range a.Victims {
		if v.Instance == i {
			return v.Why
		}
	}
	return ""
}

// progress is how far an activity is.
func progress(a *autoscaling.Activity) string {
	var parts []string
	if a.Launches > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d came in", a.LaunchesDone, a.Launches))
	}
	if n := a.LaunchesFail + a.LaunchesEnded; n > 0 {
		parts = append(parts, fmt.Sprintf("%d did not", n))
	}
	if a.Removals > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d went out", a.RemovalsDone, a.Removals))
	}
	if a.RemovalsEnded > 0 {
		parts = append(parts, fmt.Sprintf("%d stayed after all", a.RemovalsEnded))
	}
	if len(parts) == 0 {
		return "nothing has begun"
	}
	return list(parts)
}
