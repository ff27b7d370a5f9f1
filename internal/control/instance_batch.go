package control

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// MaxBatch is how many instances or machines one request puts on standby, back,
// attaches or detaches.
const MaxBatch = 100

// A batch is accepted as a whole or refused as a whole: then each item that is in
// the way says why.

// batch gathers what is in the way of a request's items.
type batch struct {
	field string // of the request
	all   []autoscaling.Violation
}

// refuse notes why the item cannot be.
func (b *batch) refuse(n int, reason autoscaling.Reason, format string, args ...any) {
	b.all = append(b.all, autoscaling.Violation{
		Field: fmt.Sprintf("%s[%d]", b.field, n), Reason: reason, Message: fmt.Sprintf(format, args...),
	})
}

// refusal is that of the whole; nil when nothing is in the way.
func (b *batch) refusal() *refusal {
	if len(b.all) == 0 {
		return nil
	}
	return &refusal{reason: b.all[0].Reason, message: b.message(), violations: b.all}
}

func (b *batch) message() string {
	if more := len(b.all) - 1; more > 0 {
		return fmt.Sprintf("%s; and %d more", b.all[0].Message, more)
	}
	return b.all[0].Message
}

// err is an error that is not recorded; nil when nothing is in the way.
func (b *batch) err() *autoscaling.Error {
	if len(b.all) == 0 {
		return nil
	}
	err := autoscaling.Errorf(b.all[0].Reason, "%s", b.message())
	err.Violations = b.all
	if err.Reason == autoscaling.InvalidArgument {
		err.Field = b.all[0].Field
	}
	return err
}

// checkStates refuses the instances that are in none of the states.
func checkStates(instances []*autoscaling.Instance, states ...autoscaling.InstanceState) *refusal {
	b := batch{field: "instances"}
	for n, i := range instances {
		if !slices.Contains(states, i.State) {
			b.refuse(n, autoscaling.WrongState, "instance %s is %s", i.ID, i.State)
		}
	}
	return b.refusal()
}

// checkStaying refuses those that are gone, or on their way out.
func checkStaying(instances []*autoscaling.Instance) *refusal {
	b := batch{field: "instances"}
	for n, i := range instances {
		if !stays(i) {
			b.refuse(n, autoscaling.WrongState, "instance %s is %s", i.ID, i.State)
		}
	}
	return b.refusal()
}

// firstRefusal is the first that there is.
func firstRefusal(checks ...func() *refusal) *refusal {
	for _, check := range checks {
		if r := check(); r != nil {
			return r
		}
	}
	return nil
}

// replaceThese launches others in the place of counted capacity that left by
// activity a, as far as desired wants it. a is the caller's own copy; it is put,
// and settled.
func (o Operations) replaceThese(tx *fsm.Tx, group autoscaling.UID, a *autoscaling.Activity, counted int32) *autoscaling.Activity {
	putActivity(tx, a)
	// Activities that lost an instance may have ended and changed the group.
	g := *tx.Group(group)
	o.launch(tx, &g, a, min(counted, g.Desired-standing(tx.Reader, group)))
	settle(tx, a.ID)
	return tx.Activity(a.ID)
}
