package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// IDs makes new ids; the real one is random, tests give a counted one.
type IDs interface {
	UID() autoscaling.UID
	InstanceID() autoscaling.InstanceID
}

// Tx is one function's view of the newest state, and the record of what it
// changes. All its changes are committed together or not at all. It is valid
// only while the function runs.
//
// A record belongs to the state once it is put: the function must not change it
// afterwards. A write that breaks the shape of the state (a child without its
// group, a name that is taken, a transition that the lifecycle forbids) panics:
// a broken rule must not reach the log.
type Tx struct {
	Reader
	b *Batch
}

// Now is the replicated time of the batch: the same for all its functions, and
// never before the stamp of an earlier batch, unless SetTime was called.
func (tx *Tx) Now() autoscaling.Time { return tx.b.now }

// SetTime makes the time of the batch t, for what is written from now on and for
// the entries that follow, also when that is before the stamp of an earlier batch.
// It notes that in the cluster's record, so that every node that applies the entry
// counts from t. What the times in other records mean is not its business.
func (tx *Tx) SetTime(t autoscaling.Time) {
	b, before, was := tx.b, tx.b.now, tx.b.setsTime
	b.undo = append(b.undo, undo{index: b.index, state: func() { b.now, b.setsTime = before, was }})
	c := *tx.Cluster()
	set := autoscaling.TimeSet{Count: 1, Time: t, Before: before}
	if c.TimeSet != nil {
		set.Count += c.TimeSet.Count
		if !c.TimeSet.Adapted {
			set.Before = max(set.Before, c.TimeSet.Before)
		}
	}
	c.TimeSet = &set
	tx.PutCluster(&c)
	b.now, b.setsTime = t, true
}

func (tx *Tx) NewUID() autoscaling.UID               { return tx.b.ids.UID() }
func (tx *Tx) NewInstanceID() autoscaling.InstanceID { return tx.b.ids.InstanceID() }

// NewActivityID is the next number of the cluster. One that no activity of a
// committed function has is given again.
func (tx *Tx) NewActivityID() autoscaling.ActivityID {
	tx.b.lastActivity = max(tx.b.lastActivity, tx.st.lastActivity) + 1
	return tx.b.lastActivity
}

func (tx *Tx) put(k kind, id key, record any, takeBack func()) {
	tx.b.write(change{key: recordKey{k, id}, op: opPut, record: record, size: sizeOf(record)}, takeBack)
}

func (tx *Tx) remove(k kind, id key, takeBack func()) {
	tx.b.write(change{key: recordKey{k, id}, op: opDelete, size: 8 + len(id.a) + len(id.b)}, takeBack)
}

func (tx *Tx) mustHaveGroup(group autoscaling.UID, k kind, id string) *shard {
	s := tx.st.shard(group)
	if s == nil {
		panic(fmt.Sprintf("fsm: put %s %q into group %q, which does not exist", k, id, group))
	}
	return s
}

func (tx *Tx) PutCluster(c *autoscaling.Cluster) {
	repairTexts(kindCluster, c)
	st, prev := tx.st, tx.st.cluster
	st.cluster = c
	tx.put(kindCluster, key{}, c, func() { st.cluster = prev })
}

// PutConfiguration panics when another configuration has the name.
func (tx *Tx) PutConfiguration(c *autoscaling.Configuration) {
	repairTexts(kindConfiguration, c)
	if other, taken := tx.st.configurationNames.get(name(c.Namespace, c.ID)); taken && other != c.UID {
		panic(fmt.Sprintf("fsm: configuration %s/%s exists with another uid", c.Namespace, c.ID))
	}
	st, prev := tx.st, tx.st.line(c.UID)
	next := prev.with(c)
	st.replaceConfiguration(prev, next)
	tx.put(kindConfiguration, key{a: string(c.UID)}, c, func() { st.replaceConfiguration(next, prev) })
}

func (tx *Tx) PutConfigurationVersion(v *autoscaling.ConfigurationVersion) {
	repairTexts(kindVersion, v)
	st, prev := tx.st, tx.st.line(v.Configuration)
	if prev == nil {
		panic(fmt.Sprintf("fsm: put version %d of configuration %q, which does not exist", v.Version, v.Configuration))
	}
	next := prev.withVersion(v)
	st.replaceConfiguration(prev, next)
	tx.put(kindVersion, key{a: string(v.Configuration), n: uint64(v.Version)}, v, func() { st.replaceConfiguration(next, prev) })
}

// DeleteConfiguration removes the configuration with its versions.
func (tx *Tx) DeleteConfiguration(uid autoscaling.UID) {
	st, prev := tx.st, tx.st.line(uid)
	if prev == nil {
		return
	}
	st.replaceConfiguration(prev, nil)
	tx.b.barrier()
	tx.remove(kindConfiguration, key{a: string(uid)}, func() { st.replaceConfiguration(nil, prev) })
	tx.b.barrier()
}

