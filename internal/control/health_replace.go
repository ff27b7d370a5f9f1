package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// maxReplacements bounds the replacements that one pass begins at once.
const maxReplacements = 100

// minStorm is the least number of unhealthy instances that is a storm.
const minStorm = 3

// ReplaceDue says whether ReplaceUnhealthy would write.
func ReplaceDue(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) bool {
	if g.State != autoscaling.GroupActive {
		return false
	}
	if r.Counts(g.UID).Unhealthy == 0 {
		return g.StormHeld
	}
	return storm(r, g) != g.StormHeld || replaceable(r, g, now).some()
}

// ReplaceWake is when to look again although nothing changes: replacements that
// are launched first wait for the end of a back-off, and nobody else does. 0: never.
func ReplaceWake(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) autoscaling.Time {
	if g.State != autoscaling.GroupActive || r.Counts(g.UID).Unhealthy == 0 || !g.Maintenance.LaunchFirst() {
		return 0
	}
	return nextBackoff(g, now)
}

// ReplaceUnhealthy replaces unhealthy instances: at once where the provider or a
// person says so, at most a tenth of desired at a time (what min_healthy_percent
// leaves) where balancer or probe do. They are removed and others launched in one
// activity, unless the group launches first: then those whose machines still run
// stay until others serve in their place. It also sets, and ends, the storm guard.
func (o Operations) ReplaceUnhealthy(tx *fsm.Tx, group autoscaling.UID) error {
	g := tx.Group(group)
	if g == nil || !ReplaceDue(tx.Reader, g, tx.Now()) {
		return nil
	}
	if guardStorm(tx, g) {
		g = tx.Group(group)
	}
	sick := replaceable(tx.Reader, g, tx.Now())
	activity := autoscaling.Activity{Kind: autoscaling.Replace, Trigger: autoscaling.Trigger{Kind: autoscaling.TriggerHealthCheck}}
	if len(sick.remove) > 0 {
		activity.Cause = replaceCause(sick.remove)
		o.replace(tx, g, sick.remove, activity, unhealthyWhy)
		g = tx.Group(group)
		sick.retire = placedAgain(tx.Reader, g, tx.Now(), sick.retire)
	}
	if len(sick.retire) > 0 {
		activity.Cause = replaceCause(victimsOf(sick.retire))
		o.retire(tx, g, activity, sick.retire)
	}
	return nil
}

// placedAgain are those of the retirements that there is room for after others
// were launched.
func placedAgain(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time, all []retirement) (still []retirement) {
	places := prospectsOf(r, g, now)
	for _, was := range all {
		if places == nil {
			break
		}
		if placed, ok := places.place(was.victim, "", was.why); ok {
			still = append(still, placed)
		}
	}
	return still
}

func unhealthyWhy(i *autoscaling.Instance) string {
	return fmt.Sprintf("unhealthy, says %s: %s", i.UnhealthySource, i.UnhealthyReason)
}

func victimsOf(all []retirement) []*autoscaling.Instance {
	victims := make([]*autoscaling.Instance, len(all))
	for n, r := range all {
		victims[n] = r.victim
	}
	return victims
}

// replace removes the instances and launches as much as went, in one activity
// that begins as given.
func (o Operations) replace(tx *fsm.Tx, g *autoscaling.Group, out []*autoscaling.Instance, a autoscaling.Activity, why func(*autoscaling.Instance) string) {
	capacity := tx.Counts(g.UID).Capacity
	group := *g
	a.From, a.To = capacity, capacity
	opened := *o.openActivity(tx, &group, a)
	gone := int32(0)
	for _, i := range out {
		if beginRemoval(tx, &group, i, &opened, why(i)) {
			gone += i.Capacity()
		}
	}
	putActivity(tx, &opened)
	group = *tx.Group(g.UID)
	missing := group.Desired - standing(tx.Reader, g.UID)
	if n := min(gone, missing); n > 0 && !suspends(&group, autoscaling.ProcessLaunch) {
		o.launch(tx, &group, &opened, n)
	}
	settle(tx, opened.ID)
}

func replaceCause(sick []*autoscaling.Instance) string {
	first := sick[0]
	if len(sick) == 1 {
		return fmt.Sprintf("instance %s is unhealthy, says %s: %s", first.ID, first.UnhealthySource, first.UnhealthyReason)
	}
	return fmt.Sprintf("%d instances are unhealthy; %s, says %s: %s", len(sick), first.ID, first.UnhealthySource, first.UnhealthyReason)
}

