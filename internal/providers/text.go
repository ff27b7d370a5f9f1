package providers

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling/text"
)

// What a provider says is made text where it comes in: it is recorded, compared
// with what was recorded, and shown.

// Bounds of what is taken from a provider.
const (
	maxMessage   = 2 << 10 // bytes
	maxAddresses = 64
)

// Clean returns the machine with its strings repaired and bounded.
func (m Machine) Clean() Machine {
	for _, s := range []*string{&m.ID, &m.Instance, &m.Cluster, &m.Incarnation, &m.Zone} {
		*s = text.Line(*s)
	}
	m.State = MachineState(text.Line(string(m.State)))
	m.Message = text.Short(m.Message, maxMessage)
	m.Addresses = m.Addresses[:min(len(m.Addresses), maxAddresses)]
	for n, a := range m.Addresses {
		if good := text.Line(a); good != a {
			m.Addresses = slices.Clone(m.Addresses) // the provider's own
			m.Addresses[n] = good
		}
	}
	return m
}

// Clean returns the listing with the strings of its machines repaired.
func (l Listing) Clean() Listing {
	l.Store = text.Line(l.Store)
	l.Machines = slices.Clone(l.Machines)
	for n := range l.Machines {
		l.Machines[n] = l.Machines[n].Clean()
	}
	return l
}
