package control

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// LaunchFailure is a provider's refusal to make or start an instance's machine.
type LaunchFailure struct {
	Group    autoscaling.UID
	Instance autoscaling.InstanceID
	// OutOfCapacity: this zone or type has no room; the next is tried at once.
	OutOfCapacity bool
	Message       string
}

// ReportLaunchFailed gives the launch up, or goes on in the next zone or with the
// next type when there was no room.
func (o Operations) ReportLaunchFailed(tx *fsm.Tx, r LaunchFailure) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil || i.State != autoscaling.Pending || (i.Step != autoscaling.StepCreate && i.Step != autoscaling.StepStart) {
		return nil
	}
	if r.OutOfCapacity && i.Origin != autoscaling.OriginAttached && i.Step == autoscaling.StepCreate && tryElsewhere(tx, i, r.Message) {
		return nil
	}
	failLaunch(tx, i, r.Message)
	return nil
}

// tryElsewhere moves a launch to the next placement that it has not tried: first
// the other types of the zone, then the other zones. Every refusal backs off its
// placement and is kept on the activity.
func tryElsewhere(tx *fsm.Tx, i *autoscaling.Instance, reason string) bool {
	g := tx.Group(i.Group)
	v := tx.ConfigurationVersion(i.Configuration, i.Version)
	if g == nil || v == nil {
		return false
	}
	here := autoscaling.Placement{Zone: i.Zone, InstanceType: i.InstanceType}
	tried := append(slices.Clone(i.Tried), here)
	next, ok := nextPlacement(g, v, here, tried, heaviest(tx, g, v, i), tiedToZone(tx, i))
	if !ok {
		return false
	}
	holdPlacement(tx, g, i, reason)
	noteOnActivity(tx, i.Activity, fmt.Sprintf("%s: %s", placeName(here), reason))
	c := *i
	c.Tried = tried
	c.Zone, c.InstanceType = next.Zone, next.InstanceType
	c.Weight = weightOf(v, next.InstanceType)
	c.RetryTime = 0
	message := fmt.Sprintf("no room in %s, next: %s", placeName(here), placeName(next))
	c.StatusReason = message
	note(tx, &c, autoscaling.StepCreate, message)
	put(tx, &c)
	tx.Emit(instanceEvent(tx, &c, autoscaling.EventLaunchFailed, message))
	return true
}

func placeName(p autoscaling.Placement) string {
	if p.InstanceType == "" {
		return "zone " + p.Zone
	}
	return "zone " + p.Zone + " for type " + p.InstanceType
}

// nextPlacement goes through the types of the zone, then through the zones in
// the group's order, starting behind the zone that was first. Types that count for
// more than heaviest are left out; where it is tied to its zone, other zones.
func nextPlacement(g *autoscaling.Group, v *autoscaling.ConfigurationVersion, here autoscaling.Placement, tried []autoscaling.Placement, heaviest int32, tied bool) (autoscaling.Placement, bool) {
	types := typesOf(v)
	start := max(slices.IndexFunc(g.Zones, func(z autoscaling.Zone) bool { return z.Name == here.Zone }), 0)
	for n := range g.Zones {
		if tied && n > 0 {
			break
		}
		zone := g.Zones[(start+n)%len(g.Zones)].Name
		for _, t := range types {
			p := autoscaling.Placement{Zone: zone, InstanceType: t.Type}
			if t.Weight <= heaviest && !slices.Contains(tried, p) {
				return p, true
			}
		}
	}
	return autoscaling.Placement{}, false
}

// tiedToZone says whether the launch is of use in its zone only: it is to make
// the zones even.
func tiedToZone(tx *fsm.Tx, i *autoscaling.Instance) bool {
	a := tx.Activity(i.Activity)
	return i.Replacing() && a != nil && a.Kind == autoscaling.Rebalance
}

// heaviest is what the instance may count for after it moved to another type: by
// the runaway bound no more than now and what is left of the bound.
func heaviest(tx *fsm.Tx, g *autoscaling.Group, v *autoscaling.ConfigurationVersion, i *autoscaling.Instance) int32 {
	if i.Replacing() || !slices.ContainsFunc(typesOf(v), func(t autoscaling.InstanceType) bool { return t.Weight > i.Capacity() }) {
		return i.Capacity() // without a look at everybody
	}
	var u autoscaling.Usage
	for other := range tx.Instances(g.UID) {
		u.Add(other)
	}
	room, _ := u.Room(&g.GroupSpec)
	return i.Capacity() + room
}

func weightOf(v *autoscaling.ConfigurationVersion, name string) int32 {
	for _, t := range v.Template.InstanceTypes {
		if t.Type == name {
			return t.Weight
		}
	}
	return 0
}

