package cluster

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/peer"
)

// transport is Raft's, with two things added. To a node that does not answer
// Raft sends nothing until the peer service sees it again: left to itself Raft
// would back off for up to ten seconds, so that a node that returns after a
// while is without the log for that long, and would report each failure. And
// what the followers acknowledge is noted: replication that stands still must
// be seen (progress), and must not wait for ever (pipeline).
type transport struct {
	*raft.NetworkTransport
	progress progress
	peers    *peer.Service
	leads    func(term uint64) bool
	muted    func() bool
	stopped  chan struct{} // closed by Close
	once     sync.Once
}

// AppendEntries waits as long as this node leads in the term of the request,
// also while this node itself takes no part.
func (t *transport) AppendEntries(id raft.ServerID, address raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	leads := func() bool { return t.leads(req.Term) }
	if !t.waitToSpeak(leads) || !t.peers.WaitOpen(string(id), t.stopped, leads) {
		return errStopped
	}
	err := t.NetworkTransport.AppendEntries(id, address, req, resp)
	if err == nil && resp.Success {
		t.progress.acknowledged(id, req)
	}
	return err
}

// waitToSpeak waits while this node is muted. It reports whether it is not.
func (t *transport) waitToSpeak(while func() bool) bool {
	for t.muted() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.stopped:
			return false
		}
		if !while() {
			return false
		}
	}
	return true
}

// AppendEntriesPipeline returns a pipeline to the node that cannot wait for ever.
func (t *transport) AppendEntriesPipeline(id raft.ServerID, address raft.ServerAddress) (raft.AppendPipeline, error) {
	inner, err := t.NetworkTransport.AppendEntriesPipeline(id, address)
	if err != nil {
		return nil, err
	}
	return newPipeline(inner, func(req *raft.AppendEntriesRequest) { t.progress.acknowledged(id, req) }), nil
}

// Close ends all messages under way.
func (t *transport) Close() error {
	t.once.Do(func() { close(t.stopped) })
	return t.NetworkTransport.Close()
}
