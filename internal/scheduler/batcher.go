package scheduler

import (
	"context"
	"runtime"
	"sync"

	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// maxFacts bounds what one function of the writer reports: entries aim below
// 1 MiB.
const maxFacts = 500

// batcher hands what comes in to the writer in batches: what gathers while one
// is on its way is the next one.
type batcher[T any] struct {
	t         *term
	apply     func(tx *fsm.Tx, o control.Operations, batch []T) error
	then      func(batch []T, err error) // the batch was written, or refused
	complaint string                     // what the log says when it was refused
	ready     chan struct{}

	mu    sync.Mutex
	items []T
}

func newBatcher[T any](t *term, complaint string, apply func(*fsm.Tx, control.Operations, []T) error, then func([]T, error)) *batcher[T] {
	return &batcher[T]{t: t, apply: apply, then: then, complaint: complaint, ready: make(chan struct{}, 1)}
}

func (b *batcher[T]) put(item T) {
	b.mu.Lock()
	b.items = append(b.items, item)
	b.mu.Unlock()
	b.signal()
}

func (b *batcher[T]) signal() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (b *batcher[T]) take() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.items), maxFacts)
	taken := b.items[:n:n]
	b.items = b.items[n:]
	if len(b.items) > 0 {
		b.signal()
	}
	return taken
}

func (b *batcher[T]) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.ready:
		}
		runtime.Gosched() // who is about to put something joins this batch
		if batch := b.take(); len(batch) > 0 {
			b.write(ctx, batch)
		}
	}
}

// write writes a batch; when one item spoils it, each on its own.
func (b *batcher[T]) write(ctx context.Context, batch []T) {
	err := b.t.do(ctx, func(tx *fsm.Tx, o control.Operations) error { return b.apply(tx, o, batch) })
	if err != nil && len(batch) > 1 && ctx.Err() == nil && !lost(err) {
		for _, item := range batch {
			b.write(ctx, []T{item})
		}
		return
	}
	if err != nil && ctx.Err() == nil {
		b.t.complain(b.complaint, err)
	}
	b.then(batch, err)
}
