package sim

import (
	"net/netip"
	"time"

	"github.com/asctl/as/internal/providers"
)

// graveLife is how long a removed instance's id stays refused. A call that is
// later than that belongs to a leader of a day ago.
const graveLife = 24 * time.Hour

// grave is what is left of a removed machine.
type grave struct {
	cluster string
	spoke   string
	epoch   uint64
	dug     int64
}

// table is all records of the cloud. Whoever changes one says so with save or
// remove, which write down what changed for the journal. One goroutine at a
// time owns it (Cloud.turn).
type table struct {
	store     string
	machines  map[string]*machine
	order     []*machine          // the same machines, to walk them fast and in the same order each time
	outside   map[string]*machine // that bear nobody's mark, by the platform's id
	holders   map[string]string   // instances of machines whose id is not derived from theirs, by that id
	gone      map[string]bool     // ids of such machines that were removed
	graves    map[string]grave
	dug       []string // graves, oldest first
	zones     map[string]int
	addresses *addressPool
	names     map[string]string // one copy of each cluster, group, zone and incarnation
	tags      map[tag]*tag      // one copy of each

	recording bool   // whether there is a journal
	records   []byte // of this batch
	scratch   []byte // of the line that is read
}

func newTable(store string, pool netip.Prefix) *table {
	return &table{
		store:     store,
		machines:  make(map[string]*machine),
		outside:   make(map[string]*machine),
		holders:   make(map[string]string),
		gone:      make(map[string]bool),
		graves:    make(map[string]grave),
		zones:     make(map[string]int),
		addresses: newAddressPool(pool),
		names:     make(map[string]string),
		tags:      make(map[tag]*tag),
	}
}

// reset forgets everything, before the journal is read from its beginning.
func (t *table) reset(store string) {
	fresh := newTable(store, t.addresses.prefix)
	fresh.recording = t.recording
	*t = *fresh
}

func (t *table) intern(s string) string {
	if known, ok := t.names[s]; ok {
		return known
	}
	t.names[s] = s
	return s
}

func (t *table) tag(g tag) *tag {
	known := t.tags[g]
	if known == nil {
		fresh := g // &g would put every call's tag on the heap
		known = &fresh
		t.tags[fresh] = known
	}
	return known
}

// put enters a machine, or takes the place of the record of the same instance.
func (t *table) put(m *machine) {
	if old := t.machines[m.instance]; old != nil {
		t.zones[old.zone]--
		t.addresses.free(old.address)
		m.slot = old.slot
		t.order[m.slot] = m
	} else {
		m.slot = int32(len(t.order))
		t.order = append(t.order, m)
	}
	t.machines[m.instance] = m
	if m.id != "" {
		t.holders[m.id] = m.instance
	}
	t.zones[m.zone]++
	t.addresses.hold(m.address)
}

// drop takes a machine out; without a grave it was never there.
func (t *table) drop(m *machine) {
	delete(t.machines, m.instance)
	delete(t.holders, m.id)
	last := t.order[len(t.order)-1]
	t.order[m.slot], last.slot = last, m.slot
	t.order[len(t.order)-1] = nil
	t.order = t.order[:len(t.order)-1]
	t.vacate(m)
}

// vacate gives back what the machine takes up.
func (t *table) vacate(m *machine) {
	if t.zones[m.zone]--; t.zones[m.zone] == 0 {
		delete(t.zones, m.zone)
	}
	t.addresses.free(m.address)
}

func (t *table) bury(instance string, g grave) {
	if old, ok := t.graves[instance]; ok {
		g.dug = old.dug
	} else {
		t.dug = append(t.dug, instance)
	}
	t.graves[instance] = g
}

// forget opens graves that are older than graveLife.
func (t *table) forget(now int64) {
	for len(t.dug) > 0 && now-t.graves[t.dug[0]].dug > int64(graveLife) {
		delete(t.graves, t.dug[0])
		t.dug = t.dug[1:]
	}
}

func (t *table) save(m *machine) {
	if t.recording {
		t.records = appendMachine(t.records, m)
	}
}

func (t *table) saveGrave(instance string) {
	if t.recording {
		t.records = appendGrave(t.records, instance, t.graves[instance])
	}
}

// find answers the instance's machine after the fence was checked and noted:
// nil without an error when it was never made.
func (t *table) find(fence providers.Fence, instance string) (*machine, error) {
	m := t.machines[instance]
	if m == nil {
		return nil, nil
	}
	if m.cluster != fence.Cluster {
		return nil, providers.Errorf(providers.Conflict, "machine %s belongs to cluster %q", machineID(instance), m.cluster)
	}
	if outdated(m.spoke, m.epoch, fence) {
		return nil, staleEpoch(instance, fence.Epoch, m.epoch)
	}
	if m.spoke != fence.Incarnation || m.epoch != fence.Epoch {
		m.spoke, m.epoch = t.intern(fence.Incarnation), fence.Epoch
		t.save(m)
	}
	return m, nil
}

// checkGrave is StaleEpoch when the instance's removal was ordered by a newer
// leader than the caller.
func (t *table) checkGrave(fence providers.Fence, instance string) (buried bool, err error) {
	g, ok := t.graves[instance]
	if ok && g.cluster == fence.Cluster && outdated(g.spoke, g.epoch, fence) {
		return true, staleEpoch(instance, fence.Epoch, g.epoch)
	}
	return ok, nil
}

// outdated: terms start over when a backup is restored, so that epochs of two
// incarnations cannot be compared; a new one is taken at its word.
func outdated(spoke string, epoch uint64, fence providers.Fence) bool {
	return spoke == fence.Incarnation && fence.Epoch < epoch
}

func staleEpoch(instance string, got, seen uint64) error {
	return providers.Errorf(providers.StaleEpoch, "instance %s: epoch %d is over, a leader of epoch %d has spoken", instance, got, seen)
}

func removed(instance string) error {
	return providers.Errorf(providers.StaleEpoch, "instance %s was removed", instance)
}
