package builtin

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/asctl/as/internal/providers"
)

// maxAttempts bounds how many targets one request or connection is tried on.
const maxAttempts = 8

// pool is one pool on this node.
type pool struct {
	name    string
	config  PoolConfig
	metrics poolMetrics
	bell    *bell

	live     atomic.Pointer[rotation] // those that take new traffic
	cursor   atomic.Uint64
	index    atomic.Uint64 // of the applied state that live is of, or newer
	requests atomic.Uint64

	mu      sync.Mutex
	given   []providers.Target // the last set as it was given
	targets map[targetKey]*target
	address string // where it listens; empty: not yet
	problem string // why it does not
}

func newPool(name string, config PoolConfig, metrics poolMetrics, bell *bell) *pool {
	p := &pool{name: name, config: config, metrics: metrics, bell: bell, targets: make(map[targetKey]*target)}
	p.live.Store(&rotation{})
	return p
}

// set makes the pool serve exactly these targets. The order matters: first new
// requests see the new rotation, then those that picked from the old one find
// their target draining, and only then the index is reported.
func (p *pool) set(index uint64, targets []providers.Target) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if changed = !slices.Equal(p.given, targets); changed {
		p.given = slices.Clone(targets)
		p.replace(targets)
	}
	if p.index.Swap(index) != index || changed {
		p.bell.ring()
	}
	return changed
}

func (p *pool) replace(given []providers.Target) {
	var live []*target
	var weights []int32
	takes := make(map[*target]bool, len(given))
	member := make(map[*target]bool, len(given))
	for _, g := range given {
		t := p.targets[keyOf(g)]
		if t == nil {
			t = newTarget(keyOf(g), p.bell.ring)
			p.targets[t.key] = t
		}
		member[t] = true
		if !g.Drain && !takes[t] {
			takes[t] = true
			t.draining.Store(false) // it may come back from draining
			live, weights = append(live, t), append(weights, g.Weight)
		}
	}
	r := newRotation(live, weights)
	p.live.Store(&r)
	for key, t := range p.targets {
		if !takes[t] {
			t.drain()
		}
		if !member[t] && t.open.Load() == 0 {
			delete(p.targets, key)
		}
	}
}

// take picks a target for a request and counts the request in; nil: there is
// none that was not tried. It ends: a target that drains by now is not in the
// rotation that the next round loads.
func (p *pool) take(tried []*target) *target {
	for {
		t := p.live.Load().from(p.cursor.Add(1), tried)
		if t == nil || t.begin() {
			return t
		}
	}
}

// admit lets a new target have traffic after this node's first check succeeded.
func (p *pool) admit(key targetKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.targets[key]; t != nil {
		t.admitted.Store(true)
	}
}

func (p *pool) report() PoolReport {
	r := PoolReport{Pool: p.name, Index: p.index.Load()} // before open, see set
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Problem = p.problem
	for key, t := range p.targets {
		if open := t.open.Load(); open > 0 {
			r.Targets = append(r.Targets, TargetReport{Instance: key.instance, Open: open})
		}
	}
	sortReports(r.Targets)
	return r
}

// listening notes where the pool listens, or why it does not. It says whether
// that is news.
func (p *pool) listening(address, problem string) (news bool) {
	p.mu.Lock()
	news = p.address != address || p.problem != problem
	p.address, p.problem = address, problem
	p.mu.Unlock()
	if news {
		p.bell.ring()
	}
	return news
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.targets {
		t.transport.CloseIdleConnections()
	}
}
