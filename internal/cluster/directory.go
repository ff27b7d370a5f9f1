package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"github.com/asctl/as/internal/cluster/integrity"
	"github.com/asctl/as/internal/cluster/journal"
)

// What is in a data directory, beside the journal's two files. identityFile is
// written last when one is made: where it says that the node has data, a log must
// be. nodeIDFile is what earlier versions had in its place.
const (
	lockFile     = "lock"
	identityFile = "identity"
	nodeIDFile   = "node-id"
	logFile      = "raft.db"
	snapshotsDir = "snapshots" // the name is Raft's
)

// directory is an open data directory: locked, checked, and usable as Storage.
type directory struct {
	path      string
	lock      *os.File
	bolt      *integrity.Bolt
	journal   *journal.Store
	logs      *integrity.Log
	snapshots *integrity.Snapshots
	storage   Storage
}

// openDirectory makes the directory when it is not there. It tells failed when
// nothing can be written to it any more.
func openDirectory(path, nodeID string, log hclog.Logger, failed func(error)) (_ *directory, err error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	d := &directory{path: path}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if err := d.takeLock(); err != nil {
		return nil, err
	}
	id, err := d.readIdentity(nodeID)
	if err != nil {
		return nil, err
	}
	if err := d.checkLogFile(!id.hasData()); err != nil {
		return nil, err
	}
	if err := d.open(log, failed); err != nil {
		return nil, err
	}
	if err := d.verify(log); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	return d, d.settleIdentity(id, nodeID)
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// takeLock locks the directory for this process; the lock goes with it.
func (d *directory) takeLock() error {
	f, err := os.OpenFile(d.file(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock the data directory %s: %w", d.path, err)
		}
		pid, _ := io.ReadAll(io.LimitReader(f, 32))
		return fmt.Errorf("data directory %s is in use by process %s", d.path, strings.TrimSpace(string(pid)))
	}
	d.lock = f
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("lock the data directory: %w", err)
	}
	if _, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return fmt.Errorf("lock the data directory: %w", err)
	}
	return nil
}

// checkLogFile finds a log file that is not there or was cut short, before
// bbolt maps it: reading past the end of the file would kill the process.
func (d *directory) checkLogFile(fresh bool) error {
	path := d.file(logFile)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if fresh {
			return nil
		}
		return fmt.Errorf("log file %s is missing; the node's state cannot be read without it", path)
	}
	if err != nil {
		return fmt.Errorf("log file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("log file: %w", err)
	}
	if info.Size() == 0 && fresh {
		return nil // died while it was made
	}
	used, err := boltHighWater(f)
	if err != nil {
		return fmt.Errorf("log file %s (%d bytes) cannot be read: %w", path, info.Size(), err)
	}
	if info.Size() < used {
		return fmt.Errorf("log file %s is truncated: it has %d bytes, its header says %d", path, info.Size(), used)
	}
	if fresh {
		return nil // died while it was made: no entry was acknowledged
	}
	if err := integrity.CheckPages(f); err != nil {
		return fmt.Errorf("log file %s: %w", path, err)
	}
	return nil
}

// boltHighWater reads from the newer of bbolt's two meta pages how many bytes
// of the file are in use. (The layout is part of the file format, version 2: a
// page header of 16 bytes, then the meta.)
func boltHighWater(f io.ReaderAt) (int64, error) {
	const magic, header, metaSize = 0xED0CDAED, 16, 64
	var used int64
	var newest uint64
	pageSizes := []int64{int64(os.Getpagesize()), 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16}
	offsets := append([]int64{0}, pageSizes...)
	for _, at := range offsets {
		b := make([]byte, header+metaSize)
		if _, err := f.ReadAt(b, at); err != nil {
			continue
		}
		m := b[header:]
		if binary.NativeEndian.Uint32(m) != magic {
			continue
		}
		pageSize := int64(binary.NativeEndian.Uint32(m[8:]))
		if at != 0 && at != pageSize {
			continue
		}
		sum := fnv.New64a()
		sum.Write(m[:56])
		if sum.Sum64() != binary.NativeEndian.Uint64(m[56:]) {
			continue // torn by a crash: the other one counts
		}
		pages, tx := binary.NativeEndian.Uint64(m[40:]), binary.NativeEndian.Uint64(m[48:])
		if tx >= newest {
			newest, used = tx, int64(pages)*pageSize
		}
	}
	if used == 0 {
		return 0, errors.New("it has no valid header; it is truncated or not a log")
	}
	return used, nil
}

// open opens log and snapshots.
func (d *directory) open(log hclog.Logger, failed func(error)) error {
	bolt, err := raftboltdb.New(raftboltdb.Options{
		Path: d.file(logFile),
		BoltOptions: &bbolt.Options{
			Timeout: time.Second,
			// Without these three, commits become many times slower for good after
			// a large truncation.
			NoFreelistSync:  true,
			FreelistType:    bbolt.FreelistMapType,
			InitialMmapSize: 1 << 30, // address space, not memory
		},
	})
	if err != nil {
		return fmt.Errorf("open log file %s: %w", d.file(logFile), err)
	}
	d.bolt = &integrity.Bolt{BoltStore: bolt}
	files, err := raft.NewFileSnapshotStoreWithLogger(d.path, 2, calm{log.Named("snapshot")})
	if err != nil {
		return fmt.Errorf("open snapshots: %w", err)
	}
	d.snapshots = integrity.NewSnapshots(files, d.file(snapshotsDir))
	stable, err := d.openStable()
	if err != nil {
		return fmt.Errorf("log file %s: %w", d.file(logFile), err)
	}
	d.journal, err = journal.Open(journal.Config{
		Dir: d.path, Store: chunked{d.bolt}, Stable: stable, Failed: failed, Logger: log.Named("journal"),
	})
	if err != nil {
		return err
	}
	d.logs = &integrity.Log{LogStore: newLogCache(d.journal)}
	d.storage = Storage{Logs: d.logs, Stable: stable, Snapshots: d.snapshots, Identity: fileIdentity{d.file(identityFile)}}
	return d.takeOver()
}

// close closes what is open, in reverse order.
func (d *directory) close() error {
	var errs []error
	if d.journal != nil {
		errs = append(errs, d.journal.Close())
	}
	if d.bolt != nil {
		errs = append(errs, d.bolt.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close()) // and with it the lock
	}
	return errors.Join(errs...)
}
