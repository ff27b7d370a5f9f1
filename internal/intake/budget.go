package intake

import (
	"sync"
	"sync/atomic"
)

// Budget bounds the bytes that all connections together hold for requests that
// are not complete. Above it, the connection that holds the most is closed, which
// is one that sends much and does not finish: a caller that completes its
// requests holds little, and only for a moment.
type Budget struct {
	limit  int64
	closed func()
	held   atomic.Int64

	mu    sync.Mutex
	conns map[*Conn]struct{}
}

// NewBudget returns a budget of so many bytes. closed, if not nil, is called for
// each connection that the budget closes.
func NewBudget(limit int64, closed func()) *Budget {
	return &Budget{limit: limit, closed: closed, conns: map[*Conn]struct{}{}}
}

// Held returns how many bytes are held now.
func (b *Budget) Held() int64 { return b.held.Load() }

// Decay releases n bytes of each connection.
func (b *Budget) Decay(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.conns {
		c.Release(n)
	}
}

func (b *Budget) add(c *Conn) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = struct{}{}
}

func (b *Budget) remove(c *Conn) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
	b.held.Add(-c.held.Swap(0))
}

// relieve closes the connections that hold the most until the budget is kept. It
// ends: each round takes one connection out.
func (b *Budget) relieve() {
	for b.held.Load() > b.limit {
		c := b.largest()
		if c == nil {
			return
		}
		_ = c.Close() // it holds too much for either end to do anything about an error
		if b.closed != nil {
			b.closed()
		}
	}
}

func (b *Budget) largest() *Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found *Conn
	for c := range b.conns {
		if found == nil || c.held.Load() > found.held.Load() {
			found = c
		}
	}
	if found == nil || found.held.Load() == 0 {
		return nil
	}
	return found
}

// Hold counts n bytes as held by the connection.
func (c *Conn) Hold(n int64) {
	if c == nil || c.budget == nil || c.closed.Load() {
		return
	}
	c.held.Add(n)
	if c.budget.held.Add(n) > c.budget.limit {
		c.budget.relieve()
	}
	if c.closed.Load() { // meanwhile: nothing of it is left behind
		c.budget.held.Add(-c.held.Swap(0))
	}
}

// Release counts n bytes as held no more; never below zero.
func (c *Conn) Release(n int64) {
	if c == nil || c.budget == nil {
		return
	}
	for { // ends when no other change came between
		held := c.held.Load()
		left := max(held-n, 0)
		if c.held.CompareAndSwap(held, left) {
			c.budget.held.Add(left - held)
			return
		}
	}
}

// Clear counts nothing as held: what was read is done with.
func (c *Conn) Clear() {
	if c != nil && c.budget != nil {
		c.budget.held.Add(-c.held.Swap(0))
	}
}
