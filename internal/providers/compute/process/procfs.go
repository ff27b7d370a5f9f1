package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// procStat is what we need of /proc/PID/stat, see proc_pid_stat(5).
type procStat struct {
	pid     int
	state   byte
	group   int
	session int
	cpu     uint64 // user and system time with that of reaped children, clock ticks
	threads int64
	start   uint64 // clock ticks since boot
	rss     int64  // pages
}

// dead is a process that ended, reaped or not. The first thread of a process
// may end before the others and shows as a zombie, too; then threads tells.
func (s procStat) dead() bool {
	return (s.state == 'Z' || s.state == 'X' || s.state == 'x') && s.threads <= 1
}

// readStat reads with plain system calls: a listing does it a thousand times.
func readStat(pid int) (procStat, error) {
	var path [32]byte
	name := append(path[:0], "/proc/"...)
	name = strconv.AppendInt(name, int64(pid), 10)
	name = append(name, "/stat"...)
	fd, err := ignoringEINTR(func() (int, error) { return unix.Open(string(name), unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return procStat{}, err
	}
	defer func() { _ = unix.Close(fd) }()
	var buffer [1024]byte
	n, err := ignoringEINTR(func() (int, error) { return unix.Read(fd, buffer[:]) })
	if err != nil {
		return procStat{}, err // ESRCH: ended since it was opened
	}
	return parseStat(pid, buffer[:n])
}

func parseStat(pid int, line []byte) (procStat, error) {
	// The second field is the program's name in parentheses and may hold anything.
	end := bytes.LastIndexByte(line, ')')
	if end < 0 {
		return procStat{}, fmt.Errorf("/proc/%d/stat: no program name", pid)
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) < 22 {
		return procStat{}, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	number := func(field int) int64 { // counted from 1 as in the manual
		n, _ := strconv.ParseInt(string(fields[field-3]), 10, 64)
		return n
	}
	return procStat{
		pid:     pid,
		state:   fields[0][0],
		group:   int(number(5)),
		session: int(number(6)),
		cpu:     uint64(number(14) + number(15) + number(16) + number(17)),
		threads: number(20),
		start:   uint64(number(22)),
		rss:     number(24),
	}, nil
}

// processes calls visit for each process of the host.
func processes(visit func(procStat)) error {
	proc, err := os.Open("/proc")
	if err != nil {
		return err
	}
	names, err := proc.Readdirnames(-1)
	_ = proc.Close()
	if err != nil {
		return err
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if stat, err := readStat(pid); err == nil { // else it ended meanwhile
			visit(stat)
		}
	}
	return nil
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for { // ends: an interrupted call is not interrupted forever
		if n, err := call(); err != unix.EINTR {
			return n, err
		}
	}
}

// bootTime is when the host began, by its clock now.
func bootTime() (time.Time, error) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, err
	}
	for line := range bytes.Lines(content) {
		if text, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			seconds, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
			return time.Unix(seconds, 0).UTC(), err
		}
	}
	return time.Time{}, fmt.Errorf("/proc/stat does not say when the host began")
}