// holdPlacement backs off one placement without counting a failed launch: the
// launch goes on elsewhere.
func holdPlacement(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance, reason string) {
	c := *g
	c.Backoffs = backOff(c.Backoffs, tx.Now(), i, reason)
	tx.PutGroup(&c)
}

// maxNotes bounds the notes of an activity; equal ones are kept once.
const maxNotes = 20

func noteOnActivity(tx *fsm.Tx, id autoscaling.ActivityID, text string) {
	countActivity(tx, id, func(a *autoscaling.Activity) {
		if len(a.Notes) < maxNotes && !slices.Contains(a.Notes, text) {
			a.Notes = append(slices.Clone(a.Notes), text)
		}
	})
}

// failLaunch gives up an instance on its way into service, rolls back what was
// done for it, and holds back further launches of its kind. The activity goes on
// with the others. One that served before, and comes back from standby or by a
// ROLLBACK, says nothing about launches.
func failLaunch(tx *fsm.Tx, i *autoscaling.Instance, reason string) {
	c := *i
	by := launchedBy(&c)
	c.Moving = 0
	if !c.Served {
		c.Failure = reason
		if c.Origin != autoscaling.OriginAttached { // an attached one says nothing about launches
			countLaunchFailure(tx, &c, reason)
		}
		tx.Emit(instanceEvent(tx, &c, autoscaling.EventLaunchFailed, reason))
	}
	enter(tx, &c, firstOfFailure(c.State), reason)
	countActivity(tx, by, func(a *autoscaling.Activity) {
		a.LaunchesFail++
		if i.Served {
			addMoveOutcome(tx, a, &c, autoscaling.OutcomeFailed, reason)
		}
	})
	settle(tx, by)
}

// firstOfFailure is where the table sends a launch that failed.
func firstOfFailure(s autoscaling.InstanceState) autoscaling.InstanceState {
	switch s {
	case autoscaling.Initial:
		return autoscaling.Terminated
	case autoscaling.PendingProceed:
		return autoscaling.Terminating
	}
	return autoscaling.TerminatingProceed
}

// countLaunchFailure records the failure on the group: the count in a row, the
// back-off of its kind, and from launch_failure_limit on LAUNCH_SUSPENDED. An
// instance that was never begun says nothing about launches.
func countLaunchFailure(tx *fsm.Tx, i *autoscaling.Instance, reason string) {
	g := tx.Group(i.Group)
	if g == nil || i.State == autoscaling.Initial {
		return
	}
	c := *g
	c.LaunchFailures++
	c.LastLaunchError = reason
	c.Backoffs = backOff(c.Backoffs, tx.Now(), i, reason)
	if limit := failureLimit(g); c.LaunchFailures >= limit {
		raise(tx, &c, autoscaling.ConditionLaunchSuspended, "LAUNCHES_FAIL",
			fmt.Sprintf("%d launches in a row failed; one instance at a time is tried until one works. Last error: %s", c.LaunchFailures, reason))
	}
	tx.PutGroup(&c)
}

// failureLimit is launch_failure_limit.
func failureLimit(g *autoscaling.Group) int32 {
	if g.LaunchFailureLimit > 0 {
		return g.LaunchFailureLimit
	}
	return autoscaling.DefaultGroupSpec().LaunchFailureLimit
}

// backOff answers the group's back-offs with one more failure of the instance's
// kind. Failures inside a back-off are of the same wave and do not lengthen it.
func backOff(all []autoscaling.Backoff, now autoscaling.Time, i *autoscaling.Instance, reason string) []autoscaling.Backoff {
	if autoscaling.BackoffHolds(all, i.Provider, i.Zone, i.InstanceType, now) {
		return all
	}
	return autoscaling.FailBackoff(all, i.Group, i.Provider, i.Zone, i.InstanceType, reason, now)
}

// jittered doubles from least to most with each failure, less up to a quarter by
// the seed: the jitter of a pure function comes from the name of what failed.
func jittered(least, most time.Duration, failures int32, seed string) time.Duration {
	d := most
	if n := max(failures-1, 0); n < 20 {
		d = min(most, least<<n)
	}
	h := fnv.New32a()
	h.Write([]byte(seed))
	return d - time.Duration(h.Sum32()%256)*d/1024
}

// launchWorked forgets the failures: the next launch need not wait.
func launchWorked(tx *fsm.Tx, i *autoscaling.Instance) {
	g := tx.Group(i.Group)
	if g == nil || i.Origin == autoscaling.OriginAttached || (g.LaunchFailures == 0 && len(g.Backoffs) == 0) {
		return
	}
	c := *g
	c.LaunchFailures = 0
	c.LastLaunchError = ""
	c.Backoffs = autoscaling.ClearBackoff(c.Backoffs, i.Provider, i.Zone, i.InstanceType)
	clearCondition(tx, &c, autoscaling.ConditionLaunchSuspended)
	tx.PutGroup(&c)
}
