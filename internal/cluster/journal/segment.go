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

// segmentSize holds 1024 of the smallest records: two segments never have more
// entries of one each than Raft keeps behind a snapshot.
const segmentSize = 4 << 20

// segment is a file that is written from its beginning to its end, again and
// again.
type segment struct {
	file   file
	offset int64  // of the next record
	lowest uint64 // index of its first entry; 0: it has none that would be replayed
}

// file is an *os.File, or in tests one that a crash can be made of.
type file interface {
	io.WriterAt
	io.Closer
}

func paths(dir string) [2]string {
	return [2]string{filepath.Join(dir, "journal-0"), filepath.Join(dir, "journal-1")}
}

// create makes both segments, and anew what an earlier attempt left.
func create(dir string, size int) error {
	for _, path := range paths(dir) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		_, err = f.Write(make([]byte, size))
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("journal %s: %w", path, err)
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("journal: sync %s: %w", dir, err)
	}
	return nil
}

// openSegment opens a segment and reads what is in it. A write to it is on the
// disk when it returns.
func openSegment(path string, size int) (*os.File, found, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_DSYNC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, found{}, fmt.Errorf("journal %s is missing; the node's state cannot be read without it", path)
	}
	if err != nil {
		return nil, found{}, fmt.Errorf("journal: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(size)+1))
	switch {
	case err != nil:
		err = fmt.Errorf("journal: %w", err)
	case len(b) < size:
		err = fmt.Errorf("journal %s is truncated: it has %d bytes instead of %d", path, len(b), size)
	case len(b) > size:
		err = fmt.Errorf("journal %s is not a journal: it has more than %d bytes", path, size)
	}
	var s found
	if err == nil {
		if s, err = scan(b); err != nil {
			err = fmt.Errorf("journal %s: %w", path, err)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, found{}, err
	}
	return f, s, nil
}
