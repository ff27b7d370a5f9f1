package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// segmentSize is also what one transaction of the store takes over.
const segmentSize = 4 << 20

// segment is a file that is written from its beginning to its end, again and
// again.
type segment struct {
	file   file
	offset int64  // of the next record
	lowest uint64 // index of its first entry; 0: it has none that would be replayed
}

// file is an *os.File, or in tests one that loses its power.
type file interface {
	io.WriterAt
	io.Closer
}

func paths(dir string) [2]string {
	return [2]string{filepath.Join(dir, "journal-0"), filepath.Join(dir, "journal-1")}
}

// create makes both segments, and anew what an earlier attempt left. The first
// one begins with a record: a journal without any is damaged.
func create(dir string, size int, seed uint32) error {
	first := appendRecord(nil, seed, 0, record{number: 1})
	for _, path := range paths(dir) {
		f, err := os.OpenFile(path+made, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		_, err = f.Write(append(first, make([]byte, size-len(first))...))
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("journal %s: %w", path, err)
		}
		first = nil
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("journal: sync %s: %w", dir, err)
	}
	return nil
}

// read reads a segment, which has its size or is damaged.
func read(path string, size int) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("journal %s is missing; the node's state cannot be read without it", path)
	case err != nil:
		return nil, fmt.Errorf("journal: %w", err)
	case info.Size() < int64(size):
		return nil, fmt.Errorf("journal %s is truncated: it has %d bytes instead of %d", path, info.Size(), size)
	case info.Size() > int64(size):
		return nil, fmt.Errorf("journal %s is not a journal: it has %d bytes instead of %d", path, info.Size(), size)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return b, nil
}

// openFile opens a segment for writing. A write is on the disk when it returns.
func openFile(path string) (file, error) { return os.OpenFile(path, os.O_WRONLY|syscall.O_DSYNC, 0) }
