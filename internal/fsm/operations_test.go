package fsm

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

// anyWrite draws one write that a function may make in the state that it finds.
// Names and ids are few, so that writes meet.
func anyWrite(t *rapid.T, tx *Tx) {
	what := rapid.SampledFrom([]string{
		"group", "group", "delete group", "instance", "instance", "instance", "instance", "delete instance",
		"activity", "activity", "delete activity", "event", "event", "rule", "delete rule", "alarm", "task",
		"configuration", "version", "delete configuration", "request", "delete request", "node", "delete node",
		"store", "orphan", "delete orphan", "cluster", "hook", "delete hook", "notification", "delete notification",
		"target", "target", "delete target", "notice", "notice", "notice", "delivery", "delivery", "delete delivery",
		"released", "delete released",
	}).Draw(t, "write")
	switch what {
	case "group":
		putAnyGroup(t, tx)
	case "delete group":
		if g := anyGroup(t, tx); g != nil {
			tx.DeleteGroup(g.UID)
		}
	case "instance":
		putAnyInstance(t, tx)
	case "delete instance":
		if i := anyInstance(t, tx); i != nil {
			tx.DeleteInstance(i.Group, i.ID)
		}
	case "activity":
		putAnyActivity(t, tx)
	case "delete activity":
		if g := anyGroup(t, tx); g != nil {
			for a := range tx.Activities(g.UID) {
				tx.DeleteActivity(a.ID)
				break
			}
		}
	case "event":
		tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState, Message: word(t)})
	case "rule":
		if g := anyGroup(t, tx); g != nil {
			tx.PutRule(&autoscaling.Rule{Meta: autoscaling.Meta{ID: word(t)}, Group: g.UID, Disabled: rapid.Bool().Draw(t, "disabled")})
		}
	case "delete rule":
		if g := anyGroup(t, tx); g != nil {
			id := word(t)
			tx.DeleteRule(g.UID, id)
			tx.DeleteAlarmTask(g.UID, id)
			tx.DeleteScheduledTask(g.UID, id)
		}
	case "alarm":
		if g := anyGroup(t, tx); g != nil {
			tx.PutAlarmTask(&autoscaling.AlarmTask{Meta: autoscaling.Meta{ID: word(t)}, Group: g.UID, Threshold: 0.5})
		}
	case "task":
		if g := anyGroup(t, tx); g != nil {
			tx.PutScheduledTask(&autoscaling.ScheduledTask{Meta: autoscaling.Meta{ID: word(t)}, Group: g.UID, NextRun: tx.Now()})
		}
	case "configuration":
		namespace, id := namespace(t), word(t)
		c := autoscaling.Configuration{Meta: autoscaling.Meta{UID: tx.NewUID(), Namespace: namespace, ID: id}}
		if old := tx.ConfigurationByID(namespace, id); old != nil {
			c = *old
			c.Revision++
		}
		tx.PutConfiguration(&c)
	case "version":
		for c := range tx.Configurations(namespace(t)) {
			tx.PutConfigurationVersion(&autoscaling.ConfigurationVersion{
				Configuration: c.UID, Version: rapid.Int32Range(1, 4).Draw(t, "version"), Digest: word(t),
			})
			break
		}
	case "delete configuration":
		for c := range tx.Configurations(namespace(t)) {
			tx.DeleteConfiguration(c.UID)
			break
		}
	case "request":
		tx.PutRequest(&autoscaling.Request{Namespace: namespace(t), ID: word(t), Time: tx.Now()})
	case "delete request":
		tx.DeleteRequest(namespace(t), word(t))
	case "node":
		id := word(t)
		tx.PutNode(&autoscaling.Node{ID: id, Version: word(t)})
	case "delete node":
		tx.DeleteNode(word(t))
	case "store":
		tx.PutProviderStore(&autoscaling.ProviderStore{Provider: word(t), Store: word(t)})
	case "orphan":
		tx.PutOrphan(&autoscaling.Orphan{Provider: word(t), Instance: autoscaling.InstanceID(word(t)), MachineID: word(t)})
	case "delete orphan":
		tx.DeleteOrphan(word(t), autoscaling.InstanceID(word(t)))
	case "hook", "delete hook", "notification", "delete notification", "target", "delete target", "notice", "delivery",
		"delete delivery", "released", "delete released":
		anyOutboxWrite(t, tx, what)
	case "cluster":
		tx.PutCluster(&autoscaling.Cluster{Name: word(t)})
	}
}

