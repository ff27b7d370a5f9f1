package integrity

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/raft"
)

// Raft's names inside a snapshot's directory, and ours.
const (
	metaFile  = "meta.json"
	sumFile   = "meta.sum"
	unfinish  = ".tmp" // Raft passes over directories that end in it
	sumFormat = "crc32c %08x\n"
)

// Snapshots is Raft's store of snapshots in files, with a checksum for each
// description: an index, a term or a configuration that is wrong there would be
// worse than a wrong state. (Raft itself checks the state.)
type Snapshots struct {
	raft.SnapshotStore
	dir string // where the snapshots' directories are

	mu  sync.Mutex
	err error
}

// NewSnapshots returns the store over Raft's, which keeps its snapshots in dir.
func NewSnapshots(store raft.SnapshotStore, dir string) *Snapshots {
	return &Snapshots{SnapshotStore: store, dir: dir}
}

// Err returns why a snapshot could not be opened, nil when each could: Raft only
// reports that none could.
func (s *Snapshots) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// IDs returns all snapshots that were finished, readable or not.
func (s *Snapshots) IDs() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("open snapshots: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasSuffix(e.Name(), unfinish) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// Seal writes the checksums of all snapshots that have none: those of an earlier
// version.
func (s *Snapshots) Seal() error {
	ids, err := s.IDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := os.Stat(filepath.Join(s.dir, id, sumFile)); err == nil {
			continue
		}
		if err := s.seal(id); err != nil && !errors.Is(err, fs.ErrNotExist) { // without a description it is not readable
			return err
		}
	}
	return nil
}

// PutUnfinishedAside puts snapshots without a checksum aside. The node died
// before they were finished; the log was not yet cut behind them.
func (s *Snapshots) PutUnfinishedAside() error {
	ids, err := s.IDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := os.Stat(filepath.Join(s.dir, id, sumFile)); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := s.PutAside(id, ""); err != nil {
			return err
		}
	}
	return nil
}

// PutAside renames a snapshot so that Raft passes over it; mark is part of the
// new name.
func (s *Snapshots) PutAside(id, mark string) error {
	dir := filepath.Join(s.dir, id)
	if err := os.Rename(dir, dir+mark+unfinish); err != nil {
		return fmt.Errorf("put snapshot %s aside: %w", id, err)
	}
	return nil
}

// sumOf is the checksum of a snapshot's description, as it is written.
func (s *Snapshots) sumOf(id string) (string, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, id, metaFile))
	if err != nil {
		return "", fmt.Errorf("snapshot %s: %w", id, err)
	}
	// The name belongs to it: one snapshot's files do not pass for another's.
	return fmt.Sprintf(sumFormat, crc32.Update(crc32.Checksum([]byte(id), castagnoli), castagnoli, b)), nil
}

func (s *Snapshots) seal(id string) error {
	sum, err := s.sumOf(id)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.dir, id)
	if err := writeFile(filepath.Join(dir, sumFile), sum); err != nil {
		return fmt.Errorf("snapshot %s: %w", id, err)
	}
	return nil
}

// writeFile writes a file as a whole or not at all; it is durable on return.
func writeFile(path, content string) error {
	f, err := os.OpenFile(path+unfinish, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+unfinish, path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// check returns a Damage unless the description matches its checksum.
func (s *Snapshots) check(id string) error {
	want, err := s.sumOf(id)
	if errors.Is(err, fs.ErrNotExist) {
		return Damaged("snapshot %s is corrupt: its %s is missing", id, metaFile)
	}
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(s.dir, id, sumFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Damaged("snapshot %s is corrupt: its %s is missing", id, sumFile)
	case err != nil:
		return fmt.Errorf("snapshot %s: %w", id, err)
	case string(b) != want:
		return Damaged("snapshot %s is corrupt: %s does not match its checksum", id, metaFile)
	}
	return nil
}

// List returns the snapshots whose descriptions are as they were written.
func (s *Snapshots) List() ([]*raft.SnapshotMeta, error) {
	all, err := s.SnapshotStore.List()
	if err != nil {
		return nil, err
	}
	var good []*raft.SnapshotMeta
	for _, m := range all {
		if s.check(m.ID) == nil {
			good = append(good, m)
		}
	}
	return good, nil
}

// Open opens a snapshot whose description and state are as they were written.
func (s *Snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, r, err := s.open(id)
	if err != nil {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
	return meta, r, err
}

func (s *Snapshots) open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if err := s.check(id); err != nil {
		return nil, nil, err
	}
	meta, r, err := s.SnapshotStore.Open(id)
	switch {
	case err == nil:
		return meta, r, nil
	case errors.Is(err, fs.ErrNotExist), err.Error() == "CRC mismatch": // Raft has no type for it
		return nil, nil, Damaged("snapshot %s is corrupt: %v", id, err)
	default: // a disk that cannot be read, or too many open files
		return nil, nil, fmt.Errorf("open snapshot %s: %w", id, err)
	}
}

// Create begins a snapshot. Its checksum is written last: what has none was not
// finished.
func (s *Snapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, transport raft.Transport) (raft.SnapshotSink, error) {
	sink, err := s.SnapshotStore.Create(version, index, term, configuration, configurationIndex, transport)
	if err != nil {
		return nil, err
	}
	return &sealingSink{SnapshotSink: sink, store: s}, nil
}

// sealingSink writes the checksum when the snapshot is finished.
type sealingSink struct {
	raft.SnapshotSink
	store *Snapshots
	over  bool
}

func (s *sealingSink) Cancel() error {
	s.over = true
	return s.SnapshotSink.Cancel()
}

func (s *sealingSink) Close() error {
	if err := s.SnapshotSink.Close(); err != nil || s.over {
		return err
	}
	s.over = true
	return s.store.seal(s.ID())
}
