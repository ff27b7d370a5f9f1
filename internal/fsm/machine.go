package fsm

import (
	"io"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
)

// Machine is the raft.FSM (and BatchingFSM): it applies committed batches,
// publishes a View after each, and prepares the next batches on the leader.
//
// Preparing and applying may run on two goroutines; both are safe together.
// When the batch being applied is the oldest prepared one, its prepared state
// becomes the applied state as it is, without decoding.
type Machine struct{}

// NewMachine makes an empty state.
func NewMachine() *Machine { panic("fsm") }

// View is the newest applied state.
func (m *Machine) View() View { panic("fsm") }

// Change says what one or more applied batches touched since the last look.
type Change struct {
	Groups []autoscaling.UID // groups whose records, or whose children's, changed
	All    bool              // a snapshot was restored: everything may have changed
	Events bool
	Nodes  bool
}

// Subscribe returns a subscription to applied changes. Changes gather without a
// bound on their number but without repetition (a set of groups); Take hands
// them over; Ready is signalled (capacity 1) when there is something to take.
func (m *Machine) Subscribe() *Subscription { panic("fsm") }

type Subscription struct{ Ready <-chan struct{} }

func (s *Subscription) Take() Change { panic("fsm") }
func (s *Subscription) Close()       { panic("fsm") }

// Begin starts a batch on the newest prepared state, or on the applied one when
// nothing is prepared. One batch is open at a time.
func (m *Machine) Begin(term uint64, now autoscaling.Time, ids IDs) *Batch { panic("fsm") }

// Discard drops everything prepared and not applied: the leader lost its place,
// or an entry was skipped.
func (m *Machine) Discard() { panic("fsm") }

// Batch runs functions one after another, each seeing what the earlier wrote.
type Batch struct{}

// Run runs fn; when it answers an error or panics, what it wrote is undone and
// the batch is as before (the panic goes on).
func (b *Batch) Run(fn func(*Tx) error) error { panic("fsm") }

// Size estimates the encoded size so far; Empty says that nothing was written.
func (b *Batch) Size() int   { panic("fsm") }
func (b *Batch) Empty() bool { panic("fsm") }

// Seal encodes the batch as one log entry, which names its predecessor, and
// leaves its state as the newest prepared one. A record written several times
// is encoded once. It must be proposed next, in the order of sealing.
func (b *Batch) Seal() ([]byte, error) { panic("fsm") }

// Result is what applying an entry answers (raft.ApplyFuture.Response).
type Result struct {
	// Skipped: the entry's predecessor was not the last applied; nothing changed.
	Skipped bool
}

func (m *Machine) Apply(*raft.Log) any                 { panic("fsm") }
func (m *Machine) ApplyBatch([]*raft.Log) []any        { panic("fsm") }
func (m *Machine) Snapshot() (raft.FSMSnapshot, error) { panic("fsm") }
func (m *Machine) Restore(io.ReadCloser) error         { panic("fsm") }
