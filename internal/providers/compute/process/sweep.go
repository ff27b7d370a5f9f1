package process

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// What is kept, and how much of it.
const (
	sweepInterval    = time.Minute
	sweepBatch       = 1000 // things cleared of each kind per sweep
	tombstoneAge     = 24 * time.Hour
	leavingsAge      = time.Hour
	oldLogAge        = 7 * 24 * time.Hour
	oldLogs          = 1000
	logLimit         = 64 << 20 // of a living machine; checked once per sweep
	logKept          = 16 << 20
	temporaryPattern = ".new-"
)

// sweepClock remembers when the next sweep is due.
type sweepClock struct {
	mu   sync.Mutex
	next time.Time
}

func (c *sweepClock) due(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.next) {
		return false
	}
	c.next = now.Add(sweepInterval)
	return true
}

// sweepIfDue clears what calls that were cut short have left, and what was kept
// long enough. It rides on List because that is called as long as there is
// somebody to care; each node on the host may do it.
func (p *Provider) sweepIfDue(ctx context.Context) {
	now := time.Now()
	if !p.sweeps.due(now) {
		return
	}
	err := errors.Join(
		p.sweepFiles(p.paths.internal(), now.Add(-leavingsAge), 0, isTemporary),
		p.sweepFiles(p.paths.internal(internalRemoved), now.Add(-leavingsAge), 0, isTemporary),
		p.sweepFiles(p.paths.internal(internalRemoved), now.Add(-tombstoneAge), 0, isInstance),
		p.sweepFiles(p.paths.internal(internalLogs), now.Add(-oldLogAge), oldLogs, nil),
		p.sweepTrash(),
		p.sweepInstances(ctx, now.Add(-leavingsAge)),
		p.sweepAddresses(ctx),
	)
	if err != nil {
		p.logger.Warn("sweep of the instance directory is incomplete", "error", err)
	}
}

func isTemporary(name string) bool { return strings.HasPrefix(name, temporaryPattern) }

func isInstance(name string) bool { return instanceName.MatchString(name) }

// sweepFiles removes the files that match and are older, and of the younger
// ones the oldest beyond a number (0: no matter how many).
func (p *Provider) sweepFiles(directory string, older time.Time, number int, match func(string) bool) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	var infos []os.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && (match == nil || match(info.Name())) {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	excess := 0
	if number > 0 {
		excess = len(infos) - number
	}
	var errs []error
	for i, info := range infos {
		if i == sweepBatch || i >= excess && !info.ModTime().Before(older) {
			break
		}
		errs = append(errs, ignoreMissing(os.Remove(directory+"/"+info.Name())))
	}
	return errors.Join(errs...)
}

// sweepTrash deletes what a removal had no time for.
func (p *Provider) sweepTrash() error {
	entries, err := os.ReadDir(p.paths.internal(internalTrash))
	errs := []error{err}
	for _, entry := range entries[:min(len(entries), sweepBatch)] {
		errs = append(errs, os.RemoveAll(p.paths.internal(internalTrash, entry.Name())))
	}
	return errors.Join(errs...)
}

// bound cuts the beginning off a machine's log that has grown too long. The
// command writes at the end and notices nothing; a file system that cannot
// take a piece out of a file leaves a hole, which takes no room.
func bound(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() <= logLimit {
		return ignoreMissing(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return ignoreMissing(err)
	}
	defer func() { _ = file.Close() }()
	const block = 1 << 20 // a multiple of every file system's block
	length := (info.Size() - logKept) / block * block
	if err := unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 0, length); err == nil {
		return nil
	}
	return unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, length)
}
