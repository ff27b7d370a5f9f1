package cluster

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/asctl/as/internal/cluster/peer"
)

// self is what this node is, and what it remembers of the others: an identity
// kept durably. What is read of it is on the disk already.
type self struct {
	store IdentityStore

	writing sync.Mutex // one change at a time
	current atomic.Pointer[identity]

	mu sync.Mutex
	// marks are newer than those of the identity's Peers; they are stored with the
	// next change.
	marks map[string]uint64
	// forgot is why this node's data is older than what another node saw of it.
	forgot string
	// recorded are the nodes that remember this start of this node, durably.
	recorded map[string]bool
	// told is what the node itself finds wrong with its place in the cluster.
	told string
}

var errNoIdentity = errors.New("the node is starting")

func (s *self) get() *identity { return s.current.Load() }

// open begins a run with an identity that is in the store.
func (s *self) open(store IdentityStore, id *identity) {
	s.mu.Lock()
	s.store, s.forgot, s.told = store, "", ""
	s.marks, s.recorded = map[string]uint64{}, map[string]bool{}
	s.mu.Unlock()
	s.current.Store(id)
}

// change stores a changed identity. When fn or the store fails nothing changes.
func (s *self) change(fn func(id *identity) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	now := s.get()
	if now == nil {
		return errNoIdentity
	}
	next := now.clone()
	if err := fn(next); err != nil {
		return err
	}
	s.mu.Lock()
	for id, mark := range s.marks {
		if r, ok := next.Peers[id]; ok && mark > r.Mark {
			r.Mark = mark
			next.Peers[id] = r
		}
	}
	clear(s.marks)
	s.mu.Unlock()
	if err := saveIdentity(s.store, next); err != nil {
		return err
	}
	s.current.Store(next)
	return nil
}

// begin begins a start of the node on the directory: whatever copy of it is
// started later begins with the same number, and another nonce.
func (s *self) begin(id *identity) {
	id.Start++
	id.Nonce = randomID()
}

// peer is what is remembered of another node.
func (s *self) peer(id string) (remembered, bool) {
	now := s.get()
	if now == nil {
		return remembered{}, false
	}
	r, ok := now.Peers[id]
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Mark = max(r.Mark, s.marks[id])
	return r, ok
}

// mark notes how far a node is; it is on the disk only later.
func (s *self) mark(id string, index uint64) {
	if r, ok := s.peer(id); !ok || index <= r.Mark {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks[id] = index
}

// marked reports whether there are marks that are not stored yet.
func (s *self) marked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.marks) > 0
}

// convict notes why this node's data is too old, the first reason. It reports
// whether that is news.
func (s *self) convict(why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgot != "" {
		return false
	}
	s.forgot = why
	return true
}

func (s *self) convicted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forgot
}

// record notes that a node remembers this start.
func (s *self) record(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorded[id] = true
}

// forgetRecords is for a new start.
func (s *self) forgetRecords() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.recorded)
}

func (s *self) recordedBy(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recorded[id]
}

// tell sets the sentence about this node's place in the cluster, "" for none. It
// reports whether that is news.
func (s *self) tell(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.told != text
	s.told = text
	return news
}

func (s *self) telling() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// identity is what this node proves to the others to be.
func (n *Node) identity() peer.Identity {
	if id := n.self.get(); id != nil {
		return id.public()
	}
	return peer.Identity{Node: n.cfg.NodeID}
}

// claim is what this node says of its data directory.
func (n *Node) claim() peer.Claim {
	order := n.claims.Add(1) // before anything is read
	id := n.self.get()
	if id == nil {
		return peer.Claim{Phase: peer.Waiting, Order: order}
	}
	c := peer.Claim{
		Order: order,
		Phase: id.Phase, Admitted: id.Admitted, Start: id.Start, Nonce: id.Nonce,
		Last: n.stored, Open: n.open.Load(), Forgot: n.self.convicted(),
	}
	if r := n.raft.Load(); r != nil {
		c.Last = r.LastIndex()
	}
	if !id.Phase.HasData() {
		c.Members, c.Without = n.cfg.members(), n.without()
	}
	return c
}
