package fsm

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
)

// Reader reads one state. A View is a Reader of an immutable state; a Tx is a
// Reader of the state as the transaction has made it so far.
//
// What a Reader hands out is shared: nobody changes it. To change a record,
// copy it, replace the slices and maps that differ, and put the copy.
// Look-ups answer nil when there is no such record. Iterations are ordered.
//
// A function may write while it iterates: an iteration over one group's records
// shows them as they were when it began; one over groups or configurations
// shows each as it is when its turn comes.
type Reader struct{ st *state }

// View is an immutable state: taking one is free, reading it needs no lock.
type View struct{ Reader }

func (r Reader) Cluster() *autoscaling.Cluster { return r.st.cluster } // nil before bootstrap
func (r Reader) Stamp() autoscaling.Time       { return r.st.stamp }   // replicated time of the last batch

// TimeSets is how often replicated time was set: Stamp goes back only when it grows.
func (r Reader) TimeSets() uint64 {
	if c := r.st.cluster; c != nil && c.TimeSet != nil {
		return c.TimeSet.Count
	}
	return 0
}

// LogPosition is the (term, sequence) of the last applied batch.
func (r Reader) LogPosition() (term, sequence uint64) { return r.st.at.term, r.st.at.sequence }

func values[K comparable, V any](pairs iter.Seq2[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range pairs {
			if !yield(v) {
				return
			}
		}
	}
}

func none[V any](func(V) bool) {}

// Configurations, by namespace and id. An empty namespace means all of them.

func (r Reader) Configuration(uid autoscaling.UID) *autoscaling.Configuration {
	if l := r.st.line(uid); l != nil {
		return l.record
	}
	return nil
}

func (r Reader) ConfigurationByID(namespace, id string) *autoscaling.Configuration {
	uid, _ := r.st.configurationNames.get(name(namespace, id))
	return r.Configuration(uid)
}

func (r Reader) Configurations(namespace string) iter.Seq[*autoscaling.Configuration] {
	return func(yield func(*autoscaling.Configuration) bool) {
		for _, uid := range withPrefix(&r.st.configurationNames, r.st.mutable, prefix(namespace)) {
			if c := r.Configuration(uid); c != nil && !yield(c) {
				return
			}
		}
	}
}

func (r Reader) ConfigurationVersion(uid autoscaling.UID, version int32) *autoscaling.ConfigurationVersion {
	if l := r.st.line(uid); l != nil {
		if at, found := l.findVersion(version); found {
			return l.versions[at]
		}
	}
	return nil
}

// ConfigurationVersions are ordered by version, oldest first.
func (r Reader) ConfigurationVersions(uid autoscaling.UID) iter.Seq[*autoscaling.ConfigurationVersion] {
	if l := r.st.line(uid); l != nil {
		return eachChild(l.versions)
	}
	return none
}

// Groups, by namespace and id; DELETED ones are not among them.

func (r Reader) Group(uid autoscaling.UID) *autoscaling.Group { // also a DELETED one
	if s := r.st.shard(uid); s != nil {
		return s.record
	}
	return nil
}

func (r Reader) GroupByID(namespace, id string) *autoscaling.Group { // never a DELETED one
	uid, _ := r.st.groupNames.get(name(namespace, id))
	return r.Group(uid)
}

func (r Reader) Groups(namespace string) iter.Seq[*autoscaling.Group] {
	return r.groups(&r.st.groupNames, prefix(namespace))
}

// LiveGroups are the groups with instances that are not final, by uid: the
// others cost next to nothing.
func (r Reader) LiveGroups() iter.Seq[*autoscaling.Group] {
	return func(yield func(*autoscaling.Group) bool) {
		for _, s := range r.st.groups.all(r.st.mutable) {
			if s.counts.Live > 0 && !yield(s.record) {
				return
			}
		}
	}
}

func (r Reader) GroupCount() int { return r.st.groupNames.len() }

// DeletedGroups are those that had the name; id "" means all of the namespace, namespace "" all.
func (r Reader) DeletedGroups(namespace, id string) iter.Seq[*autoscaling.Group] {
	return r.groups(&r.st.deletedGroups, prefix(namespace, id))
}

// GroupsUsing are the groups whose spec names the configuration.
func (r Reader) GroupsUsing(configuration autoscaling.UID) iter.Seq[*autoscaling.Group] {
	c := r.Configuration(configuration)
	if c == nil {
		return none
	}
	return r.groups(&r.st.users, prefix(c.Namespace, c.ID))
}

func (r Reader) groups(index *table[string, autoscaling.UID], prefix string) iter.Seq[*autoscaling.Group] {
	return func(yield func(*autoscaling.Group) bool) {
		for _, uid := range withPrefix(index, r.st.mutable, prefix) {
			if g := r.Group(uid); g != nil && !yield(g) {
				return
			}
		}
	}
}

