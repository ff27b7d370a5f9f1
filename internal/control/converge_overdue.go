package control

import (
	"fmt"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// OverdueSlack is how long after its deadline an instance is called overdue:
// deadlines are acted upon within moments, so whoever is still there then is
// stuck.
const OverdueSlack = 10 * time.Second

// overdueFrom is when the instance becomes overdue if nothing happens before; 0:
// never.
func overdueFrom(g *autoscaling.Group, i *autoscaling.Instance) autoscaling.Time {
	deadline := DeadlineOf(g, i)
	if deadline == 0 || i.State.Final() {
		return 0
	}
	from := deadline.Add(OverdueSlack)
	if patience := patienceOf(i); patience > 0 && len(i.Timeline) > 0 {
		// The step is tried on and on, and its deadline moved with each; it is late
		// since the first.
		began := i.Timeline[len(i.Timeline)-1].Time
		from = autoscaling.Earliest(from, began.Add(patience))
	}
	return from
}

// patienceOf is how long a sub-step may take that is tried until it works; 0 of
// others.
func patienceOf(i *autoscaling.Instance) time.Duration {
	switch {
	case i.State != autoscaling.TerminatingProceed && i.State != autoscaling.Detaching:
		return 0
	case i.Step == autoscaling.StepStop:
		return stopTimeout(i) + StopPatience
	case i.Step == autoscaling.StepRevoke, i.Step == autoscaling.StepDelete, i.Step == autoscaling.StepRelease:
		return RemovalPatience
	}
	return 0
}

// Overdue says whether the instance is past its deadline, whatever state it is
// in, and since when; else when it will be if nothing happens (0: never).
func Overdue(g *autoscaling.Group, i *autoscaling.Instance, now autoscaling.Time) (late bool, at autoscaling.Time) {
	at = overdueFrom(g, i)
	return at != 0 && now >= at, at
}

// Watch gathers a group's instances that are past their deadlines.
type Watch struct {
	ByState [autoscaling.StateCount]int32
	first   *autoscaling.Instance // of those that are late, by id
	since   autoscaling.Time
	many    bool
}

// See looks at an instance; the answer is when to look again (0: when something
// changes).
func (w *Watch) See(g *autoscaling.Group, i *autoscaling.Instance, now autoscaling.Time) (wake autoscaling.Time) {
	late, at := Overdue(g, i, now)
	if !late {
		return at
	}
	w.ByState[i.State]++
	w.many = w.first != nil
	if w.first == nil {
		w.first, w.since = i, at
	}
	return 0
}

// condition is INSTANCE_OVERDUE as it should hold, nil when it should not. It
// does not depend on how late it is, so that it is written once.
func (w *Watch) condition() *autoscaling.Condition {
	if w.first == nil {
		return nil
	}
	i := w.first
	message := fmt.Sprintf("instance %s is stuck in %s", i.ID, i.State)
	if i.Step != autoscaling.StepNone {
		message = fmt.Sprintf("instance %s is stuck at %s", i.ID, i.Step)
	}
	if i.StatusReason != "" {
		message += ": " + i.StatusReason
	}
	if w.many {
		message += "; and others"
	}
	return &autoscaling.Condition{Type: autoscaling.ConditionInstanceOverdue, Reason: lateReason(i.State), Message: message}
}

// lateReason is what of its life the instance is late with.
func lateReason(s autoscaling.InstanceState) string {
	switch {
	case s.Launching():
		return "LAUNCH"
	case s.LeavingForGood(), s == autoscaling.Detaching:
		return "REMOVAL"
	}
	return "MEMBER"
}

// Due says whether MarkOverdue would write.
func (w *Watch) Due(g *autoscaling.Group) bool {
	want := w.condition()
	for _, is := range g.Conditions {
		if is.Type == autoscaling.ConditionInstanceOverdue {
			return want == nil || is.Reason != want.Reason || is.Message != want.Message
		}
	}
	return want != nil
}

// MarkOverdue makes the condition INSTANCE_OVERDUE hold while an instance of the
// group is past its deadline.
func (o Operations) MarkOverdue(tx *fsm.Tx, group autoscaling.UID) error {
	return o.changeGroup(tx, group, func(g *autoscaling.Group) bool {
		var w Watch
		for i := range tx.Instances(group) {
			w.See(g, i, tx.Now())
		}
		if c := w.condition(); c != nil {
			return raise(tx, g, c.Type, c.Reason, c.Message)
		}
		return clearCondition(tx, g, autoscaling.ConditionInstanceOverdue)
	})
}
