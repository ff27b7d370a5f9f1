package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// Carrier takes parcels to the other nodes.
type Carrier interface {
	Others() []string
	// SendParcel returns the other node's reply, empty if it takes no parcels.
	SendParcel(ctx context.Context, id string, parcel []byte, timeout time.Duration) ([]byte, error)
	// Term is the newest term that this node knows of; 0 while it takes no part in
	// elections.
	Term() uint64
}

// The times of shipping, before Pace.
const (
	shipBeat  = 200 * time.Millisecond // between parcels when there are no samples
	shipLease = time.Second            // how long a leader waits for a node that was attached
)

// What is kept for nodes that are behind, and how much may wait to be shipped.
const (
	maxShipKept    = 4 << 20
	maxShipWaiting = 16 << 20
	maxParcel      = 128 << 10
	maxShipRate    = 8 << 20 // bytes per second to each node
)

// Shipper takes samples on the leader and ships them to the other nodes, so that
// the next leader has them. It is safe for concurrent use.
//
// Samples are confirmed when a majority has them and so has each attached node. A
// leader that waited for an attached node for the lease without a reply detaches
// it, and confirms nothing more before a majority has replied since. So a node
// that was attached within the lease, and leads the next term, has all confirmed
// samples; any other one begins with a gap.
type Shipper struct {
	cfg ShipperConfig

	mu      sync.Mutex
	leads   bool
	own     stream
	since   autoscaling.Time
	follows mark
	entries []entry // the newest
	first   uint64  // number of entries[0]
	next    uint64
	bytes   int
	fence   uint64 // the number that a majority must reach before anything is confirmed
	peers   map[string]*shipTo
	grown   chan struct{} // closed when there is an entry more, and replaced
	swept   time.Time     // when a node that follows last forgot samples
	changed chan struct{} // closed when more may be confirmed, and replaced
}

// ShipperConfig is what a Shipper is made of.
type ShipperConfig struct {
	Node, Boot string
	Store      *Store
	Carrier    Carrier
	Now        func() autoscaling.Time
	// Keep reports whether there is a group: samples of others are forgotten.
	Keep func(autoscaling.UID) bool
	Pace int // stretches beat and lease; 0: 1
}

// shipTo is another node, as its leader knows it.
type shipTo struct {
	id       string
	stop     context.CancelFunc
	probed   bool // it takes parcels
	ignorant bool // it is of a version that takes none
	attached bool
	next     uint64    // the number that it waits for
	exchange uint64    // of the parcel that it was sent last while attached
	sentAt   time.Time // when that was sent first; zero: it was replied to
}

// NewShipper makes a shipper that does not lead.
func NewShipper(cfg ShipperConfig) *Shipper {
	cfg.Pace = max(cfg.Pace, 1)
	return &Shipper{cfg: cfg, grown: make(chan struct{}), changed: make(chan struct{})}
}

func (sh *Shipper) beat() time.Duration  { return shipBeat * time.Duration(sh.cfg.Pace) }
func (sh *Shipper) lease() time.Duration { return shipLease * time.Duration(sh.cfg.Pace) }

// Lead begins a term that this node leads: from now on samples are taken. The
// function that it returns must be called; it ships them until ctx ends, and ends
// the term.
func (sh *Shipper) Lead(term uint64) (run func(ctx context.Context)) {
	sh.begin(term)
	return func(ctx context.Context) {
		var wg sync.WaitGroup
		defer wg.Wait()
		defer sh.end()
		tick := time.NewTicker(sh.beat())
		defer tick.Stop()
		for {
			for _, m := range sh.meet(ctx) {
				wg.Go(func() { sh.ship(m.ctx, m.to) })
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (sh *Shipper) begin(term uint64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.own = stream{sh.cfg.Node, sh.cfg.Boot, term}
	sh.since, sh.follows = sh.cfg.Store.lead(sh.own, sh.cfg.Now(), sh.lease())
	sh.entries, sh.bytes, sh.first, sh.next, sh.fence = nil, 0, 1, 1, 0
	sh.peers = map[string]*shipTo{}
	for _, id := range sh.cfg.Carrier.Others() {
		sh.peers[id] = &shipTo{id: id, next: 1}
	}
	sh.leads = true
}

func (sh *Shipper) end() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.leads, sh.entries, sh.bytes, sh.first = false, nil, 0, sh.next
	sh.signal()
}

// meeting is a node that parcels begin to go to.
type meeting struct {
	ctx context.Context
	to  *shipTo
}

// meet returns the nodes that nothing goes to yet, and stops with those that are
// no members any more.
func (sh *Shipper) meet(ctx context.Context) []meeting {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var met []meeting
	members := map[string]bool{}
	for _, id := range sh.cfg.Carrier.Others() {
		members[id] = true
		p := sh.peers[id]
		if p == nil {
			p = &shipTo{id: id, next: 1}
			sh.peers[id] = p
		}
		if p.stop == nil {
			m := meeting{to: p}
			m.ctx, p.stop = context.WithCancel(ctx)
			met = append(met, m)
		}
	}
	for id, p := range sh.peers {
		if !members[id] {
			if p.stop != nil {
				p.stop()
			}
			delete(sh.peers, id)
			sh.signal()
		}
	}
	return met
}

// signal wakes the callers that wait. sh.mu is held.
func (sh *Shipper) signal() {
	close(sh.changed)
	sh.changed = make(chan struct{})
}

// append numbers an entry. sh.mu is held.
func (sh *Shipper) append(e entry) (number uint64) {
	number = sh.next
	sh.entries = append(sh.entries, e)
	sh.bytes += e.size()
	sh.next++
	sh.cfg.Store.advance(sh.own, sh.next)
	for sh.bytes > maxShipKept && sh.first < sh.awaited() {
		sh.bytes -= sh.entries[0].size()
		sh.entries[0] = entry{}
		sh.entries = sh.entries[1:]
		sh.first++
	}
	close(sh.grown)
	sh.grown = make(chan struct{})
	return number
}

// awaited is the number that the slowest of the attached nodes waits for. sh.mu
// is held.
func (sh *Shipper) awaited() uint64 {
	slowest := sh.next
	for _, p := range sh.peers {
		if p.attached {
			slowest = min(slowest, p.next)
		}
	}
	return slowest
}

// confirmed reports whether an entry is where it must be. A node that knows of a
// later term may have voted for its leader, and is no part of a majority any more.
// sh.mu is held.
func (sh *Shipper) confirmed(number uint64) bool {
	if sh.cfg.Carrier.Term() != sh.own.Term {
		return false
	}
	have := 1
	for _, p := range sh.peers {
		if p.attached && p.next <= number {
			return false
		}
		if p.ignorant || p.next > max(number, sh.fence) {
			have++
		}
	}
	return have > (len(sh.peers)+1)/2
}
