package cluster

import (
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// stuckAfter is how long a follower may take to acknowledge anything while the
// leader has entries for it. Then its connections are closed, so that
// replication starts anew, and it counts as unhealthy.
const stuckAfter = 5 * time.Second

// progress is what the followers have acknowledged to this node as the leader.
// Raft keeps the same and tells it to nobody.
type progress struct {
	mu        sync.Mutex
	term      uint64
	followers map[raft.ServerID]*follower
}

// follower is one node's share of it.
type follower struct {
	match      uint64    // the highest index that it acknowledged in this term
	moved      time.Time // when match rose, or was found to be all there is
	installing int       // snapshots on their way to it
	closedAt   time.Time // when its connections were closed for making no progress
}

// of returns the follower's entry for the term, or nil when the term is over.
// The caller holds mu.
func (p *progress) of(id raft.ServerID, term uint64) *follower {
	if term < p.term {
		return nil
	}
	if term > p.term || p.followers == nil {
		p.term, p.followers = term, map[raft.ServerID]*follower{}
	}
	f := p.followers[id]
	if f == nil {
		f = &follower{moved: time.Now()}
		p.followers[id] = f
	}
	return f
}

// acknowledged notes a success of the message.
func (p *progress) acknowledged(id raft.ServerID, req *raft.AppendEntriesRequest) {
	last := req.PrevLogEntry
	if n := len(req.Entries); n > 0 {
		last = req.Entries[n-1].Index
	}
	p.note(id, req.Term, last)
}

func (p *progress) note(id raft.ServerID, term, index uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.of(id, term); f != nil && index > f.match {
		f.match, f.moved = index, time.Now()
	}
}

// installing notes that a snapshot is on its way; done is called at its end.
// Its own deadline bounds it: that nothing is acknowledged meanwhile is no fault.
func (p *progress) installing(id raft.ServerID, term uint64) (done func()) {
	add := func(n int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if f := p.of(id, term); f != nil {
			f.installing += n
			f.moved = time.Now()
		}
	}
	add(1)
	return func() { add(-1) }
}

// closed notes that the connections to the follower were closed.
func (p *progress) closed(id raft.ServerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.followers[id]; f != nil {
		f.closedAt = time.Now()
	}
}

// stuck returns for how long the follower has acknowledged nothing although the
// log of the leader of the term ends at last, what it has, and when its
// connections were closed for that, if they were. It is 0 when it follows.
func (p *progress) stuck(id raft.ServerID, term, last uint64) (since time.Duration, match uint64, closedAt time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.of(id, term)
	switch {
	case f == nil:
		return 0, 0, time.Time{}
	case f.match >= last || f.installing > 0:
		f.moved = time.Now()
	}
	return time.Since(f.moved), f.match, f.closedAt
}

// InstallSnapshot is AppendEntries' counterpart for a follower that is too far
// behind for the log.
func (t *transport) InstallSnapshot(id raft.ServerID, address raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	done := t.progress.installing(id, req.Term)
	defer done()
	err := t.NetworkTransport.InstallSnapshot(id, address, req, resp, data)
	if err == nil && resp.Success {
		t.progress.note(id, req.Term, req.LastLogIndex)
	}
	return err
}
