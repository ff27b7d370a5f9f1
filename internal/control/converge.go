package control

import (
	"errors"
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// gap is what to do about a group's capacity now.
type gap struct {
	launch, remove int32
	// conditions that should hold; those of gapConditions that are not here should not.
	conditions []autoscaling.Condition
	wake       autoscaling.Time // when waiting ends by itself
}

// gapConditions are the conditions that a gap decides about.
var gapConditions = []autoscaling.ConditionType{
	autoscaling.ConditionAboveDesired, autoscaling.ConditionBelowDesired,
	autoscaling.ConditionNoConfiguration, autoscaling.ConditionWaitingForRemoval,
}

func (w *gap) say(t autoscaling.ConditionType, reason, message string) {
	w.conditions = append(w.conditions, autoscaling.Condition{Type: t, Reason: reason, Message: message})
}

// wanted is the capacity that convergence keeps up: desired, or min in groups
// whose desired follows what is there.
func wanted(g *autoscaling.Group) int32 {
	if g.DesiredMode == autoscaling.DesiredFollows {
		return min(g.Min, g.Desired)
	}
	return g.Desired
}

// gapOf compares what is counted with what is wanted. It depends on the state
// and the time only, so deciding twice changes nothing.
func gapOf(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) gap {
	var w gap
	if hasNoConfiguration(r, g) {
		w.say(autoscaling.ConditionNoConfiguration, "NO_CONFIGURATION", noConfigurationMessage)
	}
	if g.State != autoscaling.GroupActive {
		return w
	}
	counted := standing(r, g.UID)
	switch {
	case counted < wanted(g):
		w.below(r, g, now, wanted(g)-counted)
	case counted > g.Desired:
		w.above(r, g, counted-g.Desired)
	default:
		w.crashing(r, g, now)
	}
	return w
}

const noConfigurationMessage = "the group has no configuration to make instances from"

// hasNoConfiguration says whether a group that is to stay has nothing to make
// instances from.
func hasNoConfiguration(r fsm.Reader, g *autoscaling.Group) bool {
	return (g.State == autoscaling.GroupActive || g.State == autoscaling.GroupPaused) &&
		(g.Configuration.ID == "" || r.ConfigurationByID(g.Namespace, g.Configuration.ID) == nil)
}

func (w *gap) below(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time, missing int32) {
	held := func(reason, message string) {
		w.say(autoscaling.ConditionBelowDesired, reason, fmt.Sprintf("%d missing: %s", missing, message))
	}
	if hasNoConfiguration(r, g) {
		return
	}
	switch {
	case suspends(g, autoscaling.ProcessLaunch):
		held("LAUNCH_SUSPENDED_BY_REQUEST", "the process LAUNCH is suspended")
		return
	case Holds(g, autoscaling.ConditionProviderDown):
		held("PROVIDER_UNREACHABLE", "the provider cannot be reached")
		return
	}
	if until, last := heldUntil(r, g, now); until != 0 {
		held("BACK_OFF", fmt.Sprintf("next launch at %s; last error: %s", until, last))
		w.wake = until
		return
	}
	if converging(r, g) {
		return
	}
	n := missing
	if Holds(g, autoscaling.ConditionLaunchSuspended) {
		by := r.Counts(g.UID)
		n = min(missing, max(0, 1-launching(by)))
	}
	var u autoscaling.Usage
	for i := range r.Instances(g.UID) {
		u.Add(i)
	}
	room, waiting := u.Room(&g.GroupSpec)
	if room < n && waiting {
		w.say(autoscaling.ConditionWaitingForRemoval, "BOUND_REACHED", "launches wait until machines that leave, or of which nobody knows, are gone")
	}
	if v := configurationOf(r, g); v != nil && room > 0 && room < lightest(v) {
		held("TOO_HEAVY", fmt.Sprintf("the lightest instance type counts for %d, and there is room for %d up to max_size and surge", lightest(v), room))
		return
	}
	if v := configurationOf(r, g); v != nil && room > 0 && room < lightestOpen(g, v, now) {
		w.wake = nextBackoff(g, now)
		held("BACK_OFF", fmt.Sprintf("there is room for %d up to max_size and surge; instance types that count for no more are held until %s", room, w.wake))
		return
	}
	w.launch = min(n, room)
}

// crashing says why instances that are there wait to begin.
func (w *gap) crashing(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) {
	if until, last := crashHold(r, g, now); until != 0 {
		w.say(autoscaling.ConditionBelowDesired, "CRASH_LOOP",
			fmt.Sprintf("machines end soon after they enter service: next launch at %s; the last: %s", until, last))
		w.wake = until
	}
}

// heldUntil is when the first placement of the group's configuration may be
// tried again; 0: one may be now.
func heldUntil(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) (autoscaling.Time, string) {
	if len(g.Backoffs) == 0 {
		return 0, ""
	}
	v := configurationOf(r, g)
	if v == nil {
		return 0, ""
	}
	types := v.Template.InstanceTypes
	if len(types) == 0 {
		types = []autoscaling.InstanceType{{}}
	}
	first, last := autoscaling.Time(0), ""
	for _, z := range g.Zones {
		for _, t := range types {
			b := autoscaling.FindBackoff(g.Backoffs, v.Template.Provider, z.Name, t.Type)
			if b == nil || now >= b.Until {
				return 0, ""
			}
			first, last = autoscaling.Earliest(first, b.Until), b.Error
		}
	}
	return first, last
}

// ProviderOf is the compute provider of the group's configuration; "" while it
// has none.
func ProviderOf(r fsm.Reader, g *autoscaling.Group) string {
	if v := configurationOf(r, g); v != nil {
		return v.Template.Provider
	}
	return ""
}

// configurationOf is the version that the group's launches use now.
func configurationOf(r fsm.Reader, g *autoscaling.Group) *autoscaling.ConfigurationVersion {
	line := r.ConfigurationByID(g.Namespace, g.Configuration.ID)
	if line == nil {
		return nil
	}
	version := g.Configuration.Version
	switch {
	case version != 0:
	case g.Configuration.UseDefault:
		version = line.Default
	default:
		version = line.Latest
	}
	return r.ConfigurationVersion(line.UID, version)
}

func (w *gap) above(r fsm.Reader, g *autoscaling.Group, excess int32) {
	if suspends(g, autoscaling.ProcessTerminate) {
		w.say(autoscaling.ConditionAboveDesired, "TERMINATE_SUSPENDED", fmt.Sprintf("%d too many: the process TERMINATE is suspended", excess))
		return
	}
	if converging(r, g) {
		return
	}
	found := int32(0)
	for _, i := range surplus(r, g, nil, excess) {
		found += i.Capacity()
	}
	if found < excess {
		w.say(autoscaling.ConditionAboveDesired, "PROTECTED", fmt.Sprintf("%d too many: those that are left are protected, or weigh too much", excess-found))
	}
	w.remove = found
}

// ConvergeDue says whether Converge would write, and else when to look again (0:
// when something changes).
func ConvergeDue(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) (bool, autoscaling.Time) {
	w := gapOf(r, g, now)
	return w.launch > 0 || w.remove > 0 || !w.shown(g), w.wake
}

// shown says whether the group's conditions are those of the gap.
func (w *gap) shown(g *autoscaling.Group) bool {
	for _, t := range gapConditions {
		want := w.condition(t)
		if (want != nil) != Holds(g, t) {
			return false
		}
		for _, is := range g.Conditions {
			if want != nil && is.Type == t && (is.Reason != want.Reason || is.Message != want.Message) {
				return false
			}
		}
	}
	return true
}

func (w *gap) condition(t autoscaling.ConditionType) *autoscaling.Condition {
	for n := range w.conditions {
		if w.conditions[n].Type == t {
			return &w.conditions[n]
		}
	}
	return nil
}

// Converge launches what is missing, or removes what is too much, in the one
// SYSTEM activity that a group may have; where it cannot, a condition says why.
func (o Operations) Converge(tx *fsm.Tx, group autoscaling.UID) error {
	g := tx.Group(group)
	if g == nil {
		return nil
	}
	w := gapOf(tx.Reader, g, tx.Now())
	if !w.shown(g) {
		w.show(tx, *g)
		g = tx.Group(group)
	}
	switch {
	case w.launch > 0:
		return o.converge(tx, *g, autoscaling.ScaleOut, w.launch)
	case w.remove > 0:
		return o.converge(tx, *g, autoscaling.ScaleIn, w.remove)
	}
	return nil
}

func (w *gap) show(tx *fsm.Tx, g autoscaling.Group) {
	for _, t := range gapConditions {
		if c := w.condition(t); c != nil {
			raise(tx, &g, t, c.Reason, c.Message)
		} else {
			clearCondition(tx, &g, t)
		}
	}
	tx.PutGroup(&g)
}

// ErrNothingChanged undoes a convergence that could do nothing after all.
var ErrNothingChanged = errors.New("nothing could be launched or removed")

func (o Operations) converge(tx *fsm.Tx, g autoscaling.Group, kind autoscaling.ActivityKind, n int32) error {
	counted := standing(tx.Reader, g.UID)
	a := autoscaling.Activity{Kind: kind, Trigger: autoscaling.Trigger{Kind: autoscaling.TriggerSystem}, From: counted}
	work := o.launch
	if kind == autoscaling.ScaleOut {
		a.To = counted + n
		a.Cause = fmt.Sprintf("counted capacity %d is below desired %d", counted, g.Desired)
	} else {
		a.To = counted - n
		a.Cause = fmt.Sprintf("counted capacity %d is above desired %d", counted, g.Desired)
		work = o.removeSurplus
	}
	opened := *o.openActivity(tx, &g, a)
	g.Converging = opened.ID
	if work(tx, &g, &opened, n) == 0 {
		return ErrNothingChanged
	}
	c := *tx.Group(g.UID)
	c.Converging = opened.ID
	tx.PutGroup(&c)
	settle(tx, opened.ID)
	return nil
}

// converging says whether the group's SYSTEM activity runs.
func converging(r fsm.Reader, g *autoscaling.Group) bool {
	a := r.Activity(g.Converging)
	return a != nil && a.Status == autoscaling.ActivityInProgress
}
