package fsm

import (
	"encoding/binary"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
)

// position is a place in the sequence of batches.
type position struct{ term, sequence uint64 }

// state is everything that is replicated, with its indexes. While mutable is
// set its one owner writes it in place; once frozen nothing of it ever changes
// and it may be read from anywhere.
type state struct {
	mutable *epoch
	hot     *shard // the one used last, while mutable: batches come back to it

	at    position
	stamp autoscaling.Time
	// lastActivity is the highest number that an activity ever had.
	lastActivity autoscaling.ActivityID
	lastDelivery uint64 // likewise of deliveries

	cluster *autoscaling.Cluster
	nodes   table[string, *autoscaling.Node]
	stores  table[string, *autoscaling.ProviderStore]
	orphans table[string, *autoscaling.Orphan] // by provider, instance

	released table[string, *autoscaling.Released] // by provider, machine

	configurations     table[autoscaling.UID, *configurationLine]
	configurationNames table[string, autoscaling.UID] // namespace, id

	groups        table[autoscaling.UID, *shard]
	groupNames    table[string, autoscaling.UID] // namespace, id; not the DELETED ones
	deletedGroups table[string, autoscaling.UID] // namespace, id, uid
	users         table[string, autoscaling.UID] // namespace, configuration's id, group's id; not DELETED ones

	instances  locator
	activities table[autoscaling.ActivityID, autoscaling.UID] // its group

	targets     table[autoscaling.UID, *outbox]
	targetNames table[string, autoscaling.UID] // namespace, id

	requests     table[string, *autoscaling.Request] // namespace, id
	requestOrder table[string, *autoscaling.Request] // time, namespace, id

	events eventLog
}

// configurationLine is a configuration with its versions. It is replaced as a
// whole.
type configurationLine struct {
	record   *autoscaling.Configuration
	versions []*autoscaling.ConfigurationVersion // by version
}

// fork answers a mutable copy of a frozen state, in constant time.
func (st *state) fork() *state {
	next := *st
	next.mutable = new(epoch)
	return &next
}

func (st *state) freeze() { st.mutable, st.hot = nil, nil }

// shard answers the group's shard for reading, nil when there is none.
func (st *state) shard(group autoscaling.UID) *shard {
	if st.hot != nil && st.hot.record.UID == group {
		return st.hot
	}
	s, _ := st.groups.get(group)
	return s
}

// own answers the shard for writing.
func (st *state) own(s *shard) *shard {
	if s.owner != st.mutable {
		own := *s
		own.owner = st.mutable
		s = &own
		st.groups.set(st.mutable, s.record.UID, s)
	}
	st.hot = s
	return s
}

// The functions below are the only ones that change a state's tables, and keep
// the indexes. A replace puts next in the place of prev; either may be nil.

func (st *state) replaceNode(prev, next *autoscaling.Node) {
	if next == nil {
		st.nodes.delete(st.mutable, prev.ID)
		return
	}
	st.nodes.set(st.mutable, next.ID, next)
}

func (st *state) replaceStore(prev, next *autoscaling.ProviderStore) {
	if next == nil {
		st.stores.delete(st.mutable, prev.Provider)
		return
	}
	st.stores.set(st.mutable, next.Provider, next)
}

func orphanKey(o *autoscaling.Orphan) string { return name(o.Provider, string(o.Instance)) }

func (st *state) replaceOrphan(prev, next *autoscaling.Orphan) {
	if next == nil {
		st.orphans.delete(st.mutable, orphanKey(prev))
		return
	}
	st.orphans.set(st.mutable, orphanKey(next), next)
}

func (st *state) line(configuration autoscaling.UID) *configurationLine {
	l, _ := st.configurations.get(configuration)
	return l
}

// with answers the line with the record changed.
func (l *configurationLine) with(record *autoscaling.Configuration) *configurationLine {
	next := &configurationLine{record: record}
	if l != nil {
		next.versions = l.versions
	}
	return next
}

// withVersion answers the line with the version added or replaced.
func (l *configurationLine) withVersion(v *autoscaling.ConfigurationVersion) *configurationLine {
	at, found := l.findVersion(v.Version)
	versions := slices.Clone(l.versions)
	if found {
		versions[at] = v
	} else {
		versions = slices.Insert(versions, at, v)
	}
	return &configurationLine{record: l.record, versions: versions}
}

func (l *configurationLine) findVersion(version int32) (int, bool) {
	return slices.BinarySearchFunc(l.versions, version, func(v *autoscaling.ConfigurationVersion, n int32) int {
		return int(v.Version) - int(n)
	})
}

func (st *state) replaceConfiguration(prev, next *configurationLine) {
	if prev != nil {
		st.configurationNames.delete(st.mutable, name(prev.record.Namespace, prev.record.ID))
	}
	if next == nil {
		st.configurations.delete(st.mutable, prev.record.UID)
		return
	}
	st.configurations.set(st.mutable, next.record.UID, next)
	st.configurationNames.set(st.mutable, name(next.record.Namespace, next.record.ID), next.record.UID)
}

func (st *state) indexGroup(g *autoscaling.Group) {
	if g.State == autoscaling.GroupDeleted {
		st.deletedGroups.set(st.mutable, name(g.Namespace, g.ID, string(g.UID)), g.UID)
		return
	}
	st.groupNames.set(st.mutable, name(g.Namespace, g.ID), g.UID)
	if g.Configuration.ID != "" {
		st.users.set(st.mutable, name(g.Namespace, g.Configuration.ID, g.ID), g.UID)
	}
}

