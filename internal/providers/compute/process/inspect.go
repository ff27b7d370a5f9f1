package process

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// Inspect answers a machine by its own name, whoever's it is.
func (p *Provider) Inspect(ctx context.Context, machineID string) (providers.Machine, error) {
	if err := ctx.Err(); err != nil {
		return providers.Machine{}, asUnavailable(err, "inspect %s", machineID)
	}
	if err := p.checkStore(); err != nil {
		return providers.Machine{}, err
	}
	c, err := p.find(machineID)
	if err != nil {
		return providers.Machine{}, err
	}
	return c.machine, nil
}

// candidate is a machine that may be adopted.
type candidate struct {
	machine  providers.Machine // as Inspect answers it
	identity identity
	home     string // the instance that released it; empty: never ours
}

// find looks a machine up by its own name.
func (p *Provider) find(machineID string) (candidate, error) {
	all, err := p.records()
	if err != nil {
		return candidate{}, asUnavailable(err, "inspect %s", machineID)
	}
	if pid, address, ok := parseOutsideID(machineID); ok {
		return p.findProcess(all, pid, address)
	}
	for _, f := range all { // those of instances first: a released one may be adopted again
		if f.record.live() && f.record.machineID() == machineID {
			return p.candidate(f), nil
		}
	}
	for _, f := range all {
		if f.record.released() && f.record.machineID() == machineID && f.run != nil {
			return p.candidate(f), nil
		}
	}
	return candidate{}, noMachine("there is no machine %q; a process that runs is named PID@ADDRESS", machineID)
}

func noMachine(format string, args ...any) error {
	return providers.Errorf(providers.NotFound, format, args...)
}

// records are all entries that are not removed. One that cannot be read hides
// its machine only.
func (p *Provider) records() ([]files, error) {
	names, err := p.instances()
	if err != nil {
		return nil, err
	}
	var all []files
	for _, name := range names {
		f, found, err := p.cache.read(p, name)
		if err != nil && !errors.Is(err, errCorrupt) {
			return nil, err
		}
		if err == nil && found && !f.record.removed() {
			all = append(all, f)
		}
	}
	return all, nil
}

func (p *Provider) candidate(f files) candidate {
	c := candidate{machine: p.machine(f)}
	if f.run != nil {
		c.identity = f.run.identity
	}
	if f.record.released() {
		c.home = f.record.home()
	}
	return c
}

// findProcess looks at a process that may be an instance's, may have been one's,
// or was never ours.
func (p *Provider) findProcess(all []files, pid int, address netip.Addr) (candidate, error) {
	stat, err := readStat(pid)
	if err != nil || stat.dead() {
		return candidate{}, noMachine("no process %d runs on this host", pid)
	}
	id := identity{PID: pid, Ticks: stat.start, BootID: p.bootID}
	released := -1
	for n, f := range all {
		switch {
		case f.run == nil:
		case f.run.identity == id && f.record.live():
			return p.candidate(f), nil
		case f.run.identity == id:
			released = n
		case stat.session == f.run.PID && p.alive(f.run.identity) && f.record.Adopted == nil:
			return candidate{}, providers.Errorf(providers.Conflict, "process %d belongs to machine %s: it is in its session", pid, f.record.machineID())
		}
	}
	if released >= 0 {
		f := all[released]
		if f.record.Address != address.String() {
			return candidate{}, providers.Errorf(providers.Conflict, "process %d is machine %s, with address %s", pid, f.record.machineID(), f.record.Address)
		}
		return p.candidate(f), nil
	}
	return p.outsider(all, stat, id, address)
}

// outsider is a process that was never ours: whether it can be.
func (p *Provider) outsider(all []files, stat procStat, id identity, address netip.Addr) (candidate, error) {
	if err := servesHere(address); err != nil {
		return candidate{}, noMachine("%w", err)
	}
	if err := p.mayControl(stat, id); err != nil {
		return candidate{}, err
	}
	for _, f := range all {
		if f.record.Address == address.String() {
			return candidate{}, providers.Errorf(providers.Conflict, "address %s is machine %s's", address, f.record.machineID())
		}
	}
	began, err := startOf(stat)
	if err != nil {
		return candidate{}, asUnavailable(err, "process %d", id.PID)
	}
	return candidate{identity: id, machine: providers.Machine{
		ID: outsideID(id.PID, address), State: providers.MachineRunning, Addresses: []string{address.String()}, CreateTime: began,
	}}, nil
}

// mayControl says whether the process may be made an instance: not what keeps the
// host or us alive, and nothing that we could not end if it were entrusted to us.
func (p *Provider) mayControl(stat procStat, id identity) error {
	line, _ := os.ReadFile("/proc/" + strconv.Itoa(id.PID) + "/cmdline")
	if id.PID == 1 || id.PID == os.Getppid() || len(line) == 0 || runsAsserver(id.PID) {
		return providers.Errorf(providers.Unauthorized, "process %d is not one to be an instance: it belongs to the host, or is asserver itself", id.PID)
	}
	handle, err := p.openProcess(id)
	if err != nil || handle == nil {
		return noMachine("no process %d runs on this host", id.PID)
	}
	defer func() { _ = handle.Close() }()
	if err := sendSignal(handle, 0); errors.Is(err, unix.EPERM) {
		return providers.Errorf(providers.Unauthorized, "process %d is another user's: asserver may not signal it", id.PID)
	}
	return p.checkOwner(id.PID)
}

// runsAsserver says whether the process runs our own program: this node, or
// another one of the host. An instance runs its command instead. It goes by the
// path, since an upgrade replaces the file under the nodes that run.
func runsAsserver(pid int) bool {
	ours, err := program("self")
	if err != nil {
		return pid == os.Getpid()
	}
	its, err := program(strconv.Itoa(pid))
	return err == nil && its == ours
}

func program(process string) (string, error) {
	path, err := os.Readlink("/proc/" + process + "/exe")
	return strings.TrimSuffix(path, " (deleted)"), err
}

// startOf is when a process began, by the host's clock now.
func startOf(stat procStat) (time.Time, error) {
	boot, err := bootTime()
	if err != nil {
		return time.Time{}, err
	}
	return boot.Add(time.Duration(stat.start) * (time.Second / ticksPerSecond)), nil
}
