package virtual

import (
	"fmt"
	"maps"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// The book's part about machines that are not ours to end: those of which nobody
// is the owner yet, those that are attached and not entrusted, those that leave
// alive, and those that were let go.

const (
	Adopted  Deed = "adopted"  // our mark is on a machine that was there
	Released Deed = "released" // our mark is off, and it lives on
)

// outsider enters a machine that a test made, by the platform's name.
func (l *Ledger) outsider(machineID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("--", "somebody makes machine %s", machineID)
	l.free[machineID] = false
}

// outsiderEnded is the end of a machine that is nobody's.
func (l *Ledger) outsiderEnded(machineID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("--", "machine %s ends", machineID)
	delete(l.free, machineID)
}

// Free are the machines that are nobody's and must run, by the platform's name.
func (l *Ledger) Free() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.free))
}

// Count is for how many instances the deed was done.
func (l *Ledger) Count(d Deed) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.machines {
		if slices.Contains(m.Deeds, d) {
			n++
		}
	}
	return n
}

// Released are those of them that we let go.
func (l *Ledger) Released() []string {
	var ours []string
	for _, id := range l.Free() {
		l.mu.Lock()
		if l.free[id] {
			ours = append(ours, id)
		}
		l.mu.Unlock()
	}
	return ours
}

func (l *Ledger) adopted(node string, epoch uint64, intent *autoscaling.Instance, spec providers.AdoptSpec, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, fmt.Sprintf("adopt %s as %s", spec.MachineID, spec.Instance), err)
	if err != nil {
		return
	}
	l.must(intent != nil, "node %s adopted machine %s without an intent", node, spec.MachineID)
	if l.machines[spec.Instance] != nil {
		return // again
	}
	_, free := l.free[spec.MachineID]
	l.must(free, "node %s adopted machine %s, which is somebody's or does not run", node, spec.MachineID)
	delete(l.free, spec.MachineID)
	m := &Machine{Instance: spec.Instance, Group: spec.Group, Guest: spec.MachineID, spared: intent != nil && intent.OnlyReleased(), running: true}
	m.did(Adopted)
	l.machines[spec.Instance] = m
	l.enter(m)
}

// released looks at what must be before a machine is let go, and after.
func (l *Ledger) released(node string, epoch uint64, record *autoscaling.Instance, instance string, is providers.Machine, lists, serving []string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, "release "+instance, err)
	m := l.machines[instance]
	if err != nil || m == nil || m.Gone {
		return
	}
	l.must(record != nil, "node %s released %s, of which it knows nothing", node, instance)
	if record != nil && !record.State.Final() {
		l.must(record.Step == autoscaling.StepRelease, "node %s released %s, which is %s %s", node, instance, record.State, record.Step)
		l.must(len(lists) == 0, "node %s released %s while its address was in %v", node, instance, lists)
		l.must(len(serving) == 0, "node %s released %s while it got traffic from %v", node, instance, serving)
	}
	m.running = false
	l.gone(m)
	if is.State == providers.MachineRunning {
		m.did(Released)
		l.free[is.ID] = true
	}
}

// spares notes a broken rule when the machine runs and is not ours to end.
// l.mu is held.
func (l *Ledger) spares(node, what string, record *autoscaling.Instance, m *Machine) {
	if m.spared || record != nil && record.State == autoscaling.Detaching {
		l.must(!l.runs(m), "node %s %s machine %s, which is not ours to end", node, what, m.Instance)
	}
}
