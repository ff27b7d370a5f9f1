package fsm

import (
	"errors"

	"github.com/asctl/as/internal/autoscaling"
)

// ErrDropped is Seal's answer when the state that the batch rests on was
// dropped meanwhile: by Discard, a foreign entry, a restored snapshot or a newer
// Begin. Nothing of the batch may be answered or proposed.
var ErrDropped = errors.New("fsm: the state under the batch was dropped")

// Batch runs functions one after another, each seeing what the earlier wrote.
// It belongs to one goroutine.
type Batch struct {
	m          *Machine
	generation uint64
	st         *state
	before     position // its predecessor's
	at         position
	now        autoscaling.Time
	ids        IDs

	changes []change
	index   map[recordKey]int // where in changes a record is
	size    int
	// lastActivity is the highest number given out; numbers that were not used
	// are given again by the next batch.
	lastActivity autoscaling.ActivityID
	lastDelivery uint64 // likewise

	undo    []undo // of the running function
	running bool

	setsTime bool
}

// change is one record's last version in the batch.
type change struct {
	key    recordKey
	op     op
	record any // nil in a delete
	size   int
}

// undo takes back one write.
type undo struct {
	state func()
	at    int               // the change that was made
	prev  *change           // what was there before; nil: nothing
	index map[recordKey]int // of a barrier, which made no change: the index before
}

// Begin starts a batch on the newest prepared state, or on the applied one when
// nothing is prepared. One batch is open at a time: an earlier one that was not
// sealed is dropped.
func (m *Machine) Begin(term uint64, now autoscaling.Time, ids IDs) *Batch {
	m.mu.Lock()
	defer m.mu.Unlock()
	base := m.applied.Load()
	if n := len(m.prepared); n > 0 {
		base = m.prepared[n-1].st
	}
	b := &Batch{
		m:            m,
		generation:   m.generation,
		st:           base.fork(),
		before:       base.at,
		at:           position{term: term, sequence: m.sequence + 1},
		now:          max(now, base.stamp),
		ids:          ids,
		index:        map[recordKey]int{},
		lastActivity: base.lastActivity,
		lastDelivery: base.lastDelivery,
	}
	m.open = b
	return b
}

// Run runs fn; when it answers an error or panics, what it wrote is undone and
// the batch is as before (the panic goes on).
func (b *Batch) Run(fn func(*Tx) error) error {
	if b.st.mutable == nil || b.running {
		panic("fsm: Run on a batch that is sealed or running")
	}
	size, lastActivity, lastDelivery := b.size, b.lastActivity, b.lastDelivery
	tx := &Tx{Reader: Reader{st: b.st}, b: b}
	b.running = true
	done := false
	defer func() {
		if !done {
			b.rollback()
			b.size, b.lastActivity, b.lastDelivery = size, lastActivity, lastDelivery
		}
		clear(b.undo)
		b.undo = b.undo[:0]
		b.running = false
		*tx = Tx{} // it is not valid any more
	}()
	err := fn(tx)
	done = err == nil
	return err
}

func (b *Batch) rollback() {
	for i := len(b.undo) - 1; i >= 0; i-- {
		u := b.undo[i]
		if u.state != nil {
			u.state()
		}
		switch {
		case u.index != nil:
			b.index = u.index
		case u.prev != nil:
			b.changes[u.at] = *u.prev
		default:
			delete(b.index, b.changes[u.at].key)
			b.changes[u.at] = change{}
			b.changes = b.changes[:u.at]
		}
	}
}

// write records a change and how to take it back. Of a record that is written
// again only the last version is kept, in the place of the first.
func (b *Batch) write(c change, takeBack func()) {
	u := undo{state: takeBack, at: len(b.changes)}
	if at, again := b.index[c.key]; again {
		prev := b.changes[at]
		u.at, u.prev = at, &prev
		b.size -= prev.size
		b.changes[at] = c
	} else {
		b.index[c.key] = u.at
		b.changes = append(b.changes, c)
	}
	b.size += c.size
	b.undo = append(b.undo, u)
	if w := b.m.watch; w != nil && c.op == opPut {
		w.add(&c)
	}
}

// barrier ends the folding of versions: what is written later comes after what
// was written before. A delete that takes children along needs it.
func (b *Batch) barrier() {
	b.undo = append(b.undo, undo{index: b.index})
	b.index = map[recordKey]int{}
}

// Size estimates the encoded size so far; Empty says that nothing was written.
func (b *Batch) Size() int   { return b.size }
func (b *Batch) Empty() bool { return len(b.changes) == 0 }

// SetsTime reports whether the batch sets replicated time. The next batch must
// not begin, with a time of before, until this one is applied.
func (b *Batch) SetsTime() bool { return b.setsTime }

// Seal encodes the batch as one log entry, which names its predecessor, and
// leaves its state as the newest prepared one. It must be proposed next, in the
// order of sealing. ErrDropped: it rests on nothing any more.
func (b *Batch) Seal() ([]byte, error) {
	if b.st.mutable == nil || b.running {
		panic("fsm: Seal on a batch that is sealed or running")
	}
	if b.m.watch != nil {
		b.m.watch.look(len(b.changes))
	}
	b.st.at, b.st.stamp = b.at, b.now
	b.st.freeze()
	entry, err := encodeEntry(b.before, b.at, b.now, b.changes)
	if err != nil {
		return nil, err
	}

	m := b.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open != b || m.generation != b.generation {
		return nil, ErrDropped
	}
	m.open = nil
	m.sequence = b.at.sequence
	p := prepared{st: b.st, entry: entry}
	for i := range b.changes {
		p.touched.add(b.changes[i].key)
	}
	m.prepared = append(m.prepared, p)
	return entry, nil
}
