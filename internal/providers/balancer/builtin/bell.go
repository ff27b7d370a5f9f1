package builtin

import (
	"context"
	"sync"
	"sync/atomic"
)

// bell wakes everybody who waits for a change. Get the channel first, then look
// at the state, then wait: a change in between has closed it already.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // nil: nobody waits
}

// changed is closed at the next ring.
func (b *bell) changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// gauge counts what is going on and can be waited for, also while more begins.
type gauge struct {
	count atomic.Int64
	zero  bell
}

func (g *gauge) begin() { g.count.Add(1) }

func (g *gauge) end() {
	if g.count.Add(-1) == 0 {
		g.zero.ring()
	}
}

// wait returns when nothing goes on, or ctx ends.
func (g *gauge) wait(ctx context.Context) {
	for {
		zero := g.zero.changed()
		if g.count.Load() == 0 {
			return
		}
		select {
		case <-zero:
		case <-ctx.Done():
			return
		}
	}
}