func word(t *rapid.T) string { return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "word") }

func namespace(t *rapid.T) string {
	return rapid.SampledFrom([]string{"default", "other"}).Draw(t, "namespace")
}

// anyGroup is a group, deleted or not, or nil.
func anyGroup(t *rapid.T, tx *Tx) *autoscaling.Group {
	var all []*autoscaling.Group
	for g := range tx.Groups("") {
		all = append(all, g)
	}
	for g := range tx.DeletedGroups("", "") {
		all = append(all, g)
	}
	if len(all) == 0 {
		return nil
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "group")]
}

func putAnyGroup(t *rapid.T, tx *Tx) {
	namespace, id := namespace(t), word(t)
	g := autoscaling.Group{Meta: autoscaling.Meta{UID: tx.NewUID(), Namespace: namespace, ID: id}}
	if old := tx.GroupByID(namespace, id); old != nil {
		g = *old
	}
	g.Max = 100
	g.Desired = rapid.Int32Range(0, 100).Draw(t, "desired")
	g.Configuration.ID = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "configuration")
	g.State = rapid.SampledFrom([]autoscaling.GroupState{
		autoscaling.GroupActive, autoscaling.GroupActive, autoscaling.GroupPaused, autoscaling.GroupDeleted,
	}).Draw(t, "state")
	tx.PutGroup(&g)
}

// anyInstance is one of any group, final or not, or nil.
func anyInstance(t *rapid.T, tx *Tx) *autoscaling.Instance {
	g := anyGroup(t, tx)
	if g == nil {
		return nil
	}
	var all []*autoscaling.Instance
	for i := range tx.Instances(g.UID) {
		all = append(all, i)
	}
	for i := range tx.FinalInstances(g.UID) {
		all = append(all, i)
	}
	if len(all) == 0 {
		return nil
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "instance")]
}

func putAnyInstance(t *rapid.T, tx *Tx) {
	var next autoscaling.Instance
	if old := anyInstance(t, tx); old != nil && rapid.Bool().Draw(t, "old") {
		next = *old
		var states []autoscaling.InstanceState
		for s := autoscaling.Initial; int(s) < autoscaling.StateCount; s++ {
			if s == old.State || old.State.CanBecome(s) {
				states = append(states, s)
			}
		}
		next.State = rapid.SampledFrom(states).Draw(t, "state")
	} else {
		g := anyGroup(t, tx)
		if g == nil {
			return
		}
		next = autoscaling.Instance{ID: tx.NewInstanceID(), Group: g.UID, CreateTime: tx.Now(), Weight: rapid.Int32Range(0, 3).Draw(t, "weight")}
		if rapid.Bool().Draw(t, "same number") { // as another one's in the index
			next.ID = autoscaling.InstanceID(fmt.Sprintf("i-%x%016x", rapid.IntRange(0, 3).Draw(t, "high"), 0xabcdef))
			if tx.FindInstance(next.ID) != nil {
				return
			}
		}
		next.State = rapid.SampledFrom([]autoscaling.InstanceState{
			autoscaling.Initial, autoscaling.InService, autoscaling.TerminatingProceed, autoscaling.Terminated,
		}).Draw(t, "state")
	}
	next.Health = autoscaling.Health(rapid.IntRange(0, 2).Draw(t, "health"))
	next.Served = next.Served || next.State == autoscaling.InService
	next.StatusReason = word(t)
	if next.State.Final() {
		next.EndTime = tx.Now() + autoscaling.Time(rapid.IntRange(0, 2).Draw(t, "end"))
	}
	tx.PutInstance(&next)
}

func putAnyActivity(t *rapid.T, tx *Tx) {
	g := anyGroup(t, tx)
	if g == nil {
		return
	}
	a := autoscaling.Activity{Group: g.UID, Status: autoscaling.ActivityInProgress}
	for old := range tx.RunningActivities(g.UID) {
		if rapid.Bool().Draw(t, "this one") {
			a = *old
			break
		}
	}
	if a.ID == 0 {
		a.ID = tx.NewActivityID()
		if rapid.Bool().Draw(t, "give the number back") {
			return
		}
	}
	a.Status = rapid.SampledFrom([]autoscaling.ActivityStatus{
		autoscaling.ActivityInProgress, autoscaling.ActivitySuccessful, autoscaling.ActivityRejected,
	}).Draw(t, "status")
	tx.PutActivity(&a)
}
