package fsm

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
)

// Released is the record of a machine that was let go alive, nil when there is
// none.
func (r Reader) Released(provider, machineID string) *autoscaling.Released {
	m, _ := r.st.released.get(name(provider, machineID))
	return m
}

// AllReleased are ordered by provider and machine.
func (r Reader) AllReleased() iter.Seq[*autoscaling.Released] {
	return values(r.st.released.all(r.st.mutable))
}

func (tx *Tx) PutReleased(m *autoscaling.Released) {
	repairTexts(kindReleased, m)
	st, prev := tx.st, tx.Released(m.Provider, m.MachineID)
	st.replaceReleased(prev, m)
	tx.put(kindReleased, key{a: m.Provider, b: m.MachineID}, m, func() { st.replaceReleased(m, prev) })
}

func (tx *Tx) DeleteReleased(provider, machineID string) {
	st, prev := tx.st, tx.Released(provider, machineID)
	if prev == nil {
		return
	}
	st.replaceReleased(prev, nil)
	tx.remove(kindReleased, key{a: provider, b: machineID}, func() { st.replaceReleased(nil, prev) })
}

func (st *state) replaceReleased(prev, next *autoscaling.Released) {
	if next == nil {
		st.released.delete(st.mutable, name(prev.Provider, prev.MachineID))
		return
	}
	st.released.set(st.mutable, name(next.Provider, next.MachineID), next)
}
