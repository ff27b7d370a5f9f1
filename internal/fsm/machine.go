package fsm

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// Machine is the raft.FSM (and BatchingFSM): it applies committed batches,
// publishes a View after each, and prepares the next batches on the leader.
//
// Preparing and applying may run on two goroutines; both are safe together.
// When the batch being applied is the oldest prepared one, its prepared state
// becomes the applied state as it is, without decoding.
type Machine struct {
	applied atomic.Pointer[state] // frozen; stored by Raft's goroutine alone
	decoder decoder               // of Raft's goroutine
	failed  chan struct{}

	mu         sync.Mutex
	generation uint64     // grows when prepared states are dropped
	prepared   []prepared // sealed, not applied; oldest first
	open       *Batch
	sequence   uint64 // highest one sealed here or applied: none is used twice
	err        error

	subscriptions []*Subscription

	watch *watch // in tests only
}

// prepared is a sealed batch whose entry was not applied yet.
type prepared struct {
	st      *state
	entry   []byte
	touched touched
}

// NewMachine makes an empty state.
func NewMachine() *Machine {
	m := &Machine{failed: make(chan struct{})}
	m.applied.Store(&state{})
	return m
}

// View is the newest applied state.
func (m *Machine) View() View { return View{Reader{st: m.applied.Load()}} }

// Discard drops everything prepared and not applied, and the open batch: the
// leader lost its place, or an entry was skipped.
func (m *Machine) Discard() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

func (m *Machine) drop() {
	m.generation++
	m.prepared = nil
	m.open = nil
}

// Failed is closed when the machine met something that it cannot apply. It
// stays at the state before: the node must stop, since skipping it would make
// the node differ from the others. Err says why.
func (m *Machine) Failed() <-chan struct{} { return m.failed }

// Err is an *UnreadableError once Failed is closed, else nil.
func (m *Machine) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// UnreadableError says that a log entry cannot be applied by this node.
type UnreadableError struct {
	Index uint64 // of the Raft log
	Older bool   // a newer version wrote it: this node is older than the log
	Cause error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("log entry %d cannot be applied: %v", e.Index, e.Cause)
}

func (e *UnreadableError) Unwrap() error { return e.Cause }

func (m *Machine) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
		m.drop()
		close(m.failed)
	}
}

// Result is what applying an entry answers (raft.ApplyFuture.Response).
type Result struct {
	// Skipped: the entry's predecessor was not the last applied; nothing changed.
	Skipped bool
	// Err: the node cannot apply it and must stop; see Failed.
	Err error
}

// Apply applies one entry and answers a Result.
func (m *Machine) Apply(log *raft.Log) any { return m.ApplyBatch([]*raft.Log{log})[0] }

// ApplyBatch applies entries in order and answers a Result for each. What has
// to be decoded is published once, at the end.
func (m *Machine) ApplyBatch(logs []*raft.Log) []any {
	answers := make([]any, len(logs))
	a := applier{m: m}
	for i, log := range logs {
		if log.Type != raft.LogCommand {
			continue
		}
		answers[i] = a.apply(log)
	}
	a.publish()
	return answers
}

// applier applies a run of entries. It runs on Raft's goroutine.
type applier struct {
	m       *Machine
	next    *state // what was decoded and not published
	touched touched
}

func (a *applier) current() *state {
	if a.next != nil {
		return a.next
	}
	return a.m.applied.Load()
}

func (a *applier) apply(log *raft.Log) Result {
	if err := a.m.Err(); err != nil {
		return Result{Err: err}
	}
	head, changes, err := readEntryHead(log.Data)
	if err != nil {
		return a.fail(log.Index, err)
	}
	if head.before != a.current().at {
		return Result{Skipped: true}
	}
	if a.publishPrepared(log.Data) {
		return Result{}
	}
	if a.next == nil {
		a.next = a.m.applied.Load().fork()
	}
	var t touched
	if err := a.next.applyChanges(&a.m.decoder, changes, head.changes, &t); err != nil {
		// Half of it is written: neither it nor what was decoded before it is shown.
		a.next = nil
		return a.fail(log.Index, err)
	}
	a.next.at, a.next.stamp = head.at, head.stamp
	a.touched.merge(&t)
	return Result{}
}

func (a *applier) fail(index uint64, cause error) Result {
	err := &UnreadableError{Index: index, Older: isOlder(cause), Cause: cause}
	a.m.fail(err)
	return Result{Err: err}
}

// publishPrepared makes the oldest prepared state the applied one if the entry
// is its own, byte by byte; anything else drops what is prepared.
func (a *applier) publishPrepared(entry []byte) bool {
	m := a.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.prepared) == 0 || a.next != nil || !bytes.Equal(m.prepared[0].entry, entry) {
		m.drop()
		return false
	}
	p := m.prepared[0]
	m.prepared[0] = prepared{}
	m.prepared = m.prepared[1:]
	m.applied.Store(p.st)
	m.tell(&p.touched)
	return true
}

func (a *applier) publish() {
	if a.next == nil {
		return
	}
	a.next.freeze()
	m := a.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sequence = max(m.sequence, a.next.at.sequence)
	m.drop() // a batch begun meanwhile rests on the state before
	m.applied.Store(a.next)
	m.tell(&a.touched)
	a.next = nil
}

func (m *Machine) tell(t *touched) {
	if t.nothing() {
		return
	}
	for _, s := range m.subscriptions {
		s.add(t)
	}
}

// Snapshot captures the applied state in constant time.
func (m *Machine) Snapshot() (raft.FSMSnapshot, error) {
	if err := m.Err(); err != nil {
		return nil, err
	}
	return snapshot{st: m.applied.Load()}, nil
}

// Restore replaces the state by a snapshot's. A corrupt or truncated one leaves
// the state as it was.
func (m *Machine) Restore(from io.ReadCloser) error {
	defer from.Close()
	st, err := readSnapshot(from, &m.decoder)
	if err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sequence = max(m.sequence, st.at.sequence)
	m.drop()
	m.applied.Store(st)
	m.tell(&touched{all: true, events: true, nodes: true})
	return nil
}

// Reset makes the state empty, as that of a new machine: the node's data is not
// used any more.
func (m *Machine) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
	m.sequence = 0
	m.applied.Store(&state{})
	m.tell(&touched{all: true, events: true, nodes: true})
}

// snapshot is a captured state.
type snapshot struct{ st *state }

// Persist streams the state. Equal states give equal bytes.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.st.writeSnapshot(sink); err != nil {
		_ = sink.Cancel()
		return fmt.Errorf("persist snapshot: %w", err)
	}
	return sink.Close()
}

func (s snapshot) Release() {}
