package process

import (
	"sync"
	"time"
)

const (
	ticksPerSecond = 100 // USER_HZ, the same on every Linux that Go runs on
	baselineAge    = time.Second
	shortestRate   = 100 * time.Millisecond
)

// rates remembers what CPU time was when.
type rates struct {
	mu     sync.Mutex
	byName map[string]sample
}

type sample struct {
	time  time.Time
	ticks uint64
}

// since is the CPU time per time, in cores, negative when there is nothing to
// compare with.
func (r *rates) since(instance string, now sample) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, ok := r.byName[instance]
	elapsed := now.time.Sub(before.time)
	if !ok || elapsed >= baselineAge {
		if r.byName == nil {
			r.byName = make(map[string]sample)
		}
		r.byName[instance] = now
	}
	if !ok || elapsed < shortestRate {
		return -1
	}
	// A process that ends unreaped takes its time out of the sum.
	used := max(int64(now.ticks)-int64(before.ticks), 0)
	return float64(used) / ticksPerSecond / elapsed.Seconds()
}

// keep forgets all instances but those.
func (r *rates) keep(instances map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for instance := range r.byName {
		if !instances[instance] {
			delete(r.byName, instance)
		}
	}
}
