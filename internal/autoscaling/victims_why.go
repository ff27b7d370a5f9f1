package autoscaling

import (
	"fmt"
	"strings"
)

// why says what set the victim apart from those that stay, in the order in which
// it was asked: only what left somebody out is told.
func (p *picking) why(v victim, byZone map[string][]victim) string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case v.State == Initial:
		say("not begun yet")
	case v.State.Launching() && !v.Served:
		say("still on its way in (%s)", v.State)
	}
	if v.Health == HealthUnhealthy {
		say("unhealthy")
	}
	if p.rules.Group.AttachedLast && v.Origin == OriginAttached {
		say("attached, and nobody else is left to go")
	}
	if !p.rules.Group.HasZone(v.Zone) {
		say("zone %s is no longer one of the group's", v.Zone)
	} else if zone := p.whyZone(v, byZone); zone != "" {
		parts = append(parts, zone)
	}
	parts = append(parts, p.whyPolicies(v, byZone[v.Zone])...)
	if len(parts) == 0 {
		return "nobody else could go"
	}
	return strings.Join(parts, "; ")
}

// whyZone says why its zone; "" when no other zone had a candidate.
func (p *picking) whyZone(v victim, byZone map[string][]victim) string {
	others, equal := 0, 0
	for z, left := range byZone {
		if z == v.Zone || len(left) == 0 {
			continue
		}
		others++
		if p.crowd[z] == p.crowd[v.Zone] {
			equal++
		}
	}
	total := int32(0)
	for _, n := range p.crowd {
		total += n
	}
	switch {
	case others == 0:
		return ""
	case p.rules.Group.ZonePolicy == ZonePriority:
		return "zone " + v.Zone + " is the last by priority"
	case equal > 0:
		return fmt.Sprintf("no zone is fuller than %s (%d of %d)", v.Zone, p.crowd[v.Zone], total)
	}
	return fmt.Sprintf("zone %s is the fullest (%d of %d)", v.Zone, p.crowd[v.Zone], total)
}

// whyPolicies goes through the filters among the zone's candidates, in their
// order with v as the first: each that left somebody out is told.
func (p *picking) whyPolicies(v victim, left []victim) []string {
	var parts []string
	add := func(text string) {
		if len(parts) > 0 {
			text = "then " + text
		}
		parts = append(parts, text)
	}
	for n, filter := range p.rules.filters() {
		same := 1 // candidates are sorted: the equal ones follow
		for same < len(left) && left[same].keys[n] == v.keys[n] {
			same++
		}
		if same < len(left) {
			add(p.rules.describe(filter, v))
		}
		left = left[:same]
	}
	if len(left) > 1 {
		add("lowest id")
	}
	return parts
}

func (r VictimRules) describe(filter TerminationRule, v victim) string {
	switch filter {
	case TerminateOldestConfiguration:
		if used := r.firstUse(v.Instance); used != 0 {
			return fmt.Sprintf("oldest configuration: version %d, used first %s", v.Version, day(used))
		}
		return fmt.Sprintf("oldest configuration: version %d, from before all that the group launches", v.Version)
	case TerminateOldestInstance:
		return "oldest, from " + day(v.CreateTime)
	case TerminateNewestInstance:
		return "newest, from " + day(v.CreateTime)
	case TerminateLeastBusy:
		return fmt.Sprintf("least busy (%.3g%%)", r.load(v.Instance))
	case TerminateRandomSeeded:
		return "drawn by RANDOM_SEEDED"
	}
	return string(filter)
}

// day is an instant for people, to the second.
func day(t Time) string { return t.Std().Format("2006-01-02T15:04:05Z") }
