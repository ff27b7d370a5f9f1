package builtin

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asctl/as/internal/providers"
)

// checkWorkers bounds the checks that run at once. With more targets than they
// manage in an interval the interval grows.
const checkWorkers = 64

// Checker is the active health check. On the leader it decides the targets'
// health; Run it while leading.
type Checker struct {
	pools map[string]PoolConfig
	probe func(ctx context.Context, check HealthCheck, hostPort string) error
	admit func(pool string, key targetKey) // not nil: check until the first success only, and tell
	bell  bell
	wake  chan struct{} // something is due earlier than Run knows

	mu      sync.Mutex
	targets map[string]map[targetKey]*checked // by pool
	due     dueHeap
}

// checked is one target under check.
type checked struct {
	pool string
	key  targetKey
	health
	due     time.Time
	at      int  // in the heap; -1: not in it
	running bool // a check is under way
	gone    bool // draining or out of the set: not checked, and a running check says nothing
}

// NewChecker makes a checker of these pools.
func NewChecker(pools map[string]PoolConfig) (*Checker, error) {
	pools, err := checkPools(pools)
	if err != nil {
		return nil, fmt.Errorf("built-in balancer: %w", err)
	}
	return newChecker(pools), nil
}

func newChecker(pools map[string]PoolConfig) *Checker {
	c := &Checker{
		pools:   pools,
		probe:   newProber().probe,
		wake:    make(chan struct{}, 1),
		targets: make(map[string]map[targetKey]*checked, len(pools)),
	}
	for name := range pools {
		c.targets[name] = make(map[targetKey]*checked)
	}
	return c
}

// SetTargets has exactly these targets of the pool checked, new ones at once.
// A draining target is not checked any more and keeps its last state.
func (c *Checker) SetTargets(pool string, targets []providers.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	have := c.targets[pool]
	if have == nil {
		return
	}
	next := make(map[targetKey]*checked, len(targets))
	for _, t := range targets {
		key := keyOf(t)
		k := have[key]
		if k == nil {
			k = &checked{pool: pool, key: key, at: -1, health: health{state: providers.TargetUnknown}}
		}
		delete(have, key)
		next[key] = k
		if k.gone = t.Drain; k.gone {
			c.unschedule(k)
		} else if k.at < 0 && !k.running && !c.settled(k) {
			c.schedule(k, time.Now())
		}
	}
	for _, k := range have {
		k.gone = true
		c.unschedule(k)
	}
	c.targets[pool] = next
}

// settled: it was admitted, and nothing more is asked.
func (c *Checker) settled(k *checked) bool { return c.admit != nil && k.ever }

// status answers for one target of the last set.
func (c *Checker) status(pool string, key targetKey) (providers.TargetHealth, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.targets[pool][key]; k != nil {
		return k.state, k.message
	}
	return providers.TargetUnknown, ""
}

// Changed is closed when the health of a target changes next.
func (c *Checker) Changed() <-chan struct{} { return c.bell.changed() }

// Run checks until ctx ends. Then it forgets what it found: it is old news by
// the time that this node leads again.
func (c *Checker) Run(ctx context.Context) error {
	room := make(chan struct{}, checkWorkers)
	var checks sync.WaitGroup
	defer c.reset()
	defer checks.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		k, wait := c.next(time.Now())
		if k != nil {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			checks.Go(func() {
				c.check(ctx, k)
				<-room
			})
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-c.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// check checks one target and schedules its next check.
func (c *Checker) check(ctx context.Context, k *checked) {
	config := c.pools[k.pool].HealthCheck
	begin := time.Now()
	err := c.probe(ctx, config, k.key.hostPort())
	if ctx.Err() != nil {
		return // not the target's fault
	}
	if c.note(k, begin, err, config) {
		c.admit(k.pool, k.key)
	}
}

// note keeps a check's outcome; settled asks to admit the target.
func (c *Checker) note(k *checked, begin time.Time, err error, config HealthCheck) (settled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.running = false
	if k.gone {
		return false
	}
	if k.note(err, config) {
		c.bell.ring()
	}
	if c.settled(k) {
		return true
	}
	c.schedule(k, begin.Add(k.health.next(config)))
	return false
}

func (c *Checker) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = nil
	for _, targets := range c.targets {
		for _, k := range targets {
			k.health, k.at, k.running = health{state: providers.TargetUnknown}, -1, false
			if !k.gone {
				c.schedule(k, time.Now())
			}
		}
	}
}

// next takes the target that is due, or says how long until one is.
func (c *Checker) next(now time.Time) (*checked, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.due) == 0 {
		return nil, time.Hour
	}
	if wait := c.due[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	k := heap.Pop(&c.due).(*checked)
	k.running = true
	return k, 0
}

func (c *Checker) schedule(k *checked, at time.Time) {
	k.due = at
	heap.Push(&c.due, k)
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (c *Checker) unschedule(k *checked) {
	if k.at >= 0 {
		heap.Remove(&c.due, k.at)
	}
}

// dueHeap orders targets by their next check.
type dueHeap []*checked

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].at, h[j].at = i, j }

func (h *dueHeap) Push(x any) {
	k := x.(*checked)
	k.at = len(*h)
	*h = append(*h, k)
}

func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	k := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	k.at = -1
	return k
}
