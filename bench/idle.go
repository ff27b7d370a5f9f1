package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

const (
	idleGroups = 10_000
	// idleWindow has at least one collection of the leader's garbage in it (Go
	// makes one every two minutes) and two rounds of the groups' own checks.
	idleWindow = 130 * time.Second
	// clockTick is the unit of /proc/PID/stat, the same on every Linux.
	clockTick = 10 * time.Millisecond
)

// measureIdle is IDLE: what groups cost that have nothing to do. The memory is
// the live heap, which is the least that was in use over the window; what the
// process holds beyond that is given beside it.
func measureIdle(ctx context.Context, o options, dir string, r *report) error {
	cluster, err := startCluster(ctx, o, dir)
	if err != nil {
		return err
	}
	defer cluster.Stop()
	leader, err := cluster.Leader(ctx)
	if err != nil {
		return err
	}
	base, empty, err := watchIdle(ctx, leader, idleWindow/2)
	if err != nil {
		return err
	}
	conns, err := dial(leader.GRPC, 4)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	group := &pb.Group{
		MinSize: proto.Int32(0), MaxSize: proto.Int32(10), DefaultCooldown: durationpb.New(time.Minute),
		Configuration: &pb.Group_ConfigurationReference{Name: "sim"},
	}
	if err := createGroups(ctx, conns[0], idleGroups, group); err != nil {
		return err
	}
	cpu, full, err := watchIdle(ctx, leader, idleWindow)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d idle groups: ", idleGroups)
	perGroup := func(bytes float64) float64 { return bytes / idleGroups / 1024 }
	r.add(row{Goal: "IDLE", What: "CPU of a leader without groups, of one core", Unit: "%", OurRuns: []float64{100 * base}}, nil)
	r.add(row{Goal: "IDLE", What: what + "CPU of the leader beyond that", Unit: "%", OurRuns: []float64{100 * (cpu - base)}, Commit: "< 1 %"}, func(ours, _ float64) bool { return ours < 1 })
	r.add(row{Goal: "IDLE", What: what + "live heap of the leader, each", Unit: "KiB", OurRuns: []float64{perGroup(full.heap - empty.heap)}, Commit: "≤ 20 KiB"}, func(ours, _ float64) bool { return ours <= 20 })
	r.add(row{Goal: "IDLE", What: what + "resident memory of the leader, each", Unit: "KiB", OurRuns: []float64{perGroup(full.resident - empty.resident)}}, nil)
	return nil
}

// memory is in bytes.
type memory struct{ heap, resident float64 }

// watchIdle answers which part of one core the node used over the window, and
// the least memory that it had in it.
func watchIdle(ctx context.Context, n *nodes.Node, window time.Duration) (cpu float64, least memory, err error) {
	before, err := cpuTime(n.Pid())
	if err != nil {
		return 0, memory{}, err
	}
	start := time.Now()
	end := time.After(window)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		if err = least.take(ctx, n); err != nil {
			return 0, memory{}, err
		}
		select {
		case <-ctx.Done():
			return 0, memory{}, ctx.Err()
		case <-tick.C:
			continue
		case <-end:
		}
		after, err := cpuTime(n.Pid())
		return (after - before).Seconds() / time.Since(start).Seconds(), least, err
	}
}

func (m *memory) take(ctx context.Context, n *nodes.Node) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.HTTP+"/metrics", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		var least *float64
		switch name {
		case "go_memstats_heap_alloc_bytes":
			least = &m.heap
		case "process_resident_memory_bytes":
			least = &m.resident
		default:
			continue
		}
		now, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if *least == 0 || now < *least {
			*least = now
		}
	}
	if m.heap == 0 || m.resident == 0 {
		return fmt.Errorf("%s/metrics does not show the memory in use", n.HTTP)
	}
	return nil
}

// cpuTime is what a process has used since it began.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	// The name in brackets may have blanks; user and system time are the 12th and
	// 13th field after it.
	fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	ticks := 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}
