package scheduler

import (
	"sync"
	"time"
)

const (
	breakerLimit = 5 // failures in a row that open it
	breakerFirst = time.Second
	breakerMost  = 30 * time.Second
)

// breaker keeps calls from a provider's zone that does not answer. While it is
// open calls wait; then one at a time is let through until one works.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time
	trying   bool
}

// wait is how long the caller has to wait before it asks again; 0: it may call,
// and has to say what came of it.
func (b *breaker) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerLimit {
		return 0
	}
	if left := time.Until(b.until); left > 0 {
		return left
	}
	if b.trying {
		return breakerFirst
	}
	b.trying = true
	return 0
}

// done says whether the provider answered.
func (b *breaker) done(answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	if answered {
		b.failures = 0
		return
	}
	b.failures++
	if over := b.failures - breakerLimit; over >= 0 {
		b.until = time.Now().Add(min(breakerFirst<<min(over, 5), breakerMost))
	}
}

// listed says that the provider answered a listing: its other calls are worth
// trying again soon.
func (b *breaker) listed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures > breakerLimit {
		b.failures = breakerLimit
		if soon := time.Now().Add(breakerFirst); b.until.After(soon) {
			b.until = soon
		}
	}
}
