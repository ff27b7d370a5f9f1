package metrics

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// shipnet is nodes that ship samples to each other over a network with faults,
// with elections as Raft has them.
type shipnet struct {
	t     testing.TB
	rand  *rand.Rand
	nodes []*shipnode

	mu        sync.Mutex
	cut       map[[2]*shipnode]bool // from, to
	terms     map[*shipnode]uint64
	confirmed map[autoscaling.UID]autoscaling.Time // a group for each sample, and when it was put
	puts      int
	wg        sync.WaitGroup
}

type shipnode struct {
	net     *shipnet
	id      string
	old     bool // it takes no parcels
	store   *Store
	shipper *Shipper
	term    uint64 // that it leads, or led last
	stop    func() // nil: it does not lead
}

func clockNow() autoscaling.Time { return autoscaling.TimeOf(time.Now()) }

func newShipnet(t testing.TB, n int, seed int64) *shipnet {
	net := &shipnet{
		t: t, rand: rand.New(rand.NewSource(seed)), cut: map[[2]*shipnode]bool{}, terms: map[*shipnode]uint64{},
		confirmed: map[autoscaling.UID]autoscaling.Time{},
	}
	for i := range n {
		node := &shipnode{net: net, id: fmt.Sprint("n", i+1)}
		net.nodes = append(net.nodes, node)
		node.start()
	}
	return net
}

// start begins a run of the node's process: its memory is empty.
func (n *shipnode) start() {
	n.store = NewStore(clockNow)
	n.shipper = NewShipper(ShipperConfig{
		Node: n.id, Boot: fmt.Sprintf("%p", n.store), Store: n.store, Carrier: n, Now: clockNow, Keep: func(autoscaling.UID) bool { return true },
	})
}

func (n *shipnode) Others() []string {
	var ids []string
	for _, o := range n.net.nodes {
		if o != n {
			ids = append(ids, o.id)
		}
	}
	return ids
}

func (n *shipnode) Term() uint64 {
	n.net.mu.Lock()
	defer n.net.mu.Unlock()
	return n.net.terms[n]
}

func (n *shipnode) SendParcel(ctx context.Context, id string, parcel []byte, timeout time.Duration) ([]byte, error) {
	net := n.net
	var to *shipnode
	for _, o := range net.nodes {
		if o.id == id {
			to = o
		}
	}
	net.mu.Lock()
	there, back, old := !net.cut[[2]*shipnode{n, to}], !net.cut[[2]*shipnode{to, n}], to.old
	delay := time.Duration(net.rand.Intn(5000)) * time.Microsecond
	receiver := to.shipper
	net.mu.Unlock()
	pause(ctx, nil, delay)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !there:
		pause(ctx, nil, timeout)
		return nil, errors.New("lost")
	case old:
		return nil, nil
	}
	answer := receiver.Receive(n.id, parcel)
	if pause(ctx, nil, delay); !back {
		pause(ctx, nil, timeout)
		return nil, errors.New("the reply was lost")
	}
	return answer, nil
}

// setCut cuts one way between two nodes, or mends it.
func (net *shipnet) setCut(from, to *shipnode, cut bool) {
	net.mu.Lock()
	defer net.mu.Unlock()
	if net.cut[[2]*shipnode{from, to}] = cut; !cut {
		delete(net.cut, [2]*shipnode{from, to})
	}
}

// confirmations is how many samples were confirmed.
func (net *shipnet) confirmations() int {
	net.mu.Lock()
	defer net.mu.Unlock()
	return len(net.confirmed)
}

// connected reports whether two nodes hear each other.
func (net *shipnet) connected(a, b *shipnode) bool {
	return a == b || !net.cut[[2]*shipnode{a, b}] && !net.cut[[2]*shipnode{b, a}]
}

// elect has a node lead if a majority is there to vote for it. It returns false
// when there is none.
func (net *shipnet) elect(n *shipnode, skipped uint64) bool {
	net.mu.Lock()
	var voters []*shipnode
	term := uint64(0)
	for _, o := range net.nodes {
		if net.connected(n, o) {
			voters = append(voters, o)
			term = max(term, net.terms[o])
		}
	}
	if len(voters) <= len(net.nodes)/2 {
		net.mu.Unlock()
		return false
	}
	term += 1 + skipped
	for _, o := range voters {
		net.terms[o] = term
	}
	net.mu.Unlock()
	for _, o := range voters {
		o.resign()
	}
	ctx, stop := context.WithCancel(context.Background())
	run, done := n.shipper.Lead(term), make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	n.term, n.stop = term, func() {
		stop()
		<-done
	}
	return true
}

// resign ends the node's term, if it leads.
func (n *shipnode) resign() {
	if n.stop != nil {
		n.stop()
		n.stop = nil
	}
}

// leader is the one of the newest term that any node knows of; nil: nobody leads.
// What one that was deposed decides is not written.
func (net *shipnet) leader() *shipnode {
	net.mu.Lock()
	defer net.mu.Unlock()
	newest := uint64(0)
	for _, term := range net.terms {
		newest = max(newest, term)
	}
	for _, n := range net.nodes {
		if n.stop != nil && n.term == newest {
			return n
		}
	}
	return nil
}

// put puts a sample of a group of its own at the node, at most for a while.
func (net *shipnet) put(n *shipnode) {
	net.mu.Lock()
	net.puts++
	uid := autoscaling.UID(fmt.Sprint("s", net.puts))
	net.mu.Unlock()
	shipper := n.shipper
	net.wg.Go(func() {
		at := clockNow()
		if _, err := shipper.Put(context.Background(), uid, []Sample{{Metric: "m", Value: 1}}); err == nil {
			net.mu.Lock()
			net.confirmed[uid] = at
			net.mu.Unlock()
		}
	})
}

// check holds the leader to what it says it knows.
func (net *shipnet) check(what string) {
	net.t.Helper()
	n := net.leader()
	if n == nil {
		return
	}
	since, _ := n.store.knownSince("", seriesKey{}, 0)
	net.mu.Lock()
	defer net.mu.Unlock()
	for uid, at := range net.confirmed {
		if n.store.count(uid) == 0 && int64(at/1e6) >= since {
			net.t.Fatalf("%s: %s leads term %d and has all samples since %d, but not %s of %d", what, n.id, n.term, since, uid, at/1e6)
		}
	}
	for _, o := range net.nodes {
		for uid := range net.confirmed {
			if c := o.store.count(uid); c > 1 {
				net.t.Fatalf("%s: %s has %s %d times", what, o.id, uid, c)
			}
		}
	}
}

func (net *shipnet) end() {
	for _, n := range net.nodes {
		n.resign()
	}
	net.wg.Wait()
}

// count is how many samples of the group's metric "m" there are.
func (s *Store) count(uid autoscaling.UID) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.groups[uid]
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var n int64
	for _, series := range g.series {
		for i := range series.fine.buckets {
			n += series.fine.buckets[i].count
		}
	}
	return n
}