// PutGroup panics when another group, not DELETED, has the name.
func (tx *Tx) PutGroup(g *autoscaling.Group) {
	repairTexts(kindGroup, g)
	if other, taken := tx.st.groupNames.get(name(g.Namespace, g.ID)); taken && other != g.UID && g.State != autoscaling.GroupDeleted {
		panic(fmt.Sprintf("fsm: group %s/%s exists with another uid", g.Namespace, g.ID))
	}
	st, prev := tx.st, tx.Group(g.UID)
	st.replaceGroup(prev, g)
	tx.put(kindGroup, key{a: string(g.UID)}, g, func() { st.replaceGroup(g, prev) })
}

// DeleteGroup removes the group with everything below it.
func (tx *Tx) DeleteGroup(uid autoscaling.UID) {
	st, s := tx.st, tx.st.shard(uid)
	if s == nil {
		return
	}
	st.removeShard(s)
	tx.b.barrier()
	tx.remove(kindGroup, key{a: string(uid)}, func() { st.addShard(s) })
	tx.b.barrier()
}

func (tx *Tx) PutRule(r *autoscaling.Rule) {
	repairTexts(kindRule, r)
	tx.mustHaveGroup(r.Group, kindRule, r.ID)
	st, prev := tx.st, tx.Rule(r.Group, r.ID)
	st.replaceRule(r.Group, prev, r)
	tx.put(kindRule, groupChild(r.Group, r.ID), r, func() { st.replaceRule(r.Group, r, prev) })
}

func (tx *Tx) DeleteRule(group autoscaling.UID, id string) {
	st, prev := tx.st, tx.Rule(group, id)
	if prev == nil {
		return
	}
	st.replaceRule(group, prev, nil)
	tx.remove(kindRule, groupChild(group, id), func() { st.replaceRule(group, nil, prev) })
}

func (tx *Tx) PutAlarmTask(t *autoscaling.AlarmTask) {
	repairTexts(kindAlarm, t)
	tx.mustHaveGroup(t.Group, kindAlarm, t.ID)
	st, prev := tx.st, tx.AlarmTask(t.Group, t.ID)
	st.replaceAlarm(t.Group, prev, t)
	tx.put(kindAlarm, groupChild(t.Group, t.ID), t, func() { st.replaceAlarm(t.Group, t, prev) })
}

func (tx *Tx) DeleteAlarmTask(group autoscaling.UID, id string) {
	st, prev := tx.st, tx.AlarmTask(group, id)
	if prev == nil {
		return
	}
	st.replaceAlarm(group, prev, nil)
	tx.remove(kindAlarm, groupChild(group, id), func() { st.replaceAlarm(group, nil, prev) })
}

func (tx *Tx) PutScheduledTask(t *autoscaling.ScheduledTask) {
	repairTexts(kindTask, t)
	tx.mustHaveGroup(t.Group, kindTask, t.ID)
	st, prev := tx.st, tx.ScheduledTask(t.Group, t.ID)
	st.replaceTask(t.Group, prev, t)
	tx.put(kindTask, groupChild(t.Group, t.ID), t, func() { st.replaceTask(t.Group, t, prev) })
}

func (tx *Tx) DeleteScheduledTask(group autoscaling.UID, id string) {
	st, prev := tx.st, tx.ScheduledTask(group, id)
	if prev == nil {
		return
	}
	st.replaceTask(group, prev, nil)
	tx.remove(kindTask, groupChild(group, id), func() { st.replaceTask(group, nil, prev) })
}

// PutInstance panics when the table of the lifecycle does not allow the change
// of state: a broken rule must not reach the log. A new record may begin in any
// state.
func (tx *Tx) PutInstance(i *autoscaling.Instance) {
	repairTexts(kindInstance, i)
	st, s := tx.st, tx.mustHaveGroup(i.Group, kindInstance, string(i.ID))
	if i.State == 0 || int(i.State) >= autoscaling.StateCount {
		panic(fmt.Sprintf("fsm: instance %s has no state", i.ID))
	}
	prev := s.instance(i.ID)
	if prev == nil {
		if elsewhere := st.findInstance(i.ID); elsewhere != nil {
			panic(fmt.Sprintf("fsm: instance %s is put into group %q and is in %q", i.ID, i.Group, elsewhere.Group))
		}
	} else if prev.State != i.State && !prev.State.CanBecome(i.State) {
		panic(fmt.Sprintf("fsm: instance %s cannot go from %s to %s", i.ID, prev.State, i.State))
	}
	st.putInstance(s, i)
	tx.put(kindInstance, groupChild(i.Group, string(i.ID)), i, func() {
		if prev == nil {
			st.removeInstance(st.shard(i.Group), i)
		} else {
			st.putInstance(st.shard(i.Group), prev)
		}
	})
}

