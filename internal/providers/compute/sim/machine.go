package sim

import (
	"net/netip"
	"time"

	"github.com/asctl/as/internal/providers"
)

// ending is why a machine ends.
type ending byte

const (
	endNone    ending = iota
	endStopped        // asked to
	endKilled         // did not end within the time-out
	endCrashed        // by Kill
	endFailed         // by the failure rate: it never ran
	endBroken         // by BornBroken: it ended as soon as it ran
)

var endingMessages = [...]string{
	endNone:    "",
	endStopped: "stopped",
	endKilled:  "killed after the stop time-out",
	endCrashed: "crashed: exit status 137",
	endFailed:  "simulated launch failure",
	endBroken:  "exit status 1 (born broken)",
}

// tag is what many machines have in common: one copy serves them all.
type tag struct {
	cluster     string
	incarnation string // of the state that made it
	group       string
	zone        string
	usage       usage
}

// machine is one record. There may be a million. Times are Unix nanoseconds, 0 is never; what lies in
// the future has not happened yet.
//
//	CREATED ──start──▶ (launching) ──runsAt──▶ RUNNING ──endsAt──▶ STOPPED
//	                        └────────endsAt before runsAt────────────▲
type machine struct {
	instance string // empty: nobody's, see table.outside
	id       string // the platform's; empty: derived from instance, see machineID
	*tag
	spoke   string // the incarnation whose epoch is the highest seen
	epoch   uint64
	address netip.Addr
	created int64
	runsAt  int64
	endsAt  int64
	slot    int32 // in table.order
	end     ending
}

func (m *machine) state(now int64) providers.MachineState {
	switch {
	case m.endsAt != 0 && m.endsAt <= now:
		return providers.MachineStopped
	case m.runsAt != 0 && m.runsAt <= now:
		return providers.MachineRunning
	}
	return providers.MachineCreated
}

// started reports whether Start was ever accepted, or the machine ended.
func (m *machine) started() bool { return m.runsAt != 0 || m.endsAt != 0 }

// endAt makes the machine end then, unless it ends before.
func (m *machine) endAt(at int64, why ending) bool {
	if m.endsAt != 0 && m.endsAt <= at {
		return false
	}
	m.endsAt, m.end = at, why
	return true
}

func (m *machine) describe(now int64) providers.Machine {
	d := providers.Machine{
		ID:          m.platformID(),
		Instance:    m.instance,
		Cluster:     m.cluster,
		Incarnation: m.incarnation,
		Zone:        m.zone,
		State:       m.state(now),
		Addresses:   []string{m.address.String()},
		CreateTime:  time.Unix(0, m.created).UTC(),
	}
	if d.State == providers.MachineStopped {
		d.Message = endingMessages[m.end]
	}
	return d
}

func (m *machine) platformID() string {
	if m.id != "" {
		return m.id
	}
	return machineID(m.instance)
}

// machineID derives the platform's name from ours, so that a second call for an
// instance can only meet the same machine.
func machineID(instance string) string { return derivedPrefix + instance }

const derivedPrefix = "sim-"
