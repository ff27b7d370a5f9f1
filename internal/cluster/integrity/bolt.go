package integrity

import (
	"errors"
	"runtime/debug"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Bolt is a log file whose damage is an error: bbolt panics over a page that it
// does not understand, and a page that cannot be read is a fault.
type Bolt struct {
	*raftboltdb.BoltStore
	// Damaged, when set, is called with the damage before a method returns it.
	Damaged func(error)
}

// contained calls f and returns its panics and faults as damage.
func (b *Bolt) contained(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = Damaged("the log file cannot be read: %v", p)
		}
		if IsDamage(err) && b.Damaged != nil {
			b.Damaged(err)
		}
	}()
	return f()
}

// GetLog reads an entry.
func (b *Bolt) GetLog(index uint64, l *raft.Log) error {
	return b.contained(func() error {
		err := b.BoltStore.GetLog(index, l)
		switch {
		case err == nil, errors.Is(err, raft.ErrLogNotFound), errors.Is(err, bolterrors.ErrDatabaseNotOpen),
			errors.Is(err, bolterrors.ErrInvalidMapping), errors.Is(err, bolterrors.ErrTimeout):
			return err
		}
		return Damaged("log entry %d cannot be decoded: %v", index, err)
	})
}

// FirstIndex returns the index of the first entry, 0 when there is none.
func (b *Bolt) FirstIndex() (index uint64, err error) {
	err = b.contained(func() (err error) { index, err = b.BoltStore.FirstIndex(); return err })
	return index, err
}

// LastIndex returns the index of the last entry, 0 when there is none.
func (b *Bolt) LastIndex() (index uint64, err error) {
	err = b.contained(func() (err error) { index, err = b.BoltStore.LastIndex(); return err })
	return index, err
}

// StoreLog stores one entry.
func (b *Bolt) StoreLog(l *raft.Log) error { return b.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries in one transaction.
func (b *Bolt) StoreLogs(logs []*raft.Log) error {
	return b.contained(func() error { return b.BoltStore.StoreLogs(logs) })
}

// DeleteRange deletes entries in one transaction.
func (b *Bolt) DeleteRange(from, to uint64) error {
	return b.contained(func() error { return b.BoltStore.DeleteRange(from, to) })
}

// Set stores a stable value.
func (b *Bolt) Set(key, value []byte) error {
	return b.contained(func() error { return b.BoltStore.Set(key, value) })
}

// Get returns a stable value.
func (b *Bolt) Get(key []byte) (value []byte, err error) {
	err = b.contained(func() (err error) { value, err = b.BoltStore.Get(key); return err })
	return value, err
}
