package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

const (
	// maxQueue is the admission limit: what waits behind it is refused.
	maxQueue = 8192
	maxCalls = 512 // functions in one entry
	// fullEntry ends a batch; one function more may be in it, so that an entry
	// aims below 1 MiB and is at most as large as one function makes it.
	fullEntry = 768 << 10
	maxEntry  = 16 << 20
	// maxInFlight entries are proposed and not applied: one is written to disk
	// while the next is prepared.
	maxInFlight = 2
)

// writer is the one way to change the state, for one term of leadership. It
// takes all functions that wait, runs them one after another on the newest
// state, proposes what they wrote as one entry, and answers each when the state
// that its answer rests on is applied.
//
// With one client a function is proposed the moment it comes; under load the
// functions that come while two entries are in flight make up the next one.
type writer struct {
	term    uint64
	machine *fsm.Machine
	ids     fsm.IDs
	now     func() autoscaling.Time
	propose func(entry []byte) raft.ApplyFuture
	join    func() *round   // a round of leader verification that has not started
	muted   <-chan struct{} // closed when the node mutes: what is in flight is unknown
	metrics *metrics
	log     hclog.Logger

	queue chan *call
	slots chan struct{} // one in it for each entry in flight
	// broken: an entry was not applied; what was prepared on it is void.
	broken atomic.Bool
	// running is held while functions run: who gave up on its function waits for
	// it before it touches what the function may still write to.
	running sync.Mutex

	admission sync.RWMutex
	closed    bool
}

// call is one function and who waits for it.
type call struct {
	fn    func(*fsm.Tx) error
	taken atomic.Bool // by the writer, to run it, or by its caller, to give up
	done  chan error  // capacity 1
	err   error       // the function's own
}

// entry is a batch on its way: proposed, or, when nothing was written, waiting
// for a verification.
type entry struct {
	calls    []*call
	future   raft.ApplyFuture
	round    *round
	err      error // it could not be proposed
	proposed time.Time
	setsTime bool
}

// do is Node.Do.
func (w *writer) do(ctx context.Context, fn func(*fsm.Tx) error) error {
	c := &call{fn: fn, done: make(chan error, 1)}
	if err := w.admit(c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
	}
	if c.taken.CompareAndSwap(false, true) {
		return fmt.Errorf("wait for the writer: %w", context.Cause(ctx))
	}
	w.running.Lock()
	//lint:ignore SA2001 only to wait: the function runs under it
	w.running.Unlock()
	select {
	case err := <-c.done:
		return err
	default:
		return outcomeUnknown()
	}
}

func (w *writer) admit(c *call) error {
	w.admission.RLock()
	defer w.admission.RUnlock()
	if w.closed {
		return notLeading()
	}
	select {
	case w.queue <- c:
		return nil
	default:
		w.metrics.refused.Inc()
		err := autoscaling.Errorf(autoscaling.LimitExceeded, "busy: %d changes are waiting to be written", maxQueue)
		err.RetryAfter = retrySoon
		return err
	}
}

// run writes until stop is closed. What it proposed is answered when it
// returns; what waits stays in the queue, for another run or for close.
func (w *writer) run(stop <-chan struct{}) {
	proposed := make(chan *entry, maxInFlight)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for e := range proposed {
			w.conclude(e)
		}
	}()
	defer func() {
		close(proposed)
		<-answered
		w.machine.Discard()
		w.broken.Store(false)
	}()
	for {
		select {
		case w.slots <- struct{}{}: // first: functions gather while there is none
		case <-stop:
			return
		}
		select {
		case first := <-w.queue:
			if w.broken.Load() {
				w.recover()
			}
			e := w.prepare(first)
			proposed <- e
			if e.setsTime {
				w.drain()
			}
		case <-stop:
			<-w.slots
			return
		}
	}
}

// recover waits until nothing is in flight and goes back to the applied state.
// The caller holds one slot.
func (w *writer) recover() {
	for range maxInFlight - 1 {
		w.slots <- struct{}{}
	}
	w.machine.Discard()
	w.broken.Store(false)
	for range maxInFlight - 1 {
		<-w.slots
	}
}

