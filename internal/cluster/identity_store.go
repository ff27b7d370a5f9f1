package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// fileIdentity keeps an identity in a file, which is replaced by renaming.
type fileIdentity struct{ path string }

func (f fileIdentity) Load() ([]byte, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func (f fileIdentity) Save(b []byte) error {
	temporary := f.path + ".tmp"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, f.path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(f.path))
}

// syncDirectory makes what was created, renamed or removed in a directory durable.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// memoryIdentity keeps an identity as long as the process runs.
type memoryIdentity struct {
	mu sync.Mutex
	b  []byte
}

func (m *memoryIdentity) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b, nil
}

func (m *memoryIdentity) Save(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.b = b
	return nil
}