// Children of a group, by id.

func (r Reader) Rule(group autoscaling.UID, id string) *autoscaling.Rule {
	if s := r.st.shard(group); s != nil {
		return getChild(s.rules, id, ruleID)
	}
	return nil
}

func (r Reader) Rules(group autoscaling.UID) iter.Seq[*autoscaling.Rule] {
	if s := r.st.shard(group); s != nil {
		return eachChild(s.rules)
	}
	return none
}

func (r Reader) AlarmTask(group autoscaling.UID, id string) *autoscaling.AlarmTask {
	if s := r.st.shard(group); s != nil {
		return getChild(s.alarms, id, alarmID)
	}
	return nil
}

func (r Reader) AlarmTasks(group autoscaling.UID) iter.Seq[*autoscaling.AlarmTask] {
	if s := r.st.shard(group); s != nil {
		return eachChild(s.alarms)
	}
	return none
}

func (r Reader) ScheduledTask(group autoscaling.UID, id string) *autoscaling.ScheduledTask {
	if s := r.st.shard(group); s != nil {
		return getChild(s.tasks, id, taskID)
	}
	return nil
}

func (r Reader) ScheduledTasks(group autoscaling.UID) iter.Seq[*autoscaling.ScheduledTask] {
	if s := r.st.shard(group); s != nil {
		return eachChild(s.tasks)
	}
	return none
}

// Instances of a group that are not final, by id; FinalInstances the others,
// newest end first. Instance finds both.

func (r Reader) Instance(group autoscaling.UID, id autoscaling.InstanceID) *autoscaling.Instance {
	if s := r.st.shard(group); s != nil {
		return s.instance(id)
	}
	return nil
}

func (r Reader) Instances(group autoscaling.UID) iter.Seq[*autoscaling.Instance] {
	if s := r.st.shard(group); s != nil {
		return values(s.live.all(r.st.mutable))
	}
	return none
}

func (r Reader) FinalInstances(group autoscaling.UID) iter.Seq[*autoscaling.Instance] {
	if s := r.st.shard(group); s != nil {
		return values(s.finalOrder.all(r.st.mutable))
	}
	return none
}

func (r Reader) Counts(group autoscaling.UID) Counts {
	if s := r.st.shard(group); s != nil {
		return s.counts
	}
	return Counts{}
}

// FindInstance looks in every group: for sweeps and look-ups by uid.
func (r Reader) FindInstance(id autoscaling.InstanceID) *autoscaling.Instance {
	return r.st.findInstance(id)
}

// Activities of a group, newest first. RunningActivities are those IN_PROGRESS.

func (r Reader) Activity(id autoscaling.ActivityID) *autoscaling.Activity {
	group, _ := r.st.activities.get(id)
	if s := r.st.shard(group); s != nil {
		a, _ := s.activities.get(id)
		return a
	}
	return nil
}

func (r Reader) Activities(group autoscaling.UID) iter.Seq[*autoscaling.Activity] {
	if s := r.st.shard(group); s != nil {
		return values(s.activities.backward(r.st.mutable))
	}
	return none
}

func (r Reader) RunningActivities(group autoscaling.UID) iter.Seq[*autoscaling.Activity] {
	if s := r.st.shard(group); s != nil {
		return values(s.running.backward(r.st.mutable))
	}
	return none
}

// Events with an index above after, in order. FirstEvent is the oldest index
// still kept, LastEvent the newest given; 0 when there was none.

func (r Reader) Events(after uint64) iter.Seq[*autoscaling.Event] { return r.st.events.after(after) }
func (r Reader) FirstEvent() uint64                               { return r.st.events.first() }
func (r Reader) LastEvent() uint64                                { return r.st.events.last }

func (r Reader) Request(namespace, id string) *autoscaling.Request {
	request, _ := r.st.requests.get(name(namespace, id))
	return request
}

// Requests, oldest first.
func (r Reader) Requests() iter.Seq[*autoscaling.Request] {
	return values(r.st.requestOrder.all(r.st.mutable))
}

func (r Reader) Node(id string) *autoscaling.Node {
	n, _ := r.st.nodes.get(id)
	return n
}

func (r Reader) Nodes() iter.Seq[*autoscaling.Node] { return values(r.st.nodes.all(r.st.mutable)) }

func (r Reader) ProviderStore(provider string) *autoscaling.ProviderStore {
	s, _ := r.st.stores.get(provider)
	return s
}

// Orphans, by provider and instance.
func (r Reader) Orphans() iter.Seq[*autoscaling.Orphan] {
	return values(r.st.orphans.all(r.st.mutable))
}
