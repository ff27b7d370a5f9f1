package scheduler

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// inbox hands functions to the loop's goroutine. What is in it is bounded by
// what is under way: effects by their lanes, sets by one each.
type inbox struct {
	ready chan struct{}

	mu    sync.Mutex
	items []func(context.Context)
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

func (b *inbox) put(fn func(context.Context)) {
	b.mu.Lock()
	b.items = append(b.items, fn)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (b *inbox) take() []func(context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items = nil
	return items
}

// panicError is a panic that was caught: a broken invariant about one object,
// which must not stop the others.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// recovered turns a panic into the function's error.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = &panicError{value: v, stack: debug.Stack()}
	}
}
