package cluster

import (
	"sync"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/peer"
)

// transport is Raft's, with one thing added: to a node that does not answer
// Raft sends nothing until the peer service sees it again. Left to itself Raft
// would back off for up to ten seconds, so that a node that returns after a
// while is without the log for that long, and would report each failure.
type transport struct {
	*raft.NetworkTransport
	peers   *peer.Service
	leads   func(term uint64) bool
	stopped chan struct{} // closed by Close
	once    sync.Once
}

// AppendEntries waits as long as this node leads in the term of the request.
func (t *transport) AppendEntries(id raft.ServerID, address raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if !t.peers.WaitUp(string(id), t.stopped, func() bool { return t.leads(req.Term) }) {
		return errStopped
	}
	return t.NetworkTransport.AppendEntries(id, address, req, resp)
}

// Close ends all messages under way.
func (t *transport) Close() error {
	t.once.Do(func() { close(t.stopped) })
	return t.NetworkTransport.Close()
}
