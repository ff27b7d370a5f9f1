package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// refuse records a refusal, which is an outcome like any other: an activity with
// status REJECTED. Equal ones in a row fold into one record, without events of
// their own, so that an alarm that asks in vain all night fills neither the list
// of activities nor the event log.
func (o Operations) refuse(tx *fsm.Tx, g *autoscaling.Group, a *asking, r *refusal) *autoscaling.Activity {
	if last := foldable(tx, g, a, r); last != nil {
		c := *last
		c.Repeats++
		c.LastTime, c.EndTime = tx.Now(), tx.Now()
		c.Message, c.RetryTime, c.Violations = r.message, r.retry, r.violations
		tx.PutActivity(&c)
		return &c
	}
	rejected := &autoscaling.Activity{
		ID: tx.NewActivityID(), Namespace: g.Namespace, GroupID: g.ID, Group: g.UID,
		Kind: a.kind, Status: autoscaling.ActivityRejected, Trigger: a.trigger, Cause: a.who,
		From: g.Desired, To: g.Desired,
		Reason: r.reason, Message: r.message, RetryTime: r.retry, Violations: r.violations, Repeats: 1,
		StartTime: tx.Now(), EndTime: tx.Now(), LastTime: tx.Now(),
	}
	a.fired(tx, g)
	tx.PutActivity(rejected)
	e := groupEvent(g, autoscaling.EventRequestRefused, a.subject, r.message)
	e.Activity = rejected.ID
	e.Details = details("reason", string(r.reason), "trigger", string(a.trigger.Kind), "rule", a.trigger.Rule)
	tx.Emit(e)
	c := *g
	c.RefusalActivity = rejected.ID
	tx.PutGroup(&c)
	return rejected
}

// foldable is the group's newest activity when it is the same refusal.
func foldable(tx *fsm.Tx, g *autoscaling.Group, a *asking, r *refusal) *autoscaling.Activity {
	last := tx.Activity(g.RefusalActivity)
	if last == nil || last.Status != autoscaling.ActivityRejected || last.Reason != r.reason || last.Kind != a.kind {
		return nil
	}
	was, is := last.Trigger, a.trigger
	was.RequestID, is.RequestID = "", ""
	if was != is {
		return nil
	}
	for newest := range tx.Activities(g.UID) {
		if newest.ID == last.ID {
			return last
		}
		break
	}
	return nil
}

// RefusalError is the error that the caller of a recorded refusal gets; nil for
// an activity that was not refused. Its metadata name the record.
func RefusalError(a *autoscaling.Activity) *autoscaling.Error {
	if a.Status != autoscaling.ActivityRejected {
		return nil
	}
	err := autoscaling.Errorf(a.Reason, "%s", a.Message)
	err.Resource = autoscaling.GroupResource(a.Namespace, a.GroupID)
	err.Violations = a.Violations
	err.Metadata = map[string]string{"activity": autoscaling.ActivityResource(a.Namespace, a.GroupID, a.ID)}
	if a.RetryTime > a.LastTime {
		err.RetryAfter = a.RetryTime.Sub(a.LastTime)
	}
	return err
}
