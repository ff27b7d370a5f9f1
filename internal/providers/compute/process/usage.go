package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Usage sums up the sessions of all running machines. CPU is the average since
// an earlier call, at least a second back where there was one; memory counts
// pages that processes share once for each. Without a stated size a machine
// has one core and the host's memory.
func (p *Provider) Usage(ctx context.Context, cluster string) ([]providers.Usage, error) {
	all, err := p.scan(ctx, cluster)
	if err != nil {
		return nil, err
	}
	total, err := hostMemory()
	if err != nil {
		return nil, asUnavailable(err, "usage")
	}
	sessions, others, err := sumUse(adoptedPIDs(all))
	if err != nil {
		return nil, asUnavailable(err, "usage")
	}
	now := time.Now()
	var list []providers.Usage
	seen := make(map[string]bool)
	for _, f := range all {
		if f.run == nil || f.run.BootID != p.bootID {
			continue
		}
		sum := sessions[f.run.PID]
		if sum == nil || sum.leaderStart == 0 { // adopted: it leads no session
			sum = others[f.run.PID]
		}
		if sum == nil || sum.leaderStart != f.run.Ticks {
			continue // not running
		}
		spec := f.record.Spec
		seen[spec.Instance] = true
		list = append(list, providers.Usage{
			Instance:      spec.Instance,
			CPUPercent:    cpuPercent(p.rates.since(spec.Instance, sample{now, sum.cpu}), spec.CPUMillis),
			MemoryPercent: memoryPercent(sum.memory, spec.MemoryMiB, total),
			Time:          now.UTC(),
		})
	}
	p.rates.keep(seen)
	return list, nil
}

// cpuPercent of an allotment; cores is negative when it is not known.
func cpuPercent(cores float64, millis int32) float64 {
	if cores < 0 || millis <= 0 {
		return cores * 100
	}
	return cores * 100_000 / float64(millis)
}

func memoryPercent(used uint64, mebibytes int32, host uint64) float64 {
	if mebibytes > 0 {
		host = uint64(mebibytes) << 20
	}
	return float64(used) * 100 / float64(host)
}

// adoptedPIDs are the processes that may lead no session of their own.
func adoptedPIDs(all []files) map[int]bool {
	pids := make(map[int]bool)
	for _, f := range all {
		if f.record.Adopted != nil && f.run != nil {
			pids[f.run.PID] = true
		}
	}
	return pids
}

// sessionSum is what the processes of one session use.
type sessionSum struct {
	leaderStart uint64 // 0: the leader does not run
	cpu         uint64 // ticks
	memory      uint64 // bytes
}

// sumUse sums up sessions by their leader, and the groups of some processes, or
// these alone where they lead none.
func sumUse(alone map[int]bool) (sessions, others map[int]*sessionSum, err error) {
	sessions, others = make(map[int]*sessionSum), make(map[int]*sessionSum)
	err = processes(func(s procStat) {
		if s.dead() {
			return
		}
		add(sessions, s.session, s)
		switch {
		case alone[s.group]:
			add(others, s.group, s)
		case alone[s.pid]:
			add(others, s.pid, s)
		}
	})
	return sessions, others, err
}

func add(sums map[int]*sessionSum, leader int, s procStat) {
	sum := sums[leader]
	if sum == nil {
		sum = &sessionSum{}
		sums[leader] = sum
	}
	if s.pid == leader {
		sum.leaderStart = s.start
	}
	sum.cpu += s.cpu
	sum.memory += uint64(max(s.rss, 0)) * pageSize
}

var pageSize = uint64(os.Getpagesize())

func hostMemory() (uint64, error) {
	content, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	var kibibytes uint64
	line, _, _ := bytes.Cut(content, []byte("\n"))
	if _, err := fmt.Sscanf(string(line), "MemTotal: %d kB", &kibibytes); err != nil || kibibytes == 0 {
		return 0, fmt.Errorf("/proc/meminfo begins with %q", line)
	}
	return kibibytes << 10, nil
}
