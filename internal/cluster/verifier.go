package cluster

import (
	"context"
	"sync"
)

// verifier asks Raft whether this node still leads. All who come while a round
// is under way share the next one: a round proves nothing about the time before
// it started.
type verifier struct {
	verify func() error
	wake   chan struct{}

	mu     sync.Mutex
	next   *round
	closed bool
}

// round is one question to the followers. err is valid when done is closed.
type round struct {
	done chan struct{}
	err  error
}

func newVerifier(verify func() error) *verifier {
	return &verifier{verify: verify, wake: make(chan struct{}, 1)}
}

// join answers a round that has not started yet.
func (v *verifier) join() *round {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.next == nil {
		v.next = &round{done: make(chan struct{})}
		if v.closed {
			v.next.end(errStopped)
		}
		select {
		case v.wake <- struct{}{}:
		default:
		}
	}
	return v.next
}

// run asks until ctx ends. After it every round fails at once.
func (v *verifier) run(ctx context.Context) {
	v.mu.Lock()
	if v.closed { // an earlier run has ended
		v.closed, v.next = false, nil
	}
	v.mu.Unlock()
	for {
		select {
		case <-v.wake:
			if r := v.take(); r != nil {
				r.end(v.verify())
			}
		case <-ctx.Done():
			v.mu.Lock()
			defer v.mu.Unlock()
			v.closed = true
			if v.next != nil {
				v.next.end(errStopped)
			}
			return
		}
	}
}

func (v *verifier) take() *round {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := v.next
	v.next = nil
	return r
}

func (r *round) end(err error) {
	r.err = err
	close(r.done)
}

// wait waits for the round, within ctx, until over is closed.
func (r *round) wait(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-r.done:
		return r.err
	case <-over:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}
