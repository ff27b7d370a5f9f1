package cluster

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
	"github.com/asctl/as/internal/cluster/peer"
)

// transportTimeout bounds one Raft message; of a snapshot, each 256 KiB of it.
const transportTimeout = 3 * time.Second

// raftConfig has the settings that were measured to be best: fat entries, so
// many in one message; time-outs long enough for a busy machine, since the
// death of a leader's process is detected and not waited for.
func raftConfig(nodeID string, pace int, log hclog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(nodeID)
	c.Logger = log
	c.HeartbeatTimeout = time.Second
	c.ElectionTimeout = time.Second
	c.LeaderLeaseTimeout = 500 * time.Millisecond
	// How late, up to twice, a follower learns that the last entry of a burst is
	// committed. Less costs an idle cluster a per cent of a core more.
	c.CommitTimeout = 50 * time.Millisecond
	c.MaxAppendEntries = 1024
	c.BatchApplyCh = true
	c.ShutdownOnRemove = false
	c.TrailingLogs = 2048
	c.SnapshotThreshold = 4096
	c.SnapshotInterval = 30 * time.Second
	c.NoLegacyTelemetry = true
	for _, d := range []*time.Duration{&c.HeartbeatTimeout, &c.ElectionTimeout, &c.LeaderLeaseTimeout, &c.CommitTimeout} {
		*d *= time.Duration(pace)
	}
	return c
}

// startRaft starts Raft on the storage; on an empty one with the cluster that was
// founded, if this node took part in that. Corrupt storage is an error, whatever
// way Raft meets it.
func (n *Node) startRaft(storage *Storage, s *stream) (r *raft.Raft, err error) {
	log := hclog.Logger(calm{n.log.Named("raft")})
	conf := raftConfig(n.cfg.NodeID, n.cfg.Pace, log)
	// After the storage was opened anew the machine has what it had.
	conf.NoSnapshotRestoreOnStart = n.guard.running.Load()
	transport := &transport{peers: n.peers, leads: n.leadsRaft, muted: n.muted, stopped: make(chan struct{})}
	transport.NetworkTransport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: s, MaxPool: 4, MaxRPCsInFlight: 2, Timeout: transportTimeout, Logger: log,
	})
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read the log: %v", p)
		}
		if err != nil {
			transport.Close()
		}
	}()
	// A page of the log file that cannot be read is then a panic, not the end of
	// the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if err := n.beginLog(conf, storage, transport); err != nil {
		return nil, err
	}
	r, err = raft.NewRaft(conf, n.guard, storage.Logs, storage.Stable, storage.Snapshots, transport)
	if err != nil {
		return nil, n.startError(err, storage)
	}
	n.guard.running.Store(true)
	n.transport.Store(transport)
	n.disk.serving.Store(true)
	return r, nil
}

// beginLog makes the first entry of a cluster that was founded, and ends the
// founding: a log that has gone later is not begun again.
func (n *Node) beginLog(conf *raft.Config, storage *Storage, transport raft.Transport) error {
	id := n.self.get()
	if id.Phase != peer.Founded {
		return nil
	}
	exists, err := raft.HasExistingState(storage.Logs, storage.Stable, storage.Snapshots)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	if !exists {
		err := raft.BootstrapCluster(conf, storage.Logs, storage.Stable, storage.Snapshots, transport, configurationOf(id.Founding))
		if err != nil {
			return fmt.Errorf("bootstrap: %w", err)
		}
	}
	return n.self.change(func(id *identity) error {
		id.Phase, id.Founding = peer.Member, nil
		return nil
	})
}

// configurationOf is the first configuration of a cluster. A member that was not
// there at the founding does not vote until a leader has admitted it.
func configurationOf(f *peer.Founding) raft.Configuration {
	var c raft.Configuration
	for _, id := range slices.Sorted(maps.Keys(f.Members)) {
		s := raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(f.Members[id])}
		if slices.Contains(f.Without, id) {
			s.Suffrage = raft.Nonvoter
		}
		c.Servers = append(c.Servers, s)
	}
	return c
}

