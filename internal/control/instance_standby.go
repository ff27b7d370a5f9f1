package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// EnterStandbyRequest asks to take instances out of traffic for a while.
type EnterStandbyRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids, 1 to MaxBatch
	// Decrement lowers desired by what they count; else others are launched in
	// their place.
	Decrement bool
}

// EnterStandby opens an ENTER_STANDBY activity, in which each instance is drained
// and deregistered. Their entries in access lists stay, and follow the group's.
// Nothing is terminated, so that TERMINATE does not hold it.
func (o Operations) EnterStandby(tx *fsm.Tx, req EnterStandbyRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Group)
	if err != nil {
		return nil, err
	}
	instances, err := named(tx, g, req.Instances, MaxBatch)
	if err != nil {
		return nil, err
	}
	a := manual(req.Caller, "put "+these(instances)+" of group "+g.ID+" on standby")
	a.kind = autoscaling.EnterStandby
	a.whileBusy, a.inCooldown = true, true
	counted := capacityOf(instances)
	to := g.Desired
	if req.Decrement {
		to -= counted
	}
	if r := firstRefusal(
		func() *refusal { return admit(tx, g, &a) },
		func() *refusal { return checkStates(instances, autoscaling.InService) },
		func() *refusal { return inBounds(g, to) },
	); r != nil {
		return o.refuse(tx, g, &a, r), nil
	}
	activity := o.openMove(tx, *g, to, &a)
	o.noteMissing(tx.Reader, g, activity)
	for _, i := range instances {
		c := *i
		c.Moving = activity.ID
		activity.Removals++
		walk(tx, g, &c, autoscaling.EnteringStandby, a.who)
		if c.State == autoscaling.Standby { // behind no balancer
			activity.RemovalsDone++
			arrivedAtOnce(tx, &c, activity)
		}
	}
	return o.replaceThese(tx, g.UID, activity, counted), nil
}

// ExitStandbyRequest asks to put instances back into traffic.
type ExitStandbyRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids, 1 to MaxBatch
}

// ExitStandby opens an EXIT_STANDBY activity and raises desired by what the
// instances count. They are registered with the balancers that the group has now.
// One whose machine has ended cannot come back: it fails at once, and what desired
// then misses is launched.
func (o Operations) ExitStandby(tx *fsm.Tx, req ExitStandbyRequest) (*autoscaling.Activity, error) {
	g, err := FindGroup(tx.Reader, req.Group)
	if err != nil {
		return nil, err
	}
	instances, err := named(tx, g, req.Instances, MaxBatch)
	if err != nil {
		return nil, err
	}
	a := manual(req.Caller, "put "+these(instances)+" of group "+g.ID+" back into service")
	a.kind = autoscaling.ExitStandby
	a.whileBusy, a.inCooldown = true, true
	to := g.Desired
	for _, i := range instances {
		to += i.Capacity()
	}
	if r := firstRefusal(
		func() *refusal { return admit(tx, g, &a) },
		func() *refusal { return unless(g, autoscaling.ProcessLaunch) },
		func() *refusal { return checkStates(instances, autoscaling.Standby) },
		func() *refusal { return inBounds(g, to) },
		func() *refusal { return o.refuseUnusable(tx, g) },
		func() *refusal { return refuseBeyondBound(tx, g, to) },
	); r != nil {
		return o.refuse(tx, g, &a, r), nil
	}
	activity := o.openMove(tx, *g, to, &a)
	activity.Launches = int32(len(instances))
	putActivity(tx, activity) // those that fail at once count themselves in it
	for _, i := range instances {
		o.exitStandby(tx, g, *i, activity.ID, a.who)
	}
	settle(tx, activity.ID)
	return tx.Activity(activity.ID), nil
}

func (o Operations) exitStandby(tx *fsm.Tx, g *autoscaling.Group, c autoscaling.Instance, by autoscaling.ActivityID, why string) {
	c.Moving = by
	if c.Stopped || !c.MachineRunning {
		failMove(tx, &c, "it cannot come back into service: "+c.HealthMessage)
		return
	}
	enter(tx, &c, autoscaling.PendingProceed, why)
}

// openMove opens the activity of a batch and moves desired. g is the caller's own
// copy; it is put when desired moved.
func (o Operations) openMove(tx *fsm.Tx, g autoscaling.Group, to int32, a *asking) *autoscaling.Activity {
	a.fired(tx, &g)
	activity := o.openActivity(tx, &g, autoscaling.Activity{
		Kind: a.kind, Trigger: a.trigger, Cause: a.cause(g.Desired, to), From: g.Desired, To: to, Cooldown: cooldownOf(a),
	})
	if to != g.Desired {
		moveDesired(tx, &g, to, a.who, activity.ID)
	}
	return activity
}

// unless refuses what a suspended process would do.
func unless(g *autoscaling.Group, p autoscaling.Process) *refusal {
	if suspends(g, p) {
		return suspended(g, p)
	}
	return nil
}

// refuseUnusable refuses when an instance could not be put to work: a pool or a
// list is missing, or cannot be used now.
func (o Operations) refuseUnusable(tx *fsm.Tx, g *autoscaling.Group) *refusal {
	v, _ := resolve(tx.Reader, g)
	if problem := o.checkAttachments(g, v); problem != nil {
		return &refusal{reason: problem.Reason, message: problem.Message}
	}
	return nil
}

// arrivedAtOnce ends the move of an instance that had nothing to wait for. a is
// the caller's own copy, which counts it.
func arrivedAtOnce(tx *fsm.Tx, c *autoscaling.Instance, a *autoscaling.Activity) {
	c.Moving = 0
	put(tx, c)
	addMoveOutcome(tx, a, c, autoscaling.OutcomeSuccessful, "")
}

// failMove gives up an instance that cannot come back from standby.
func failMove(tx *fsm.Tx, c *autoscaling.Instance, reason string) {
	by := c.Moving
	c.Moving = 0
	enter(tx, c, autoscaling.Terminating, reason)
	countActivity(tx, by, func(a *autoscaling.Activity) {
		a.LaunchesFail++
		addMoveOutcome(tx, a, c, autoscaling.OutcomeFailed, reason)
	})
}

// addMoveOutcome tells what became of an instance that went into or out of
// standby, where it is now. It is told when it is known: the instance forgets who
// moved it.
func addMoveOutcome(tx *fsm.Tx, a *autoscaling.Activity, i *autoscaling.Instance, status autoscaling.OutcomeStatus, failure string) {
	o := autoscaling.Outcome{
		Instance: i.ID, Direction: autoscaling.DirectionDetach, Status: status, StartTime: a.StartTime, EndTime: tx.Now(), State: i.State, Error: failure,
	}
	if a.Kind == autoscaling.ExitStandby {
		o.Direction = autoscaling.DirectionAttach
	}
	a.Outcomes = append(slices.Clone(a.Outcomes), o)
}
