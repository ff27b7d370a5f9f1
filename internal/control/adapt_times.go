package control

import (
	"fmt"
	"iter"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// SetTime makes replicated time t and records it. What has expired by the time of
// before stays so. The times in other records are adapted afterwards, in batches.
func SetTime(tx *fsm.Tx, t autoscaling.Time) {
	for target := range tx.NotificationTargets("") {
		forgetSecrets(tx, target)
	}
	before := tx.Now()
	tx.SetTime(t)
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventTimeSet, Subject: tx.Cluster().Name,
		Message: fmt.Sprintf("the cluster's time was set from %s to %s", before, t),
		Details: map[string]string{"before": before.String(), "time": t.String()},
	})
}

// An Adaptation adapts the times of one record after replicated time was set back,
// as their classes say (autoscaling.TimeClass). It reads the record again, and
// does nothing when there is nothing to adapt any more.
type Adaptation func(tx *fsm.Tx)

// AdaptTimes returns what is to be adapted in a state in which replicated time is
// set; what is written later has the right times. When all of it is done, one
// function after another in any batches, FinishAdapting says so in the state.
func AdaptTimes(r fsm.Reader) []Adaptation {
	set := r.Cluster().TimeSet
	if set == nil || set.Adapted {
		return nil
	}
	a := adapting{r: r, now: r.Stamp()}
	for g := range r.Groups("") {
		a.group(g)
	}
	for g := range r.DeletedGroups("", "") {
		a.group(g)
	}
	for t := range r.NotificationTargets("") {
		a.target(t)
	}
	gather(&a, r.Requests(), clamped, func(tx *fsm.Tx, q *autoscaling.Request) *autoscaling.Request { return tx.Request(q.Namespace, q.ID) }, (*fsm.Tx).PutRequest)
	gather(&a, r.Orphans(), adaptOrphan, currentOrphan, (*fsm.Tx).PutOrphan)
	gather(&a, r.AllReleased(), clamped, func(tx *fsm.Tx, m *autoscaling.Released) *autoscaling.Released {
		return tx.Released(m.Provider, m.MachineID)
	}, (*fsm.Tx).PutReleased)
	return a.found
}

// FinishAdapting notes that all that AdaptTimes returned for the setting is done.
func FinishAdapting(tx *fsm.Tx, count uint64) {
	c := tx.Cluster()
	if c.TimeSet == nil || c.TimeSet.Count != count || c.TimeSet.Adapted {
		return
	}
	next, set := *c, *c.TimeSet
	set.Adapted = true
	next.TimeSet = &set
	tx.PutCluster(&next)
}

// adapting is one look at a state.
type adapting struct {
	r     fsm.Reader
	now   autoscaling.Time
	found []Adaptation
}

// adaptClock is what an adaptation needs besides the record.
type adaptClock struct {
	fsm.Reader
	now autoscaling.Time
}

// gather notes the records that adapt would change.
func gather[T any](a *adapting, records iter.Seq[*T], adapt func(adaptClock, *T) *T, again func(*fsm.Tx, *T) *T, put func(*fsm.Tx, *T)) {
	for record := range records {
		if adapt(adaptClock{a.r, a.now}, record) == record {
			continue
		}
		a.found = append(a.found, func(tx *fsm.Tx) {
			current := again(tx, record)
			if current == nil {
				return
			}
			if next := adapt(adaptClock{tx.Reader, tx.Now()}, current); next != current {
				put(tx, next)
			}
		})
	}
}

func (a *adapting) group(g *autoscaling.Group) {
	gather(a, one(g), adaptGroup, func(tx *fsm.Tx, g *autoscaling.Group) *autoscaling.Group { return tx.Group(g.UID) }, (*fsm.Tx).PutGroup)
	gather(a, a.r.AlarmTasks(g.UID), clamped, func(tx *fsm.Tx, t *autoscaling.AlarmTask) *autoscaling.AlarmTask { return tx.AlarmTask(t.Group, t.ID) }, (*fsm.Tx).PutAlarmTask)
	gather(a, a.r.ScheduledTasks(g.UID), adaptScheduledTask, func(tx *fsm.Tx, t *autoscaling.ScheduledTask) *autoscaling.ScheduledTask {
		return tx.ScheduledTask(t.Group, t.ID)
	}, (*fsm.Tx).PutScheduledTask)
	instance := func(tx *fsm.Tx, i *autoscaling.Instance) *autoscaling.Instance { return tx.Instance(i.Group, i.ID) }
	gather(a, a.r.Instances(g.UID), adaptInstance, instance, (*fsm.Tx).PutInstance)
	gather(a, a.r.FinalInstances(g.UID), adaptInstance, instance, (*fsm.Tx).PutInstance)
	gather(a, a.r.Activities(g.UID), clamped, func(tx *fsm.Tx, x *autoscaling.Activity) *autoscaling.Activity { return tx.Activity(x.ID) }, (*fsm.Tx).PutActivity)
}

func (a *adapting) target(t *autoscaling.NotificationTarget) {
	gather(a, one(t), adaptTarget, func(tx *fsm.Tx, t *autoscaling.NotificationTarget) *autoscaling.NotificationTarget {
		return tx.NotificationTarget(t.UID)
	}, (*fsm.Tx).PutNotificationTarget)
	gather(a, a.r.Deliveries(t.UID), adaptDelivery, func(tx *fsm.Tx, d *autoscaling.Delivery) *autoscaling.Delivery { return tx.Delivery(d.Target, d.ID) }, (*fsm.Tx).PutDelivery)
}

func one[T any](record *T) iter.Seq[*T] { return func(yield func(*T) bool) { yield(record) } }

func currentOrphan(tx *fsm.Tx, o *autoscaling.Orphan) *autoscaling.Orphan {
	for x := range tx.Orphans() {
		if x.Provider == o.Provider && x.Instance == o.Instance {
			return x
		}
	}
	return nil
}
