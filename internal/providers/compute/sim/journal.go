package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	journalName = "machines.log"
	lockName    = "lock"
	headerWord  = "as-sim 1 "

	// compactAbove is the size that starts a compaction when most of the file is
	// history, see append.
	compactAbove = 32 << 20
	readChunk    = 1 << 20
)

// journal is the file that nodes share. Everything is done under an exclusive
// flock of a file beside it, which dies with its process. It is never synced:
// the machines are not real, and a page that the kernel has outlives us.
//
// Its method begin brings the table up to what others wrote, append adds what
// this process changed. A tail that a killed process left behind half-written
// is cut off by the next one that holds the lock. Compaction renames a new file
// over the old one; others notice that the name means another file and start
// over.
type journal struct {
	path      string
	lock      *os.File
	file      *os.File // nil: not open, or what was read cannot be trusted
	inode     uint64
	offset    int64 // up to here the table has it
	threshold int64 // the size that may start a compaction
}

// openJournal makes directory and file when they are missing; what is there is
// read by the first begin.
func openJournal(directory, store string) (*journal, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of machines: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(directory, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of machines: %w", err)
	}
	j := &journal{path: filepath.Join(directory, journalName), lock: lock, threshold: compactAbove}
	if err := j.create(store); err != nil {
		_ = lock.Close() // the first error says more
		return nil, err
	}
	return j, nil
}

// create writes a header where there is no file yet. Later a missing file is an
// error: it was there, and so were its machines.
func (j *journal) create(store string) error {
	if err := j.acquire(); err != nil {
		return err
	}
	defer j.end()
	if _, err := os.Stat(j.path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return j.replace([]byte(headerWord + store + "\n"))
}

// replace puts a new file in the journal's place in one step.
func (j *journal) replace(content []byte) error {
	next := j.path + ".new"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", next, err)
	}
	return os.Rename(next, j.path)
}

func (j *journal) close() error {
	j.forget()
	return j.lock.Close()
}

// acquire polls: a blocking flock could not be bounded.
func (j *journal) acquire() error {
	wait := 50 * time.Microsecond
	for deadline := time.Now().Add(lockWait); ; wait = min(2*wait, 5*time.Millisecond) {
		err := unix.Flock(int(j.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", j.lock.Name(), err)
		case time.Now().After(deadline):
			return fmt.Errorf("another process held %s for more than %s", j.lock.Name(), lockWait)
		}
		<-time.After(wait)
	}
}

// end gives the lock back.
func (j *journal) end() { _ = unix.Flock(int(j.lock.Fd()), unix.LOCK_UN) }

// begin takes the lock and reads what other processes wrote into the table.
func (j *journal) begin(t *table) error {
	if err := j.acquire(); err != nil {
		return err
	}
	if err := j.catchUp(t); err != nil {
		j.forget()
		j.end()
		return err
	}
	return nil
}

func (j *journal) catchUp(t *table) error {
	var stat unix.Stat_t
	if err := unix.Stat(j.path, &stat); err != nil {
		return fmt.Errorf("the machines' journal %s: %w", j.path, err)
	}
	if j.file == nil || j.inode != stat.Ino || stat.Size < j.offset {
		if err := j.reopen(t, stat.Ino); err != nil {
			return err
		}
	}
	if stat.Size == j.offset {
		return nil
	}
	if err := j.read(t, stat.Size); err != nil {
		return err
	}
	if j.offset < stat.Size {
		return j.file.Truncate(j.offset) // the tail of one that was killed
	}
	return nil
}

// reopen starts over with the file that the name means now.
func (j *journal) reopen(t *table, inode uint64) error {
	j.forget()
	file, err := os.OpenFile(j.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open the machines' journal: %w", err)
	}
	head := make([]byte, 256)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = file.Close() // the first error says more
		return fmt.Errorf("read the machines' journal: %w", err)
	}
	line, _, ok := strings.Cut(string(head[:n]), "\n")
	store, known := strings.CutPrefix(line, headerWord)
	if !ok || !known || store == "" {
		_ = file.Close() // was not written to
		return fmt.Errorf("%s does not begin with %q: not a journal that this version reads", j.path, headerWord)
	}
	t.reset(store)
	j.file, j.inode, j.offset = file, inode, int64(len(line)+1)
	return nil
}

// read applies whole lines from offset to size and moves offset behind them.
func (j *journal) read(t *table, size int64) error {
	var rest []byte // of a line that goes on in the next chunk
	chunk := make([]byte, min(readChunk, size-j.offset))
	for at := j.offset; at < size; {
		n, err := j.file.ReadAt(chunk[:min(int64(len(chunk)), size-at)], at)
		if err != nil && n == 0 {
			return fmt.Errorf("read the machines' journal: %w", err)
		}
		at += int64(n)
		rest = append(rest, chunk[:n]...)
		end := bytes.LastIndexByte(rest, '\n') + 1
		for line := range strings.Lines(string(rest[:end])) {
			if err := t.applyLine(line[:len(line)-1]); err != nil {
				return fmt.Errorf("%s at byte %d: %w", j.path, j.offset, err)
			}
			j.offset += int64(len(line))
		}
		rest = rest[:copy(rest, rest[end:])]
	}
	return nil
}

// append writes the table's new records. When that fails the table has what the
// file has not, and is read anew next time.
func (j *journal) append(t *table) error {
	if len(t.records) == 0 {
		return nil
	}
	if _, err := j.file.WriteAt(t.records, j.offset); err != nil {
		_ = j.file.Truncate(j.offset) // else the next reader cuts it off or reads it whole
		j.forget()
		return fmt.Errorf("write the machines' journal: %w", err)
	}
	j.offset += int64(len(t.records))
	if j.offset > j.threshold && j.offset > 4*t.journalSize() {
		j.compact(t)
	}
	return nil
}

// journalSize is about how long a journal of only the newest records is.
func (t *table) journalSize() int64 {
	return 120*int64(len(t.order)+len(t.outside)) + 40*int64(len(t.dug)+len(t.gone))
}

// compact writes only what still counts. A failure costs nothing but space: it
// is tried again when the file has doubled.
func (j *journal) compact(t *table) {
	j.threshold = max(compactAbove, 2*j.offset)
	content := make([]byte, 0, t.journalSize()+64)
	content = append(content, headerWord+t.store+"\n"...)
	for _, m := range t.order {
		content = appendMachine(content, m)
	}
	for _, id := range slices.Sorted(maps.Keys(t.outside)) {
		content = appendOutside(content, t.outside[id])
	}
	for _, id := range slices.Sorted(maps.Keys(t.gone)) {
		content = appendGone(content, id)
	}
	for _, instance := range t.dug {
		content = appendGrave(content, instance, t.graves[instance])
	}
	if err := j.replace(content); err != nil {
		return
	}
	// The table is what the new file says; only the handle is of the old one.
	file, err := os.OpenFile(j.path, os.O_RDWR, 0)
	if err != nil {
		j.forget()
		return
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		_ = file.Close() // was not written to
		j.forget()
		return
	}
	_ = j.file.Close() // the old one; nothing is lost with it
	j.file, j.inode, j.offset, j.threshold = file, stat.Ino, stat.Size, compactAbove
}

func (j *journal) forget() {
	if j.file != nil {
		_ = j.file.Close() // nothing is buffered
	}
	j.file = nil
}