// drain waits until nothing is in flight: what is written after time was set takes
// its time from the state that has the setting.
func (w *writer) drain() {
	for range maxInFlight {
		w.slots <- struct{}{}
	}
	for range maxInFlight {
		<-w.slots
	}
}

// prepare runs what waits and proposes what it wrote.
func (w *writer) prepare(first *call) *entry {
	w.running.Lock()
	defer w.running.Unlock()
	e := &entry{calls: make([]*call, 0, min(maxCalls, 1+len(w.queue)))}
	b := w.machine.Begin(w.term, w.now(), w.ids)
	for c := first; c != nil; c = w.another(len(e.calls), b.Size()) {
		if !c.taken.CompareAndSwap(false, true) {
			continue // its caller gave up
		}
		c.err = w.call(b, c.fn)
		e.calls = append(e.calls, c)
	}
	e.proposed, e.setsTime = time.Now(), b.SetsTime()
	if b.Empty() {
		e.round = w.join()
		return e
	}
	data, err := b.Seal()
	if err != nil {
		e.err = fmt.Errorf("encode an entry: %w", err)
		return e
	}
	w.metrics.entrySize.Observe(float64(len(data)))
	w.metrics.entryCalls.Observe(float64(len(e.calls)))
	e.future = w.propose(data)
	return e
}

// another is the next waiting function, when the batch has room for it.
func (w *writer) another(calls, size int) *call {
	if calls >= maxCalls || size >= fullEntry {
		return nil
	}
	select {
	case c := <-w.queue:
		return c
	default:
		return nil
	}
}

// call runs one function. One that panics leaves nothing behind, like one that
// fails, and the batch goes on.
func (w *writer) call(b *fsm.Batch, fn func(*fsm.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("a writer function panicked", "error", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	before := b.Size()
	return b.Run(func(tx *fsm.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if size := b.Size() - before; size > maxEntry {
			return autoscaling.Errorf(autoscaling.LimitExceeded, "the change is too large: %d bytes", size)
		}
		return nil
	})
}

// conclude waits for an entry's end and answers its callers.
func (w *writer) conclude(e *entry) {
	err := w.await(e)
	if err == nil {
		w.metrics.commit.Observe(time.Since(e.proposed).Seconds())
	} else if e.round == nil || !errors.Is(err, raft.ErrNotLeader) {
		w.log.Warn("an entry was not applied", "error", err, "functions", len(e.calls))
	}
	for _, c := range e.calls {
		c.done <- c.outcome(err)
	}
	<-w.slots
}

func (w *writer) await(e *entry) error {
	err := e.err
	switch {
	case err != nil:
	case e.round != nil:
		select {
		case <-e.round.done:
		case <-w.muted:
			return errStopped
		}
		if err = e.round.err; err == nil && w.broken.Load() {
			err = errSkipped // what it rests on was not applied
		}
		return err
	default:
		if err = await(e.future, w.muted); err == nil {
			err = applied(e.future.Response())
		} else if err == errStopped {
			err = errMuted
		}
	}
	if err != nil {
		w.broken.Store(true)
	}
	return err
}

// applied is the error in what the state machine answered.
func applied(response any) error {
	switch r := response.(type) {
	case fsm.Result:
		if r.Skipped {
			return errSkipped
		}
		return r.Err
	case error:
		return r
	default:
		return fmt.Errorf("the state machine answered %T", response)
	}
}

// outcome is what the caller is told, given what became of the entry.
func (c *call) outcome(err error) error {
	switch {
	case err == nil:
		return c.err
	case c.err != nil || nothingWritten(err):
		return notLeading()
	default:
		return outcomeUnknown()
	}
}

// close refuses what waits and what still comes.
func (w *writer) close() {
	w.admission.Lock()
	w.closed = true
	w.admission.Unlock()
	for {
		select {
		case c := <-w.queue:
			if c.taken.CompareAndSwap(false, true) {
				c.done <- notLeading()
			}
		default:
			return
		}
	}
}
