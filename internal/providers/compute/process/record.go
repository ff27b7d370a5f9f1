package process

import (
	"slices"
	"time"

	"github.com/asctl/as/internal/providers"
)

// mark is who may act on an instance: the highest fence seen.
type mark struct {
	Cluster     string   `json:"cluster"`
	Incarnation string   `json:"incarnation"`
	Superseded  []string `json:"superseded,omitempty"` // incarnations that may not come back
	Epoch       uint64   `json:"epoch"`
}

const supersededLimit = 16

// admit takes the fence's call and reports whether the mark changed. Epochs
// are terms of one incarnation's log and compare only within it; the first
// call of another incarnation (the state was restored from a backup) takes the
// instance over for good.
func (m *mark) admit(instance string, fence providers.Fence) (changed bool, err error) {
	switch {
	case fence.Cluster != m.Cluster:
		return false, providers.Errorf(providers.Conflict, "%s belongs to cluster %q", instance, m.Cluster)
	case fence.Incarnation == m.Incarnation && fence.Epoch < m.Epoch:
		return false, providers.Errorf(providers.StaleEpoch,
			"%s: epoch %d has been overtaken by %d", instance, fence.Epoch, m.Epoch)
	case fence.Incarnation == m.Incarnation:
		changed = fence.Epoch > m.Epoch
		m.Epoch = fence.Epoch
		return changed, nil
	case slices.Contains(m.Superseded, fence.Incarnation):
		return false, providers.Errorf(providers.StaleEpoch,
			"%s: incarnation %q has been overtaken by %q", instance, fence.Incarnation, m.Incarnation)
	}
	m.Superseded = append(m.Superseded, m.Incarnation)
	if over := len(m.Superseded) - supersededLimit; over > 0 {
		m.Superseded = slices.Delete(m.Superseded, 0, over)
	}
	m.Incarnation, m.Epoch = fence.Incarnation, fence.Epoch
	return true, nil
}

func markOf(fence providers.Fence) mark {
	return mark{Cluster: fence.Cluster, Incarnation: fence.Incarnation, Epoch: fence.Epoch}
}

// record is machine.json: changed under the instance's gate only.
type record struct {
	mark
	Spec       providers.MachineSpec `json:"spec"`
	Address    string                `json:"address"`
	CreateTime time.Time             `json:"create_time"`
	Halted     bool                  `json:"halted,omitempty"`     // no start may begin any more
	RemoveTime time.Time             `json:"remove_time,omitzero"` // removed; burying it may be unfinished
	// ReleaseTime is when it was let go: what runs is nobody's, and the entry only
	// keeps its name and address.
	ReleaseTime time.Time `json:"release_time,omitzero"`
	Adopted     *adopted  `json:"adopted,omitempty"`
	RunAs       *account  `json:"run_as,omitempty"` // nil: as asserver
}

func (r *record) removed() bool { return !r.RemoveTime.IsZero() }

func (r *record) released() bool { return !r.ReleaseTime.IsZero() }

// live: it is some instance's.
func (r *record) live() bool { return !r.removed() && !r.released() }

// machineID is the name of the machine itself, which outlives its being released
// and adopted.
func (r *record) machineID() string {
	if r.Adopted != nil {
		return r.Adopted.MachineID
	}
	return r.Spec.Instance
}

// home is the instance whose entry has the machine's address, and its directory
// where it was started by us.
func (r *record) home() string {
	if r.Adopted != nil && r.Adopted.Home != "" {
		return r.Adopted.Home
	}
	return r.Spec.Instance
}

// adopted is a machine that was there before the instance.
type adopted struct {
	MachineID string `json:"machine_id"`
	Home      string `json:"home,omitempty"` // of one that was released by this instance; empty: never ours before
}

// tombstone remembers a removed instance.
type tombstone struct {
	mark
	RemoveTime time.Time `json:"remove_time"`
}

// run is run.json: written once, by the starter, under the instance's lock,
// just before it becomes the command.
type run struct {
	identity
	Epoch     uint64    `json:"epoch"`
	StartTime time.Time `json:"start_time"`
}

// exit is exit.json: how the process ended, where somebody saw it.
type exit struct {
	PID     int       `json:"pid"`
	Message string    `json:"message"`
	Time    time.Time `json:"time"`
}