// sick are the unhealthy instances whose replacement may begin now.
type sick struct {
	remove []*autoscaling.Instance // first, and then launch
	retire []retirement            // launch first
}

func (s sick) some() bool { return len(s.remove)+len(s.retire) > 0 }

// replaceable finds them. A machine that does not run is removed at once whatever
// the group's maintenance says: it is no capacity, and keeping it keeps addresses
// in lists and pools. So is everybody while LAUNCH is suspended: unhealthy
// instances are replaced on resume.
func replaceable(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) (found sick) {
	if g.State != autoscaling.GroupActive || suspends(g, autoscaling.ProcessReplaceUnhealthy) ||
		suspends(g, autoscaling.ProcessTerminate) || Holds(g, autoscaling.ConditionProviderDown) {
		return sick{}
	}
	soft := g.Dip() - replacing(r, g)
	launchFirst := g.Maintenance.LaunchFirst() && !suspends(g, autoscaling.ProcessLaunch)
	var places *prospects
	var gone map[autoscaling.InstanceID]bool
	if launchFirst {
		soft = g.Surge() - replacing(r, g)
		places, gone = prospectsOf(r, g, now), retiring(r, g.UID)
	}
	for i := range r.Instances(g.UID) {
		if i.State != autoscaling.InService || i.Health != autoscaling.HealthUnhealthy || (i.Protected && g.KeepProtectedUnhealthy) {
			continue
		}
		first := launchFirst && i.MachineRunning && !tooHeavy(r, g, i)
		if first && (places == nil || gone[i.ID]) {
			continue
		}
		if isSoft(i.UnhealthySource) {
			if g.StormHeld || soft <= 0 {
				continue
			}
			soft--
		}
		if !first {
			found.remove = append(found.remove, i)
		} else if placed, ok := places.place(i, "", unhealthyWhy(i)); ok {
			found.retire = append(found.retire, placed)
		}
		if len(found.remove)+len(found.retire) == maxReplacements {
			break
		}
	}
	return found
}

// replacing is how many replacements are under way.
func replacing(r fsm.Reader, g *autoscaling.Group) int32 {
	n := int32(0)
	for a := range r.RunningActivities(g.UID) {
		if a.Kind == autoscaling.Replace {
			n += max(a.Launches-a.LaunchesDone-a.LaunchesFail-a.LaunchesEnded, a.Removals-a.RemovalsDone)
		}
	}
	return n
}

// isSoft sources can be wrong about many at once.
func isSoft(s autoscaling.HealthSource) bool {
	return s == autoscaling.SourceBalancer || s == autoscaling.SourceProbe
}

// storm says whether so much of the group is unhealthy at once, by balancer,
// probe or report, that the cause is more likely the check than the instances.
func storm(r fsm.Reader, g *autoscaling.Group) bool {
	unhealthy := int32(0)
	for i := range r.Instances(g.UID) {
		if i.State == autoscaling.InService && i.Health == autoscaling.HealthUnhealthy && i.UnhealthySource != autoscaling.SourceProvider {
			unhealthy++
		}
	}
	threshold := g.HealthCheck.StormThreshold
	if threshold <= 0 {
		threshold = autoscaling.DefaultGroupSpec().HealthCheck.StormThreshold
	}
	return unhealthy >= minStorm && unhealthy*100 > g.Desired*threshold
}

// guardStorm sets or ends the guard; it answers whether it did.
func guardStorm(tx *fsm.Tx, g *autoscaling.Group) bool {
	held := storm(tx.Reader, g)
	if held == g.StormHeld {
		return false
	}
	c := *g
	c.StormHeld = held
	if held {
		raise(tx, &c, autoscaling.ConditionHealthStorm, "MANY_UNHEALTHY",
			fmt.Sprintf("more than %d%% of the group turned unhealthy; replacements by balancer or probe are held until the checks recover, or health_check.storm_threshold is raised", c.HealthCheck.StormThreshold))
	} else {
		clearCondition(tx, &c, autoscaling.ConditionHealthStorm)
	}
	tx.PutGroup(&c)
	return true
}