// leadsRaft says whether Raft leads in the term.
func (n *Node) leadsRaft(term uint64) bool {
	r := n.raft.Load()
	return r == nil || (r.State() == raft.Leader && r.CurrentTerm() == term) // nil: only just started
}

// startError adds what Raft only logs.
func (n *Node) startError(err error, storage *Storage) error {
	if snapshots, ok := storage.Snapshots.(*integrity.Snapshots); ok && snapshots.Err() != nil {
		return snapshots.Err()
	}
	if restore := n.guard.restoreErr.Load(); restore != nil {
		return fmt.Errorf("restore a snapshot: %w", *restore)
	}
	return fmt.Errorf("start raft: %w", err)
}

// calm is Raft's logger. To Raft every message that does not arrive is an error;
// to us an error is what a person must look at.
type calm struct{ hclog.Logger }

func (c calm) Error(msg string, args ...any)  { c.Logger.Warn(msg, args...) }
func (c calm) With(args ...any) hclog.Logger  { return calm{c.Logger.With(args...)} }
func (c calm) Named(name string) hclog.Logger { return calm{c.Logger.Named(name)} }

// initialPeers are the other nodes of the initial cluster.
func (n *Node) initialPeers() map[string]string {
	others := maps.Clone(n.cfg.members())
	delete(others, n.cfg.NodeID)
	return others
}

// servers are the members as Raft knows them.
func servers(r *raft.Raft) []raft.Server {
	f := r.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	return f.Configuration().Servers
}

// voters are the ids of the nodes that vote in the latest configuration, or in the
// first one while this node knows none.
func (n *Node) voters() map[string]bool {
	ids := map[string]bool{}
	if r := n.raft.Load(); r != nil {
		for _, s := range servers(r) {
			if s.Suffrage == raft.Voter {
				ids[string(s.ID)] = true
			}
		}
	}
	if len(ids) == 0 {
		for id := range n.cfg.members() {
			ids[id] = true
		}
	}
	return ids
}

// standing is what the death detector needs of Raft.
func (n *Node) standing() peer.Standing {
	r := n.raft.Load()
	if r == nil || n.muted() {
		return peer.Standing{} // it neither campaigns nor has a say about another
	}
	_, leader := r.LeaderWithID()
	s := peer.Standing{
		Voter: n.open.Load() && n.voters()[n.cfg.NodeID],
		Term:  r.CurrentTerm(), Follower: r.State() == raft.Follower, Leader: string(leader),
		Silence: n.silence(), LastIndex: r.LastIndex(),
	}
	// Raft tells the term of its last entry in no other way.
	stats := r.Stats()
	s.LastTerm = statistic(stats, "last_log_term")
	if statistic(stats, "last_snapshot_index") > statistic(stats, "last_log_index") {
		s.LastTerm = statistic(stats, "last_snapshot_term")
	}
	return s
}

// silence is how long this node, when it does not lead, has heard from no leader.
func (n *Node) silence() time.Duration {
	r := n.raft.Load()
	if r == nil || r.State() == raft.Leader {
		return 0
	}
	last := r.LastContact()
	if last.IsZero() {
		return 0
	}
	return time.Since(last)
}

func statistic(stats map[string]string, key string) uint64 {
	v, _ := strconv.ParseUint(stats[key], 10, 64)
	return v
}

// campaign sends this node what a leader sends to the one that it hands its
// place to. It asks for votes at once, without a preliminary vote.
func (n *Node) campaign() error {
	r := n.raft.Load()
	if r == nil || n.muted() {
		return errors.New("raft does not run")
	}
	if !n.open.Load() || !n.voters()[n.cfg.NodeID] {
		return errors.New("this node does not vote")
	}
	n.metrics.campaigns.Inc()
	id, address := raft.ServerID(n.cfg.NodeID), raft.ServerAddress(n.cfg.AdvertiseRaft)
	req := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: []byte(address),
	}}
	return n.transport.Load().TimeoutNow(id, address, req, &raft.TimeoutNowResponse{})
}
