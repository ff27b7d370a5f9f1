package cluster

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
)

// disk times what Raft does with its storage: Raft's main loop waits for each
// write, and with it all that would notice that the node is of no use, while
// heartbeats, which need no disk, go on. Nothing here touches the disk itself.
type disk struct {
	// failed is called, once for each storage, when a write has failed.
	failed func(error)

	serving atomic.Bool // Raft runs: its errors are no longer those of a start

	mu      sync.Mutex
	running map[*access]struct{}
	worked  time.Time // when a write last succeeded
	failure error     // of the first write that failed
}

// access is one operation that has begun and not ended.
type access struct {
	what  string
	began time.Time
}

func newDisk(failed func(error)) *disk {
	return &disk{failed: failed, running: map[*access]struct{}{}}
}

func (d *disk) begin(what string) *access {
	a := &access{what: what, began: time.Now()}
	d.mu.Lock()
	d.running[a] = struct{}{}
	d.mu.Unlock()
	return a
}

func (d *disk) end(a *access) {
	d.mu.Lock()
	delete(d.running, a)
	d.mu.Unlock()
}

// read runs an operation that changes nothing. That it fails may be its result.
func (d *disk) read(what string, f func() error) error {
	a := d.begin(what)
	defer d.end(a)
	return f()
}

// write runs an operation that changes what is stored. The first one that fails
// is the last one: what the disk has then is known only when it is read again.
func (d *disk) write(what string, f func() error) error {
	d.mu.Lock()
	err := d.failure
	d.mu.Unlock()
	if err != nil {
		return err
	}
	a := d.begin(what)
	err = f()
	d.mu.Lock()
	delete(d.running, a)
	refused := new(*integrity.Refused)
	first := err != nil && d.failure == nil && !errors.As(err, refused) // else nothing was written
	if err == nil {
		d.worked = time.Now()
	} else if first {
		d.failure = fmt.Errorf("%s: %w", what, err)
		err = d.failure
	}
	d.mu.Unlock()
	if first {
		d.failed(err)
	}
	return err
}

// hanging returns the operation that has been going on for longest, and for how
// long; 0: there is none.
func (d *disk) hanging() (what string, since time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for a := range d.running {
		if t := time.Since(a.began); t > since {
			what, since = a.what, t
		}
	}
	return what, since
}

// renew forgets the failure: the storage is opened anew.
func (d *disk) renew() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = nil
	d.serving.Store(false)
}

// broken returns the error of the write that failed.
func (d *disk) broken() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure
}

// works reports whether a write succeeded within the last moments and nothing
// has been waiting for longer than that.
func (d *disk) works(within time.Duration) bool {
	_, since := d.hanging()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure == nil && since <= within && !d.worked.IsZero() && time.Since(d.worked) <= within
}

// watch returns the storage with its log and its votes timed. Snapshots are
// not: Raft's main loop does not wait for them, and they may take their time.
func (d *disk) watch(s *Storage) *Storage {
	return &Storage{Logs: timedLogs{s.Logs, d}, Stable: timedStable{s.Stable, d}, Snapshots: s.Snapshots}
}

// timedLogs is a raft.LogStore whose operations are timed.
type timedLogs struct {
	raft.LogStore
	disk *disk
}

func (t timedLogs) GetLog(index uint64, log *raft.Log) error {
	return t.disk.read("read the log", func() error { return t.LogStore.GetLog(index, log) })
}

func (t timedLogs) StoreLog(log *raft.Log) error { return t.StoreLogs([]*raft.Log{log}) }

func (t timedLogs) StoreLogs(logs []*raft.Log) error {
	return t.disk.write("write the log", func() error { return t.LogStore.StoreLogs(logs) })
}

func (t timedLogs) DeleteRange(from, to uint64) error {
	return t.disk.write("shorten the log", func() error { return t.LogStore.DeleteRange(from, to) })
}

// timedStable is a raft.StableStore whose operations are timed.
type timedStable struct {
	raft.StableStore
	disk *disk
}

func (t timedStable) Set(key, value []byte) error {
	return t.disk.write("write a vote", func() error { return t.StableStore.Set(key, value) })
}

func (t timedStable) SetUint64(key []byte, value uint64) error {
	err := t.disk.write("write the term", func() error { return t.StableStore.SetUint64(key, value) })
	if err != nil && t.disk.serving.Load() && string(key) == "CurrentTerm" {
		// Raft would panic, for the node cannot go on in a term that it may forget.
		// It is muted, so that nothing of what it does leaves it; the goroutine ends
		// here, and Raft with it.
		runtime.Goexit()
	}
	return err
}

func (t timedStable) Get(key []byte) (value []byte, err error) {
	err = t.disk.read("read a vote", func() error { value, err = t.StableStore.Get(key); return err })
	return value, err
}

func (t timedStable) GetUint64(key []byte) (value uint64, err error) {
	err = t.disk.read("read the term", func() error { value, err = t.StableStore.GetUint64(key); return err })
	return value, err
}