func (tx *Tx) DeleteInstance(group autoscaling.UID, id autoscaling.InstanceID) {
	st, prev := tx.st, tx.Instance(group, id)
	if prev == nil {
		return
	}
	st.removeInstance(st.shard(group), prev)
	tx.remove(kindInstance, groupChild(group, string(id)), func() { st.putInstance(st.shard(group), prev) })
}

// PutActivity panics when the activity has no number, or belongs to another
// group already.
func (tx *Tx) PutActivity(a *autoscaling.Activity) {
	repairTexts(kindActivity, a)
	st, s := tx.st, tx.st.shard(a.Group)
	if s == nil {
		tx.mustHaveGroup(a.Group, kindActivity, fmt.Sprint(a.ID))
	}
	if group, known := st.activities.get(a.ID); a.ID == 0 || known && group != a.Group {
		panic(fmt.Sprintf("fsm: activity %d is put into group %q and is in %q", a.ID, a.Group, group))
	}
	last := st.lastActivity
	st.sawActivity(a.ID)
	prev := st.putActivity(s, a)
	tx.put(kindActivity, key{a: string(a.Group), n: uint64(a.ID)}, a, func() {
		if prev == nil {
			st.removeActivity(st.shard(a.Group), a.ID)
		} else {
			st.putActivity(st.shard(a.Group), prev)
		}
		st.lastActivity = last
	})
}

func (tx *Tx) DeleteActivity(id autoscaling.ActivityID) {
	st, prev := tx.st, tx.Activity(id)
	if prev == nil {
		return
	}
	st.removeActivity(st.shard(prev.Group), id)
	tx.remove(kindActivity, key{a: string(prev.Group), n: uint64(id)}, func() { st.putActivity(st.shard(prev.Group), prev) })
}

// PutRequest remembers an answer; beyond autoscaling.MaxRequests the oldest ones
// are forgotten.
func (tx *Tx) PutRequest(r *autoscaling.Request) {
	repairTexts(kindRequest, r)
	st, prev := tx.st, tx.Request(r.Namespace, r.ID)
	st.replaceRequest(prev, r)
	tx.put(kindRequest, key{a: r.Namespace, b: r.ID}, r, func() { st.replaceRequest(r, prev) })
	// Written down as deletes: what a replica forgets is in the log, too.
	for st.requests.len() > autoscaling.MaxRequests {
		oldest := st.oldestRequest()
		tx.DeleteRequest(oldest.Namespace, oldest.ID)
	}
}

func (tx *Tx) DeleteRequest(namespace, id string) {
	st, prev := tx.st, tx.Request(namespace, id)
	if prev == nil {
		return
	}
	st.replaceRequest(prev, nil)
	tx.remove(kindRequest, key{a: namespace, b: id}, func() { st.replaceRequest(nil, prev) })
}

func (tx *Tx) PutNode(n *autoscaling.Node) {
	repairTexts(kindNode, n)
	st, prev := tx.st, tx.Node(n.ID)
	st.replaceNode(prev, n)
	tx.put(kindNode, key{a: n.ID}, n, func() { st.replaceNode(n, prev) })
}

func (tx *Tx) DeleteNode(id string) {
	st, prev := tx.st, tx.Node(id)
	if prev == nil {
		return
	}
	st.replaceNode(prev, nil)
	tx.remove(kindNode, key{a: id}, func() { st.replaceNode(nil, prev) })
}

func (tx *Tx) PutProviderStore(s *autoscaling.ProviderStore) {
	repairTexts(kindStore, s)
	st, prev := tx.st, tx.ProviderStore(s.Provider)
	st.replaceStore(prev, s)
	tx.put(kindStore, key{a: s.Provider}, s, func() { st.replaceStore(s, prev) })
}

func (tx *Tx) PutOrphan(o *autoscaling.Orphan) {
	repairTexts(kindOrphan, o)
	st := tx.st
	prev, _ := st.orphans.get(orphanKey(o))
	st.replaceOrphan(prev, o)
	tx.put(kindOrphan, key{a: o.Provider, b: string(o.Instance)}, o, func() { st.replaceOrphan(o, prev) })
}

func (tx *Tx) DeleteOrphan(provider string, instance autoscaling.InstanceID) {
	st := tx.st
	prev, known := st.orphans.get(name(provider, string(instance)))
	if !known {
		return
	}
	st.replaceOrphan(prev, nil)
	tx.remove(kindOrphan, key{a: provider, b: string(instance)}, func() { st.replaceOrphan(nil, prev) })
}
