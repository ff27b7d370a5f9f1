package control

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Launch back-off: exponential, and jittered by what fails so that groups do
// not come back together.
const (
	minLaunchBackoff = 5 * time.Second
	maxLaunchBackoff = 10 * time.Minute
)

// failLaunch gives up an instance that has not served, rolls back what was done
// for it, and holds back further launches of its kind. The activity goes on
// with the others.
func failLaunch(tx *fsm.Tx, i *autoscaling.Instance, reason string) {
	c := *i
	c.Failure = reason
	countLaunchFailure(tx, &c, reason)
	tx.Emit(instanceEvent(tx, &c, autoscaling.EventLaunchFailed, reason))
	enter(tx, &c, firstOfFailure(c.State), reason)
	countActivity(tx, c.Activity, func(a *autoscaling.Activity) { a.LaunchesFail++ })
	settle(tx, c.Activity)
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
	b := autoscaling.Backoff{Provider: i.Provider, Zone: i.Zone, Type: i.InstanceType}
	at, found := slices.BinarySearchFunc(all, b, compareBackoff)
	if found {
		b = all[at]
	}
	b.Error = reason
	if now >= b.Until {
		b.Failures++
		b.Until = now.Add(backoffFor(b.Failures, string(i.ID)))
	}
	all = slices.Clone(all)
	if found {
		all[at] = b
		return all
	}
	return slices.Insert(all, at, b)
}

func compareBackoff(a, b autoscaling.Backoff) int {
	return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Zone, b.Zone), strings.Compare(a.Type, b.Type))
}

// backoffFor doubles from min to max, less up to a quarter by the seed: pure, so
// the jitter comes from the name of what failed.
func backoffFor(failures int32, seed string) time.Duration {
	return jittered(minLaunchBackoff, maxLaunchBackoff, failures, seed)
}

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
	if g == nil || (g.LaunchFailures == 0 && len(g.Backoffs) == 0) {
		return
	}
	c := *g
	c.LaunchFailures = 0
	c.LastLaunchError = ""
	c.Backoffs = slices.DeleteFunc(slices.Clone(c.Backoffs), func(b autoscaling.Backoff) bool {
		return b.Provider == i.Provider && b.Zone == i.Zone && b.Type == i.InstanceType
	})
	clearCondition(tx, &c, autoscaling.ConditionLaunchSuspended)
	tx.PutGroup(&c)
}
