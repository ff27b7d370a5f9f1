package process

import (
	"cmp"
	"errors"

	"github.com/asctl/as/internal/providers"
)

// files is all that the directory says of one instance.
type files struct {
	record record
	run    *run
	exit   *exit
}

// read is false when there is no such machine.
func (p *Provider) read(instance string) (files, bool, error) {
	var f files
	found, err := readJSON(p.paths.instance(instance, recordFile), &f.record)
	if err != nil || !found {
		return files{}, false, err
	}
	// In this order: an exit that is read has a run that is read.
	var e exit
	found, err = readJSON(p.paths.instance(f.record.home(), exitFile), &e)
	if err != nil && !errors.Is(err, errCorrupt) {
		return files{}, false, err
	}
	if found {
		f.exit = &e
	}
	if f.run, err = readRun(p.paths, instance); err != nil {
		return files{}, false, err
	}
	return f, true, nil
}

// readRun is nil when no process was recorded yet. A record that cannot be read
// is that of a process which cannot be found any more.
func readRun(p paths, instance string) (*run, error) {
	var r run
	found, err := readJSON(p.instance(instance, runFile), &r)
	if errors.Is(err, errCorrupt) {
		return &run{}, nil
	}
	if err != nil || !found {
		return nil, err
	}
	return &r, nil
}

// readExit is nil where nobody saw how the process ended.
func (p *Provider) readExit(instance string) *exit {
	var e exit
	if found, err := readJSON(p.paths.instance(instance, exitFile), &e); err != nil || !found {
		return nil
	}
	return &e
}

// machine is the instance as it is at this moment.
func (p *Provider) machine(f files) providers.Machine {
	return f.machine(f.run != nil && p.alive(f.run.identity))
}

func (f files) machine(alive bool) providers.Machine {
	m := providers.Machine{
		ID:         f.record.machineID(),
		Zone:       f.record.Spec.Zone,
		CreateTime: f.record.CreateTime,
	}
	if !f.record.released() {
		m.Instance, m.Cluster, m.Incarnation = f.record.Spec.Instance, f.record.Cluster, f.record.Incarnation
	}
	if f.record.Address != "" {
		m.Addresses = []string{f.record.Address}
	}
	switch {
	case f.run == nil && f.record.Halted:
		m.State, m.Message = providers.MachineStopped, "stopped before it was started"
	case f.run == nil:
		m.State = providers.MachineCreated
	case alive:
		m.State = providers.MachineRunning
	default:
		m.State, m.Message = providers.MachineStopped, "not running"
		if f.exit != nil {
			m.Message = cmp.Or(f.exit.Message, m.Message)
		}
	}
	return m
}

// readTombstone is nil when the instance was not removed, or so long ago that
// nobody remembers.
func (p *Provider) readTombstone(instance string) (*tombstone, error) {
	var t tombstone
	found, err := readJSON(p.paths.tombstone(instance), &t)
	if err != nil || !found {
		return nil, err
	}
	return &t, nil
}