func (st *state) unindexGroup(g *autoscaling.Group) {
	if g.State == autoscaling.GroupDeleted {
		st.deletedGroups.delete(st.mutable, name(g.Namespace, g.ID, string(g.UID)))
		return
	}
	st.groupNames.delete(st.mutable, name(g.Namespace, g.ID))
	if g.Configuration.ID != "" {
		st.users.delete(st.mutable, name(g.Namespace, g.Configuration.ID, g.ID))
	}
}

// sameGroupIndex says that the indexes hold the same for both.
func sameGroupIndex(a, b *autoscaling.Group) bool {
	return a.Namespace == b.Namespace && a.ID == b.ID && a.Configuration.ID == b.Configuration.ID &&
		(a.State == autoscaling.GroupDeleted) == (b.State == autoscaling.GroupDeleted)
}

// replaceGroup changes the group's own record. Without a next one the group
// must have no children.
func (st *state) replaceGroup(prev, next *autoscaling.Group) {
	if prev != nil && (next == nil || !sameGroupIndex(prev, next)) {
		st.unindexGroup(prev)
	}
	if next == nil {
		st.hot = nil
		st.groups.delete(st.mutable, prev.UID)
		return
	}
	if prev == nil {
		st.groups.set(st.mutable, next.UID, &shard{owner: st.mutable, record: next})
	} else {
		st.own(st.shard(next.UID)).record = next
	}
	if prev == nil || !sameGroupIndex(prev, next) {
		st.indexGroup(next)
	}
}

// removeShard removes a group with everything below it; addShard brings it back.
func (st *state) removeShard(s *shard) {
	st.hot = nil
	st.unindexGroup(s.record)
	for _, instances := range []*table[autoscaling.InstanceID, *autoscaling.Instance]{&s.live, &s.final} {
		for id := range instances.all(nil) {
			st.instances.remove(st.mutable, id)
		}
	}
	for id := range s.activities.all(nil) {
		st.activities.delete(st.mutable, id)
	}
	st.groups.delete(st.mutable, s.record.UID)
}

func (st *state) addShard(s *shard) {
	st.indexGroup(s.record)
	for _, instances := range []*table[autoscaling.InstanceID, *autoscaling.Instance]{&s.live, &s.final} {
		for id := range instances.all(nil) {
			st.instances.add(st.mutable, id, s.record.UID)
		}
	}
	for id := range s.activities.all(nil) {
		st.activities.set(st.mutable, id, s.record.UID)
	}
	st.groups.set(st.mutable, s.record.UID, s)
}

func (st *state) replaceRule(group autoscaling.UID, prev, next *autoscaling.Rule) {
	s := st.own(st.shard(group))
	s.rules = replaceChild(s.rules, prev, next, ruleID)
}

func (st *state) replaceAlarm(group autoscaling.UID, prev, next *autoscaling.AlarmTask) {
	s := st.own(st.shard(group))
	s.alarms = replaceChild(s.alarms, prev, next, alarmID)
}

func (st *state) replaceTask(group autoscaling.UID, prev, next *autoscaling.ScheduledTask) {
	s := st.own(st.shard(group))
	s.tasks = replaceChild(s.tasks, prev, next, taskID)
}

// putInstance answers what was there before.
func (st *state) putInstance(s *shard, next *autoscaling.Instance) (prev *autoscaling.Instance) {
	if prev = st.own(s).putInstance(next); prev == nil {
		st.instances.add(st.mutable, next.ID, next.Group)
	}
	return prev
}

func (st *state) removeInstance(s *shard, i *autoscaling.Instance) {
	st.own(s).removeInstance(i)
	st.instances.remove(st.mutable, i.ID)
}

// putActivity answers what was there before.
func (st *state) putActivity(s *shard, next *autoscaling.Activity) (prev *autoscaling.Activity) {
	if prev = st.own(s).putActivity(next); prev == nil {
		st.activities.set(st.mutable, next.ID, next.Group)
	}
	return prev
}

func (st *state) removeActivity(s *shard, id autoscaling.ActivityID) {
	st.own(s).removeActivity(id)
	st.activities.delete(st.mutable, id)
}

// sawActivity keeps the number from being given again.
func (st *state) sawActivity(id autoscaling.ActivityID) { st.lastActivity = max(st.lastActivity, id) }

func requestKey(r *autoscaling.Request) string { return name(r.Namespace, r.ID) }

func requestOrderKey(r *autoscaling.Request) string {
	key := make([]byte, 8, 8+len(r.Namespace)+1+len(r.ID))
	binary.BigEndian.PutUint64(key, uint64(r.Time))
	return string(append(key, requestKey(r)...))
}

func (st *state) replaceRequest(prev, next *autoscaling.Request) {
	if prev != nil {
		st.requestOrder.delete(st.mutable, requestOrderKey(prev))
	}
	if next == nil {
		st.requests.delete(st.mutable, requestKey(prev))
		return
	}
	st.requests.set(st.mutable, requestKey(next), next)
	st.requestOrder.set(st.mutable, requestOrderKey(next), next)
}

func (st *state) oldestRequest() *autoscaling.Request {
	_, oldest, _ := st.requestOrder.tree.Min()
	return oldest.v
}
