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
	return storm(r, g) != g.StormHeld || len(replaceable(r, g)) > 0
}

// ReplaceUnhealthy removes unhealthy instances and launches others in their
// place, in one activity: at once where the provider or a person says so, at
// most a tenth of desired at a time where balancer or probe do. It also sets,
// and ends, the storm guard.
func (o Operations) ReplaceUnhealthy(tx *fsm.Tx, group autoscaling.UID) error {
	g := tx.Group(group)
	if g == nil || !ReplaceDue(tx.Reader, g, tx.Now()) {
		return nil
	}
	if guardStorm(tx, g) {
		g = tx.Group(group)
	}
	if sick := replaceable(tx.Reader, g); len(sick) > 0 {
		return o.replace(tx, g, sick)
	}
	return nil
}

func (o Operations) replace(tx *fsm.Tx, g *autoscaling.Group, sick []*autoscaling.Instance) error {
	capacity := tx.Counts(g.UID).Capacity
	group := *g
	a := *o.openActivity(tx, &group, autoscaling.Activity{
		Kind:    autoscaling.Replace,
		Trigger: autoscaling.Trigger{Kind: autoscaling.TriggerHealthCheck},
		Cause:   replaceCause(sick),
		From:    capacity, To: capacity,
	})
	gone := int32(0)
	for _, i := range sick {
		if beginRemoval(tx, &group, i, &a, "unhealthy: "+i.UnhealthyReason) {
			gone += i.Capacity()
		}
	}
	tx.PutActivity(&a)
	group = *tx.Group(g.UID)
	missing := group.Desired - tx.Counts(g.UID).Capacity
	if n := min(gone, missing); n > 0 && !suspends(&group, autoscaling.ProcessLaunch) {
		next := a
		o.launch(tx, &group, &next, n)
	}
	settle(tx, a.ID)
	return nil
}

func replaceCause(sick []*autoscaling.Instance) string {
	first := sick[0]
	if len(sick) == 1 {
		return fmt.Sprintf("instance %s is unhealthy, says %s: %s", first.ID, first.UnhealthySource, first.UnhealthyReason)
	}
	return fmt.Sprintf("%d instances are unhealthy; %s, says %s: %s", len(sick), first.ID, first.UnhealthySource, first.UnhealthyReason)
}

// replaceable are the unhealthy instances whose removal may begin now.
func replaceable(r fsm.Reader, g *autoscaling.Group) []*autoscaling.Instance {
	if g.State != autoscaling.GroupActive || suspends(g, autoscaling.ProcessReplaceUnhealthy) ||
		suspends(g, autoscaling.ProcessTerminate) || Holds(g, autoscaling.ConditionProviderDown) {
		return nil
	}
	soft := max(1, g.Desired/10) - replacing(r, g)
	var found []*autoscaling.Instance
	for i := range r.Instances(g.UID) {
		if i.State != autoscaling.InService || i.Health != autoscaling.HealthUnhealthy || (i.Protected && g.KeepProtectedUnhealthy) {
			continue
		}
		if isSoft(i.UnhealthySource) {
			if g.StormHeld || soft <= 0 {
				continue
			}
			soft--
		}
		if found = append(found, i); len(found) == maxReplacements {
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
